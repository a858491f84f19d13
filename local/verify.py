"""`python -m local verify …`: checks a document by its QR code and the published keys, without a network.

What is given is the code's content, or a file: a PDF as it was issued, or a text file with the content.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import jwt
import msgspec
from liangwang.domain.case_no import SHANGHAI
from liangwang.services.documents import KIND, Claims

DEFAULT_ID = b"1234567812345678"
"""The distinguishing ID with which SM2 signs where nothing else was agreed (GM/T 0009-2012); KMS takes it too."""


class Forged(Exception):
    """The content was not signed by one of the keys, or was changed."""


def check(text: str, keys: Mapping[str, Any]) -> Claims:
    """What is signed in a code's content: pure. ``keys`` is a JSON Web Key Set. Raises Forged."""
    token = text.strip().rpartition("#")[2]
    try:
        header = jwt.get_unverified_header(token)
        content, _, signature = token.rpartition(".")
        payload, signed = _decoded(content.partition(".")[2]), _decoded(signature)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Forged("this is no signed content; scan the whole code") from error
    found = [key for key in keys.get("keys", ()) if key.get("kid") == header.get("kid")]
    if not found:
        raise Forged(f"no published key is called {header.get('kid')}")
    if header.get("typ") != KIND or header.get("alg") != found[0].get("alg"):
        raise Forged("what is signed here is no document, or not by the algorithm of its key")
    if not _holds(content.encode(), signed, found[0]):
        raise Forged("the signature does not fit: the content was changed, or made by somebody else")
    try:
        return msgspec.json.decode(payload, type=Claims)
    except msgspec.DecodeError as error:
        raise Forged("what is signed is no document of ours") from error


def said(claims: Claims, *, revoked: Collection[str], now: datetime) -> tuple[list[str], bool]:
    """The result for people, and whether the document holds as far as can be known offline."""
    lines = [
        f"{claims.t}  {claims.n}",
        f"发文部门 issued by: {claims.d}",
        f"事项 item: {claims.i}",
        f"持有人 holder: {claims.h or '-'}",
        f"发文时间 issued: {_moment(claims.iat)}",
    ]
    if claims.exp is not None:
        lines.append(f"有效期至 valid until: {_moment(claims.exp)}")
    if claims.n in revoked:
        return [*lines, "签名有效，但在吊销名单中 signed, but on the list of revoked numbers"], False
    if claims.exp is not None and claims.exp <= now.timestamp():
        return [*lines, "签名有效，已过期 signed, but expired"], False
    return [*lines, "签名有效 signed by the published key; whether it was revoked since: GET /verify/{number}"], True


def scan(file: Path) -> str:
    """The content of the QR code on a PDF, or of a text file. Raises Forged when there is no code."""
    content = file.read_bytes()
    if not content.startswith(b"%PDF"):
        return content.decode("utf-8", errors="replace")
    import pypdfium2
    import zxingcpp

    for page in pypdfium2.PdfDocument(content):
        for code in zxingcpp.read_barcodes(page.render(scale=3).to_pil()):
            return str(code.text)
    raise Forged("there is no QR code on this document")


def _holds(content: bytes, signature: bytes, key: Mapping[str, Any]) -> bool:
    if key.get("alg") == "SM2":
        return _sm2_holds(content, signature, key)
    public = jwt.PyJWK(dict(key))
    return bool(public.Algorithm.verify(content, public.key, signature))


def _sm2_holds(content: bytes, signature: bytes, key: Mapping[str, Any]) -> bool:
    from pysmx.SM2 import Verify

    point = _decoded(key["x"]) + _decoded(key["y"])
    if len(signature) != 64 or len(point) != 64:
        return False
    return bool(Verify(signature, content, point, len_para=64, Hexstr=0, uid=DEFAULT_ID))


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


@click.command("verify")
@click.argument("document")
@click.option(
    "--keys",
    "keys",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="The published keys, as /.well-known/jwks.json gave them.",
)
@click.option("--revoked", type=click.Path(exists=True, path_type=Path), help="Numbers that were revoked, one a line.")
def command(document: str, keys: Path, revoked: Path | None) -> None:
    """Say whether DOCUMENT (a PDF, a text file, or a QR code's content) is genuine; exit code 1 when it is not, or has expired."""
    numbers = frozenset(revoked.read_text("utf-8").split()) if revoked else frozenset()
    try:
        file = Path(document)
        text = scan(file) if len(document) < 256 and file.is_file() else document
        claims = check(text, json.loads(keys.read_bytes()))
    except Forged as error:
        raise click.ClickException(str(error)) from error
    lines, holds = said(claims, revoked=numbers, now=datetime.now(UTC))
    for line in lines:
        click.echo(line)
    sys.exit(0 if holds else 1)
