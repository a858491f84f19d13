"""The body of an item: a history's JSON, deflated with a preset dictionary, because a write costs by the kilobyte.

A dictionary holds the names and phrases that every history has, so that they cost next to nothing: more than a third of
a body is saved (docs/decisions/one-item-history.md). A zlib stream names its dictionary by checksum: bodies are written with the newest,
and those written with an older one stay readable. A dictionary, once released, never changes.
"""

import zlib
from pathlib import Path

_FOLDER = Path(__file__).parent / "deflate"
_NEWEST = (_FOLDER / "2.dict").read_bytes()
_KNOWN = {zlib.adler32(one): one for one in ((_FOLDER / "1.dict").read_bytes(), _NEWEST)}


class UnknownDictionary(Exception):
    """The body was written by a later release, with a dictionary that this one does not have."""


def pack(text: bytes) -> bytes:
    """JSON to a body."""
    deflate = zlib.compressobj(level=6, zdict=_NEWEST)
    return deflate.compress(text) + deflate.flush()


def unpack(body: bytes) -> bytes:
    """A body to JSON. Raises UnknownDictionary, or zlib.error when it is no body."""
    checksum = int.from_bytes(body[2:6], "big")  # RFC 1950: DICTID follows the two header bytes
    if checksum not in _KNOWN:
        raise UnknownDictionary(f"dictionary {checksum:08x} is unknown here; deploy the newer release to all functions")
    inflate = zlib.decompressobj(zdict=_KNOWN[checksum])
    return inflate.decompress(body) + inflate.flush()
