"""What an application hands in: a code alone is a paper; a file or a certificate is named beside its code."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from .. import log
from ..aggregates import APPLICATION, MATERIAL, Key
from ..domain import catalogue, certificate
from ..domain import messages as m
from ..domain.errors import Invalid, Violation
from ..domain.material import Material
from ..file_types import EXTENSION
from ..store import Store

LOOKED_THROUGH = 100
"""The newest cases of an applicant among which a certificate is looked for."""


class HandedIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A material that is not a paper: a file that the applicant keeps with intake (``material_id``), or a certificate that
    an earlier case of the applicant ended with (``certificate_no``); one of the two.
    """

    code: str
    material_id: str = ""
    certificate_no: str = ""


Promises = Annotated[tuple[str, ...], Meta(max_length=50)]
"""Codes of materials that the applicant promises to hand in later."""

Entries = Annotated[tuple[str | HandedIn, ...], Meta(max_length=50)]
"""What is handed in: codes of papers, and files and certificates. Two of the same code are two parts of one material."""


def codes(entries: Iterable[str | HandedIn]) -> tuple[str, ...]:
    """The material codes, each once: all that rules look at."""
    return tuple(dict.fromkeys(entry if isinstance(entry, str) else entry.code for entry in entries))


def violations(known: Collection[str], entries: Iterable[str | HandedIn]) -> list[Violation]:
    """What of these is no material of an item with the ``known`` codes, or not named as it must be. Reads nothing."""
    found = []
    for position, entry in enumerate(entries):
        code = entry if isinstance(entry, str) else entry.code
        if code not in known:
            reason = f"{code!r} is no material of this item; known: {', '.join(sorted(known))}"
            found.append(Violation(f"materials[{position}]", reason))
        if isinstance(entry, HandedIn) and bool(entry.material_id) == bool(entry.certificate_no):
            reason = "name either the file by `material_id` or the certificate by `certificate_no`; a paper is its code alone"
            found.append(Violation(f"materials[{position}]", reason))
    return found


def unkeepable(
    materials: Iterable[catalogue.Material], entries: Iterable[str | HandedIn], promises: Iterable[str]
) -> list[Violation]:
    """What of these promises 容缺受理 cannot be made: a material that may not come later, or that is handed in already."""
    later = {one.code: one.later_days for one in materials if one.later_days}
    given, seen, found = set(codes(entries)), set[str](), []
    for position, code in enumerate(promises):
        if code not in later:
            allowed = ", ".join(sorted(later)) or "none of this item"
            found.append(Violation(f"promises[{position}]", f"{code!r} cannot come later; what can: {allowed}"))
        elif code in given or code in seen:
            found.append(Violation(f"promises[{position}]", f"{code!r} is handed in or promised already; leave it out"))
        seen.add(code)
    return found


class HandingIn:
    """Finds the files and certificates that are handed in, among what is the applicant's own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def attachments(
        self,
        entries: Sequence[str | HandedIn],
        *,
        applicant: str,
        caller: str,
        now: datetime,
        case_no: str = "",
        before: Iterable[m.Attachment] = (),
    ) -> tuple[m.Attachment, ...]:
        """The files and certificates among the entries. ``before`` are those that the case has already.

        A file is the applicant's, or that of the agent who applies; a certificate is the applicant's. Raises Invalid with
        each that is not. Nothing is read for papers.
        """
        files = self._files(entries, owners={applicant, caller})
        certificates = self._certificates(entries, applicant=applicant, now=now)
        counted = Counter(one.code for one in before)
        found: list[m.Attachment] = []
        wrong: list[Violation] = []
        for position, entry in enumerate(entries):
            if isinstance(entry, str):
                continue
            counted[entry.code] += 1
            if entry.material_id in files:
                found.append(_file(entry, files[entry.material_id], case_no, version=counted[entry.code]))
            elif entry.certificate_no in certificates:
                found.append(_certificate(entry, version=counted[entry.code]))
            else:
                wrong.append(_missing(position, entry))
        if wrong:
            raise Invalid("not everything that is handed in is there; see errors", violations=tuple(wrong))
        uploaded = sum(one.origin == "upload" for one in found)
        if found:
            log.add(materials_uploaded=uploaded, materials_reused=len(found) - uploaded)
        return tuple(found)

    def _files(self, entries: Iterable[str | HandedIn], *, owners: Collection[str]) -> dict[str, Material]:
        """The stored files of these owners, by id."""
        named = [entry.material_id for entry in entries if isinstance(entry, HandedIn) and entry.material_id]
        loaded = self._store.load(Key(MATERIAL.name, one) for one in named) if named else {}
        return {
            key.id: stored.state
            for key, stored in loaded.items()
            if stored.history and stored.state.owner in owners and stored.state.state == "stored"
        }

    def _certificates(self, entries: Iterable[str | HandedIn], *, applicant: str, now: datetime) -> Collection[str]:
        """Numbers of certificates that the applicant was granted and that hold now."""
        if not any(isinstance(entry, HandedIn) and entry.certificate_no for entry in entries):
            return ()
        keys, _ = self._store.held_by(APPLICATION, applicant, limit=LOOKED_THROUGH, newest_first=True)
        held = (certificate.held(stored.state, now) for stored in self._store.load(keys).values() if stored.history)
        return {number for number in held if number is not None}


def _file(entry: HandedIn, material: Material, case_no: str, *, version: int) -> m.Attachment:
    return m.Attachment(
        code=entry.code,
        origin="upload" if material.used_in in ("", case_no) else "earlier",
        material_id=entry.material_id,
        name=f"{entry.code}-{version}.{EXTENSION[material.media_type]}",
        media_type=material.media_type,
        size=material.size,
        sha256=material.sha256,
        version=version,
    )


def _certificate(entry: HandedIn, *, version: int) -> m.Attachment:
    return m.Attachment(
        code=entry.code, origin="certificate", certificate_no=entry.certificate_no, name=entry.code, version=version
    )


def _missing(position: int, entry: HandedIn) -> Violation:
    if entry.material_id:
        return Violation(
            f"materials[{position}].material_id", f"you keep no file {entry.material_id}; see GET /api/materials"
        )
    return Violation(
        f"materials[{position}].certificate_no",
        f"no case of yours ended with certificate {entry.certificate_no}, or it does not hold any more",
    )
