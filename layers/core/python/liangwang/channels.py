"""What carries a notification out of the system: mail by Amazon SES, text messages by Amazon SNS.

The port is ``Sender``. A city whose region has neither (there is no SES and no SMS by SNS in China's regions) puts its own
provider's adapter in their place.
"""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError  # the error only; defusedxml reads # nosec B405

import msgspec
from msgspec import Struct, json

from .http_client import HttpClient, Response
from .signing import Credentials, signed_headers

SECONDS = 5.0
"""How long a provider may take. The next notification waits as long."""


class Message(Struct, frozen=True, kw_only=True):
    """What is sent to one address. ``reference`` is the same at every try of the same message.

    Of these only the reference may be logged.
    """

    to: str
    title: str
    body: str
    reference: str


class Refused(Exception):
    """The provider will never take this message, such as for an address that it finds wrong. Says the provider's code."""


class NotSent(Exception):
    """The provider did not take it, and may take it later. Says the provider's code or what went wrong."""


class Unsure(Exception):
    """Nobody knows whether the provider took it: the answer did not come, or it was a failure of the provider's own."""


class Sender(Protocol):
    """One channel to one provider."""

    def send(self, message: Message) -> str:
        """Sends, and answers what proves it: the provider's message id. Raises Refused, NotSent or Unsure."""
        ...


class SesMail:
    """Mail by Amazon SES.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html. SES has no token against sending twice, so
    a mail names its reference in a header and at its end.
    """

    PATH = "/v2/email/outbound-emails"
    WRONG = frozenset({"BadRequestException"})

    def __init__(self, post: "SignedPost", *, sender: str) -> None:
        self._post = post
        self._sender = sender

    def send(self, message: Message) -> str:
        """See ``Sender.send``."""
        content = {
            "Subject": {"Data": message.title, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": message.body, "Charset": "UTF-8"}},
            "Headers": [{"Name": "X-Liangwang-Reference", "Value": message.reference}],
        }
        request = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [message.to]},
            "Content": {"Simple": content},
        }
        response = self._post(json.encode(request), "application/json", path=self.PATH)
        if response.status == 200:
            return _answered(lambda: json.decode(response.body, type=dict[str, Any])["MessageId"])
        raise _failure(response, _json_code(response), wrong=self.WRONG)


class SnsSms:
    """Text messages by Amazon SNS.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html. What is published to a phone number has no token against
    sending twice.
    """

    WRONG = frozenset({"InvalidParameter", "InvalidParameterValue", "OptedOut"})

    def __init__(self, post: "SignedPost") -> None:
        self._post = post

    def send(self, message: Message) -> str:
        """See ``Sender.send``. The number is written as E.164; one without a country is a Chinese one."""
        request = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "PhoneNumber": international(message.to),
            "Message": message.title,
            "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
            "MessageAttributes.entry.1.Value.DataType": "String",
            "MessageAttributes.entry.1.Value.StringValue": "Transactional",
        }
        response = self._post(urlencode(request).encode(), "application/x-www-form-urlencoded; charset=utf-8")
        if response.status == 200:
            return _answered(lambda: _element(response.body, "MessageId"))
        raise _failure(response, _xml_code(response), wrong=self.WRONG)


class SignedPost:
    """One signed request to one AWS service, on a connection of its own: a kept one might send it twice."""

    def __init__(
        self,
        *,
        service: str,
        region: str,
        origin: str,
        credentials: Callable[[], Credentials],
        seconds: float = SECONDS,
    ) -> None:
        self._service = service
        self._region = region
        self._origin = origin
        self._credentials = credentials
        self._seconds = seconds

    def __call__(self, body: bytes, content_type: str, *, path: str = "/") -> Response:
        """The answer, whatever its status. Raises NotSent when nobody was reached, Unsure when no answer came."""
        client = HttpClient(self._origin, timeout=self._seconds)
        headers = signed_headers(
            service=self._service,
            region=self._region,
            headers={"content-type": content_type, "host": client.host},
            body=body,
            credentials=self._credentials(),
            now=datetime.now(UTC),
            path=path,
        )
        try:
            return client.request("POST", path, body=body, headers=headers)
        except (ConnectionRefusedError, socket.gaierror) as error:
            raise NotSent(type(error).__name__) from error
        except OSError as error:
            raise Unsure(type(error).__name__) from error


def international(number: str) -> str:
    """A phone number as E.164 has it: ``138-0000-0000`` is ``+8613800000000``."""
    digits = "".join(character for character in number if character.isdigit())
    return f"+{digits}" if number.strip().startswith("+") else f"+86{digits}"


def _answered(read: Callable[[], Any]) -> str:
    """The message id of a good answer. One that cannot be read is a good answer all the same: the message has gone."""
    try:
        return str(read())
    except (msgspec.DecodeError, ParseError, KeyError, ValueError):
        return "unread"


def _failure(response: Response, code: str, *, wrong: frozenset[str]) -> Exception:
    if code in wrong:
        return Refused(code)
    if response.status >= 500 and response.status != 503:
        return Unsure(code)
    return NotSent(code)


def _json_code(response: Response) -> str:
    """The error code, where the body names it; SES often says it in a header only, and then the status has to do."""
    try:
        content = json.decode(response.body, type=dict[str, Any])
    except msgspec.DecodeError:
        content = {}
    return (
        str(content.get("__type") or content.get("name") or content.get("code") or "").rpartition("#")[2]
        or f"Http{response.status}"
    )


def _xml_code(response: Response) -> str:
    try:
        return _element(response.body, "Code")
    except (ParseError, ValueError):
        return f"Http{response.status}"


def _element(body: bytes, name: str) -> str:
    """The text of the first element of this name, in whatever namespace."""
    from defusedxml.ElementTree import fromstring

    for element in fromstring(body).iter():
        if element.tag.rpartition("}")[2] == name and element.text:
            return str(element.text)
    raise ValueError(f"no {name} in the answer")
