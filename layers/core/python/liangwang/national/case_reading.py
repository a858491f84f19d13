"""What the columns of a case's rows say of its events, without the extension. Pure.

``said`` is asked when a row is written (what it says is left out of the extension) and when it is read.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .case_facts import read_day, read_moment
from .extension import whole
from .rows import Accept, Apply, HandedIn, Process, Result, Row, SpecialProcedure
from .tables import Dialect, Standard


class Said(NamedTuple):
    """When an event was recorded (None: not said) and what of its content is known."""

    at: str | None
    content: Mapping[str, Any]


Handed = Mapping[int, Mapping[str, Any]]
"""By the number of the event that handed them in: ``materials`` and ``attachments``."""


class Reader(NamedTuple):
    """The codes and words that rows are read by."""

    standard: Standard
    dialect: Dialect

    def name(self, list_id: str, word: str) -> str:
        """A word's name in a list; the word itself where the list does not have it."""
        return self.standard.codes[list_id].codes.get(word, word)

    def word(self, list_id: str, name: str) -> str:
        """The word that a name stands for; the name itself where the list does not have it."""
        codes = self.standard.codes[list_id].codes
        return next((word for word, known in codes.items() if known == name), name)

    def said(self, row: Row) -> dict[str, Said]:
        """What a row's columns say, by the type of the event."""
        match row:
            case Accept():
                return self._accept(row)
            case Apply():
                return self._apply(row)
            case Process():
                return self._process(row)
            case Result():
                return self._result(row)
            case SpecialProcedure():
                return self._special(row)
        return {}

    def _apply(self, row: Apply) -> dict[str, Said]:
        application: dict[str, Any] = {
            "type": "application.submitted",
            "case_no": row.project_no,
            "department": row.org_code,
            "task_code": row.task_code,
            "task_version": row.task_version,
            "channel": self.word("channel", row.apply_type),
            "applicant_type": _number(row.applyer_type),
        }
        return {"case.received": Said(read_moment(row.apply_date), {"application": application})}

    def _accept(self, row: Accept) -> dict[str, Said]:
        content: dict[str, Any] = {
            "case_no": row.project_no,
            "department": row.org_code,
            "accept_doc_no": row.accept_doc_no,
            "by": self.word("actor", row.handle_user_name),
        }
        if promised_at := read_moment(row.promise_date):
            content["due"] = {"promised_at": promised_at}
        return {"case.accepted": Said(read_moment(row.accept_date), content)}

    def _process(self, row: Process) -> dict[str, Said]:
        began, ended = read_moment(row.event_start_time), read_moment(row.event_end_time)
        common = {"case_no": row.project_no, "by": self.word("actor", row.handle_user_name)}
        match self.dialect.word("step_result", row.event_name):
            case "supplement":
                answer = {"type": "application.supplemented", "case_no": row.project_no, "notice_no": row.remark}
                return {
                    "case.supplement_requested": Said(began, {**common, "notice_no": row.remark}),
                    "case.supplement_received": Said(ended, {"supplement": answer}),
                }
            case "agree" | "disagree" as opinion:
                unsaid = row.handle_explain == self.name("opinion", opinion)
                explanation = "" if unsaid else row.handle_explain
                step = self.word("step_name", row.process_name)
                done = {**common, "opinion": opinion, "explanation": explanation, "step": step}
                return {"approval.step_completed": Said(ended, done)}
            case "not_ours":
                return {"case.transferred": Said(ended, {**common, "reason": row.handle_explain})}
            case "returned":
                step = self.word("step_name", row.process_name)
                return {"approval.step_returned": Said(ended, {**common, "reason": row.handle_explain, "step": step})}
        return {}

    def _special(self, row: SpecialProcedure) -> dict[str, Said]:
        basis, _, reason = row.special_reason.partition("\n")
        cause = self.word("special_name", row.special_name)
        began: dict[str, Any] = {
            "case_no": row.project_no,
            "basis": basis,
            "reason": reason,
            "approver": row.handle_user,
        }
        asked = Said(None, {"by": row.applyer_user_name, "kind": cause, "reason": reason})
        at, day = read_moment(row.special_time), read_day(row.special_time)
        if row.special_type == "1":
            return {"case.extended": Said(at, {**began, "on": day}), "procedure.requested": asked}
        result = self.word("special_result", row.result)
        ended = {"case_no": row.project_no, "on": read_day(row.end_time), "result": result}
        return {
            "case.suspended": Said(at, {**began, "cause": cause, "since": day}),
            "case.resumed": Said(read_moment(row.end_time), ended),
            "procedure.requested": asked,
        }

    def _result(self, row: Result) -> dict[str, Said]:
        at = read_moment(row.result_date)
        decided: dict[str, Any] = {"case_no": row.project_no, "certificate_no": row.result_cetr_no or None}
        outcome = self.dialect.word("conclusion", row.result_type)
        if outcome in ("granted", "denied", "withdrawn"):
            decided["outcome"] = outcome
        if row.result_cetr_name:
            decided["certificate_name"] = {"zh": row.result_cetr_name}
        return {
            "case.decided": Said(at, decided),
            "case.refused": Said(at, {"case_no": row.project_no, "refusal_doc_no": row.remark}),
            "case.returned": Said(at, {"case_no": row.project_no, "return_doc_no": row.remark}),
            "certificate.reissued": Said(None, {"case_no": row.project_no, "certificate_no": row.result_cetr_no}),
            "application.rated": Said(None, {"case_no": row.project_no, "code": _number(row.satisfaction)}),
        }

    def attachment(self, row: HandedIn) -> dict[str, Any]:
        """What a material's columns say of its file or certificate."""
        origin = self.dialect.word("receiving", row.get_type)
        named = "certificate_no" if origin == "certificate" else "name"
        return {"origin": origin, named: row.material_attach_name}


def handed(rows: Iterable[HandedIn], reader: Reader) -> dict[int, dict[str, Any]]:
    """What was handed in, by the event that did it, in the order of then."""
    materials: dict[int, dict[int, str]] = {}
    attachments: dict[int, dict[int, dict[str, Any]]] = {}
    for row in rows:
        extension = row.liangwang_ext
        event, code = extension["of"], extension["code"]
        codes, files = materials.setdefault(event, {}), attachments.setdefault(event, {})
        if extension["material"] is not None:
            codes[extension["material"]] = code
        if "attachment" in extension:
            known = {**reader.attachment(row), "code": code}
            files[extension["place"]] = whole(known, extension["attachment"])
    return {
        event: {
            "materials": [code for _, code in sorted(codes.items())],
            "attachments": [attachments[event][place] for place in sorted(attachments[event])],
        }
        for event, codes in materials.items()
    }


def with_handed(content: Mapping[str, Any], tag: str, hand: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an event, with what was handed in by it."""
    part = {"case.received": "application", "case.supplement_received": "supplement"}.get(tag)
    if part is None or not hand:
        return dict(content)
    return {**content, part: {**content.get(part, {}), **hand}}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
