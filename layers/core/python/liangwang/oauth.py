"""The centre as a client of somebody else's: OAuth 2.0 client credentials (RFC 6749, 4.4), as our own token endpoint speaks it.

What gives us tokens is somebody else's too: whatever it answers but a token is an error, never a token.
"""

import base64
import time
from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from msgspec import DecodeError, Meta, Struct, json

from .http_client import HttpClient

LARGEST = 64 * 1024
EARLY_SECONDS = 30.0
"""So long before it ends a token is not used any more."""


class NoToken(Exception):
    """The token endpoint gave none."""


class _Granted(Struct, frozen=True):
    access_token: Annotated[str, Meta(min_length=1, max_length=16_384, pattern=r"^[\x21-\x7e]+$")]
    token_type: Literal["Bearer", "bearer"]
    expires_in: Annotated[float, Meta(ge=0)] = 60.0


class ClientToken:
    """Called, it is a token that holds; asked for anew shortly before it ends. ``secret`` is looked up when it is needed."""

    def __init__(
        self,
        token_url: str,
        *,
        client_id: str,
        secret: Callable[[], str],
        scope: str = "",
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(token_url)
        self._client = HttpClient(f"{parts.scheme}://{parts.netloc}", timeout=timeout, longest=LARGEST, whole=True)
        self._target = parts.path or "/"
        self._client_id, self._secret, self._scope = client_id, secret, scope
        self._clock = clock
        self._token, self._until = "", 0.0  # nosec B105

    def __call__(self) -> str:
        """A token. Raises NoToken, OSError, AwsError."""
        if self._clock() >= self._until:
            granted = self._ask()
            self._token, self._until = granted.access_token, self._clock() + granted.expires_in - EARLY_SECONDS
        return self._token

    def _ask(self) -> _Granted:
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret())}"
        wish = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        headers = {
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        response = self._client.request("POST", self._target, body=urlencode(wish).encode(), headers=headers)
        if response.status != 200:
            raise NoToken(f"the token endpoint answered {response.status}")
        try:
            return json.decode(response.body, type=_Granted)
        except DecodeError as error:
            raise NoToken("the token endpoint answered 200, but no token") from error
