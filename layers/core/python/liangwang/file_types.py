"""What a file is, by its bytes and never by what its sender calls it.

Only what a clerk can open without harm is taken: PDF, JPEG, PNG, OFD (GB/T 33190-2016) and office documents without
macros. Whatever else it may be (a program, a page, a drawing that runs scripts), it is not one of these
(docs/decisions/file-types.md). Archives are never unpacked here: the names in them are enough.
"""

import io
import zipfile
from collections.abc import Collection

from .domain.errors import Invalid, Violation

PDF = "application/pdf"
JPEG = "image/jpeg"
PNG = "image/png"
OFD = "application/ofd"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

EXTENSION = {PDF: "pdf", JPEG: "jpg", PNG: "png", OFD: "ofd", DOCX: "docx", XLSX: "xlsx"}
"""The types that are taken, and how their files' names end."""

_BEGINS = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
_ARCHIVE = b"PK\x03\x04"
_HOLDS = {"OFD.xml": OFD, "word/document.xml": DOCX, "xl/workbook.xml": XLSX}
_MOST_ENTRIES = 10_000
_LONGEST_DIRECTORY = 2 * 1024 * 1024
"""Bytes of an archive's list of its entries: a file may be nothing but a list, and each entry read takes ten times its size."""
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
"""The records at an archive's end (APPNOTE 4.3.16 and 4.3.15); the second is there where the first cannot hold the numbers."""
_RUNS = (".exe", ".dll", ".js", ".vbs", ".bat", ".cmd", ".ps1", ".sh", ".jar", ".class", ".html", ".htm", ".svg")
_MACROS = ("vbaproject.bin", "macrosheets")


def media_type(content: bytes) -> str:
    """The type of a file. Raises Invalid, naming ``content``, for one that is not taken."""
    for beginning, kind in _BEGINS.items():
        if content.startswith(beginning):
            return kind
    if content.startswith(_ARCHIVE):
        return _archive_type(_names(content))
    raise _not_taken("the file is none of these")


def _names(content: bytes) -> Collection[str]:
    end = content.rfind(_END)
    length = int.from_bytes(content[end + 12 : end + 16], "little")
    if _END_64 in content[max(0, end - 20) : max(0, end)] or length > _LONGEST_DIRECTORY:
        raise _not_taken("the file is an archive with too many entries")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise _not_taken("the file is an archive that cannot be read") from error


def _archive_type(names: Collection[str]) -> str:
    if len(names) > _MOST_ENTRIES:
        raise _not_taken("the file is an archive with too many entries")
    low = [name.lower() for name in names]
    if any(macro in name for name in low for macro in _MACROS):
        raise _not_taken("the document has macros: save it without them")
    if any(name.endswith(_RUNS) for name in low):
        raise _not_taken("the file holds something that can be run")
    found = {kind for part, kind in _HOLDS.items() if part in names}
    if len(found) != 1:
        raise _not_taken("the file is an archive, but no document")
    return found.pop()


def _not_taken(why: str) -> Invalid:
    fix = "send a PDF, JPEG, PNG or OFD file, or an office document (.docx, .xlsx) without macros"
    return Invalid(f"{why}; {fix}", violations=(Violation("content", fix),))
