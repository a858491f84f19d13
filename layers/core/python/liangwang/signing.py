"""AWS's Signature Version 4: headers of a signed request, and signed URLs. Pure; tests hold both to botocore's.

Paths are taken as they go over the wire; those that are signed here have nothing that would need quoting.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
"""What stands for the body's hash in a signed URL of S3: the body is not known yet when the URL is made."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()


class Credentials(Struct, frozen=True):
    """What a Lambda execution environment is given: keys and, on AWS, a session token."""

    access_key: str
    secret_key: str
    token: str = ""


def signed_headers(
    *,
    service: str,
    region: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    now: datetime,
    method: str = "POST",
    path: str = "/",
) -> dict[str, str]:
    """``headers`` (names in lower case, ``host`` among them) with those that sign a request of ``body``."""
    stamp = _stamp(now)
    signed = {**headers, "x-amz-date": stamp}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    canonical = "\n".join(
        (
            method,
            path,
            "",
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope, signature = _sign(canonical, stamp=stamp, region=region, service=service, secret=credentials.secret_key)
    signed["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return signed


def signed_url(
    *,
    service: str,
    region: str,
    host: str,
    query: Mapping[str, str],
    credentials: Credentials,
    now: datetime,
    seconds: int,
    method: str = "GET",
    scheme: str = "https",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    payload: str = _EMPTY,
) -> str:
    """A URL that holds for ``seconds``, for a request with exactly these ``headers`` (names in lower case).

    ``payload`` is the SHA-256 of the body, or S3's ``UNSIGNED_PAYLOAD``.
    """
    stamp = _stamp(now)
    signed = {**(headers or {}), "host": host}
    names = sorted(signed)
    parameters = {
        **query,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{_scope(stamp, region, service)}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": ";".join(names),
    }
    if credentials.token:
        parameters["X-Amz-Security-Token"] = credentials.token
    text = "&".join(f"{_quoted(name)}={_quoted(parameters[name])}" for name in sorted(parameters))
    lines = (f"{name}:{signed[name]}" for name in names)
    canonical = "\n".join((method, path, text, *lines, "", ";".join(names), payload))
    _, signature = _sign(canonical, stamp=stamp, region=region, service=service, secret=credentials.secret_key)
    return f"{scheme}://{host}{path}?{text}&X-Amz-Signature={signature}"


def _stamp(now: datetime) -> str:
    return now.strftime("%Y%m%dT%H%M%SZ")


def _scope(stamp: str, region: str, service: str) -> str:
    return f"{stamp[:8]}/{region}/{service}/aws4_request"


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _sign(canonical: str, *, stamp: str, region: str, service: str, secret: str) -> tuple[str, str]:
    """The scope of a signature and the signature."""
    scope = _scope(stamp, region, service)
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return scope, hmac.digest(_key(secret, stamp[:8], region, service), to_sign.encode(), "sha256").hex()


@lru_cache(maxsize=16)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of one day, region and service: the same for every request of that day."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
