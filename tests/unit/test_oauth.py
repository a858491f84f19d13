"""The centre as a client of somebody else's token endpoint: what it sends, what it keeps, what it takes for no token."""

import base64

import pytest
from liangwang.http_client import AnswerTooLong, Response
from liangwang.oauth import ClientToken, NoToken

GRANTED = b'{"access_token": "t-1", "token_type": "Bearer", "expires_in": 900, "scope": "exchange"}'


class Endpoint(ClientToken):
    """The real client over answers of the test's."""

    def __init__(self, *answers, now=lambda: 0.0):
        super().__init__(
            "https://town.example/oauth/token",
            client_id="governance:1",
            secret=lambda: "a secret&",
            scope="exchange",
            clock=now,
        )
        self.asked = []
        self._client = self
        self._answers = list(answers)

    def request(self, method, target, *, body, headers):
        self.asked.append((method, target, body, headers))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else Response(200, answer)


def test_it_asks_by_client_credentials_in_the_header_and_keeps_the_token_until_shortly_before_it_ends():
    now = 0.0
    token = Endpoint(GRANTED, GRANTED.replace(b"t-1", b"t-2"), now=lambda: now)
    assert [token(), token()] == ["t-1", "t-1"]
    ((method, target, body, headers),) = token.asked
    assert (method, target, body) == ("POST", "/oauth/token", b"grant_type=client_credentials&scope=exchange")
    scheme, pair = headers["authorization"].split()
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"governance%3A1:a+secret%26")
    now = 869.0
    assert token() == "t-1"
    now = 871.0
    assert token() == "t-2"


@pytest.mark.parametrize(
    "answer",
    [
        Response(401, b'{"error": "invalid_client"}'),
        Response(302, GRANTED),
        b"<html>",
        b"{}",
        b'{"access_token": "", "token_type": "Bearer"}',
        b'{"access_token": "a\\r\\nhost: other", "token_type": "Bearer"}',
        b'{"access_token": "t", "token_type": "mac"}',
    ],
)
def test_whatever_is_no_token_is_an_error_and_asked_for_again(answer):
    token = Endpoint(answer, GRANTED)
    with pytest.raises(NoToken):
        token()
    assert token() == "t-1"


def test_an_answer_without_end_is_cut_off():
    with pytest.raises(AnswerTooLong):
        Endpoint(AnswerTooLong("more than 65536 bytes"))()
