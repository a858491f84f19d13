"""补正 and 容缺补交: what an applicant may add to an application, and when. Pure."""

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .application import Application, Event
from .errors import Invalid, NotNow, Violation


class Answerable(Struct, frozen=True):
    """What an applicant can send at all: the item's form fields and material codes."""

    fields: frozenset[str]
    materials: frozenset[str]


def supplement(
    state: Application, answer: m.ApplicationSupplemented, *, fields: Collection[str], asked: Answerable
) -> Sequence[Event]:
    """Answers the open supplement notice: every point of it and nothing else; or keeps promises 容缺补交: materials that may
    come later, some or all, and nothing else. ``fields`` are the names of the form fields in the answer, sealed ones too.
    Raises NotNow when nothing is awaited, Invalid for what lacks or is too much.
    """
    notice = state.notice if state.status in ("supplementing", "suspended") else None
    promised = {one.material for one in state.promised}
    points = {point.field for point in notice.points} if notice else set()
    if state.status == "withdrawing" or (notice is None and not promised):
        raise NotNow("no supplement notice is open for this case; nothing can be added now")
    if notice is None or (set(answer.materials) & promised - points and not fields):
        return [_kept(state, answer, promised, fields)]
    if found := _misfits(notice, fields=fields, materials=answer.materials, asked=asked):
        raise Invalid("the supplement does not answer the notice; see errors", violations=found)
    return [replace(answer, notice_no=notice.notice_no)]


def _misfits(
    notice: m.SupplementRequested, *, fields: Collection[str], materials: Collection[str], asked: Answerable
) -> tuple[Violation, ...]:
    """What lacks and what is too much. A point that names nothing which can be sent is answered by the other points; where
    all are such (a notice of another's system), anything that the item knows is an answer, but not nothing.
    """
    points = {point.field: point.reason.en for point in notice.points}
    missing = {
        **{f"materials.{name}": points[name] for name in points if name in asked.materials and name not in materials},
        **{
            f"form.{name}": points[name]
            for name in points
            if name in asked.fields - asked.materials and name not in fields
        },
    }
    if not points.keys() & (asked.fields | asked.materials):
        return () if fields or materials else (Violation("form", "the supplement is empty"),)
    surplus = [
        *(f"form.{name}" for name in fields if name not in points),
        *(f"materials.{code}" for code in materials if code not in points),
    ]
    return (
        *(Violation(place, reason) for place, reason in missing.items()),
        *(Violation(place, "the notice does not ask for this; leave it out") for place in surplus),
    )


def _kept(
    state: Application, answer: m.ApplicationSupplemented, promised: Collection[str], fields: Collection[str]
) -> m.ApplicationSupplemented:
    """Promised materials, under the number of the receipt that names the promise."""
    surplus = [f"form.{name}" for name in fields]
    surplus += [f"materials.{code}" for code in answer.materials if code not in promised]
    found = [Violation(place, "it is not among the materials promised for later; leave it out") for place in surplus]
    if not answer.materials:
        found.append(Violation("materials", f"hand in what was promised: {', '.join(sorted(promised))}"))
    if found:
        raise Invalid("these are not the promised materials; see errors", violations=tuple(found))
    assert state.accepted is not None
    return replace(answer, notice_no=state.accepted.accept_doc_no)
