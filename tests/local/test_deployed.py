"""A deployed function answers as one in this process does, and says what went wrong as Lambda's API says it."""

import io
import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local.deployed import DeployedFunction, FunctionError, InvokeRefused


class Client:
    """A Lambda client that remembers what it was asked and gives one answer."""

    def __init__(self, payload=b"null", *, error=None, refusal=None):
        self.asked = []
        self._answer = {"StatusCode": 200, "Payload": io.BytesIO(payload)} | ({"FunctionError": error} if error else {})
        self._refusal = refusal

    def invoke(self, **arguments):
        self.asked.append(arguments)
        if self._refusal:
            raise self._refusal
        return self._answer


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "told to"}}, "Invoke")


def test_the_event_goes_out_as_json_and_the_answer_comes_back_parsed():
    client = Client(b'{"batchItemFailures": []}')
    function = DeployedFunction("liangwang-relay", client=client)
    assert function.invoke({"records": {"申请": [1]}}) == {"batchItemFailures": []}
    assert function.name == "liangwang-relay"
    (asked,) = client.asked
    assert (asked["FunctionName"], asked["InvocationType"]) == ("liangwang-relay", "RequestResponse")
    assert json.loads(asked["Payload"]) == {"records": {"申请": [1]}}


def test_an_answer_of_null_is_none():
    assert DeployedFunction("f", client=Client(b"null")).invoke({}) is None


def test_a_function_that_raises_is_a_function_error_with_its_type_and_message():
    said = json.dumps({"errorType": "KeyError", "errorMessage": "'TABLE'", "stackTrace": []}).encode()
    with pytest.raises(FunctionError, match="f failed: KeyError: 'TABLE'") as caught:
        DeployedFunction("f", client=Client(said, error="Unhandled")).invoke({})
    assert (caught.value.error_type, caught.value.error_message) == ("KeyError", "'TABLE'")


def test_an_error_without_an_error_object_is_a_function_error_too():
    with pytest.raises(FunctionError) as caught:
        DeployedFunction("f", client=Client(b"segmentation fault", error="Unhandled")).invoke({})
    assert (caught.value.error_type, caught.value.error_message) == ("Unhandled", "segmentation fault")


@pytest.mark.parametrize("payload", [b"", b"<html>", b'{"half":'])
def test_an_answer_that_is_not_json_is_a_function_error(payload):
    with pytest.raises(FunctionError, match="not JSON"):
        DeployedFunction("f", client=Client(payload)).invoke({})


@pytest.mark.parametrize("code", ["TooManyRequestsException", "RequestTooLargeException", "ResourceNotFoundException"])
def test_what_the_api_refuses_is_raised_with_its_code(code):
    with pytest.raises(InvokeRefused, match=f"f was not invoked: {code}: told to") as caught:
        DeployedFunction("f", client=Client(refusal=refusal(code))).invoke({})
    assert caught.value.code == code


def test_a_broken_connection_passes_through():
    broken = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    with pytest.raises(EndpointConnectionError):
        DeployedFunction("f", client=Client(refusal=broken)).invoke({})
