"""A case as rows of the exchange tables, and rows as the case's facts again. Pure.

Every event of a case has its home in one row, which says it by its columns and its extension (``extension.py``); what no
table has a row for (who had a step in hand, collaboration, supervision, notes) is at home in the application's row. Some
rows repeat what is at home elsewhere, because receivers look for it there: acceptance is a step of its process, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from ..domain import messages as m
from ..domain.case import Event, ProcedureRequested, RatingReceived, Received, SupplementReceived
from ..domain.history import Recorded
from .case_facts import event_of, exportable, plain, written, written_day
from .case_making import Making, Setting
from .case_reading import Reader, handed, with_handed
from .extension import beyond, fitted, whole
from .rows import Accept, Apply, HandedIn, Process, Result, Row, SpecialProcedure


class Unfit(Exception):
    """Rows do not make a case: the message names the case and what is missing or wrong."""


def to_rows(history: Sequence[Recorded[Event]], on: Setting) -> list[Row]:
    """A case's rows in all tables, without batch and operation (``increments.py``); none for one that was never received."""
    facts = exportable(history)
    return _Rows(facts, on).rows() if facts and isinstance(facts[0].event, Received) else []


def from_rows(rows: Iterable[Row], reader: Reader) -> dict[str, tuple[Recorded[Event], ...]]:
    """The facts of the cases that these rows are of, by case number. Raises Unfit."""
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.project_no, []).append(row)  # type: ignore[attr-defined]
    return {case_no: _facts(case_no, found, reader) for case_no, found in cases.items()}


def _facts(case_no: str, rows: Sequence[Row], reader: Reader) -> tuple[Recorded[Event], ...]:
    hand = handed((row for row in rows if isinstance(row, HandedIn)), reader)
    found: dict[int, Recorded[Event]] = {}
    for row in rows:
        said = reader.said(row) if "events" in row.liangwang_ext else {}
        for entry in row.liangwang_ext.get("events", ()):
            number, tag = entry["seq"], entry["event"]["type"]
            known = said.get(tag)
            content = with_handed(known.content if known else {}, tag, hand.get(number, {}))
            at = entry.get("at") or (known and known.at)
            try:
                event = event_of(whole(content, entry["event"]))
                found[number] = Recorded(msgspec.convert(at, datetime), "", event)
            except msgspec.ValidationError as error:
                raise Unfit(f"{case_no}: event {number} in {row.row_guid}: {error}") from error
    missing = sorted(set(range(max(found, default=0) + 1)) - found.keys())
    if missing:
        raise Unfit(f"{case_no}: events {', '.join(map(str, missing))} are in no row; read all tables of the export")
    return tuple(found[number] for number in sorted(found))


class _Rows(Making):
    """All rows of one case."""

    def rows(self) -> list[Row]:
        """All of them, the application's last: it takes in what is at home nowhere else."""
        files = [*self._files()]
        self.hand = handed(files, self.reader)
        made: list[Row] = [*files, *self._accepted(), *self._special(), *self._ended(), *self._process()]
        tables = self.on.standard.tables
        return [self._applied(), *(fitted(row, tables) for row in made)]

    # ------------------------------------------------------------------ application and acceptance

    def _applied(self) -> Row:
        row = Apply(row_guid=self.guid("Y"), **self.common(self.application.department))
        told: dict[str, Any] = {"personal": dict(self.on.more)} if self.on.more else {}
        if self.on.personal:  # what a supplement changes in it shows nowhere else in the row
            told["supplements"] = sum(1 for _ in self.of(SupplementReceived))
        row = replace(row, liangwang_ext=told)
        rest = [number for number in range(len(self.facts)) if number not in self.homed]
        return self.carrying(row, *rest)

    def _accepted(self) -> Iterator[Row]:
        for number, event, at in self.of(m.CaseAccepted):
            due = self.state.clock.due if self.state.clock else event.due
            yield self.carrying(
                Accept(
                    row_guid=self.guid("S"),
                    **self.common(event.department),
                    handle_user_name=self.by(event.by),
                    accept_date=written(at),
                    accept_doc_no=event.accept_doc_no,
                    promise_date=written(due.promised_at if due else None),
                ),
                number,
            )
            return

    def _files(self) -> Iterator[HandedIn]:
        for number, event, _ in self.of(Received, SupplementReceived):
            content = event.application if isinstance(event, Received) else event.supplement
            left = list(enumerate(content.materials))
            rows: list[HandedIn] = []
            for place, attachment in enumerate(content.attachments):
                paired = next((one for one in left if one[1] == attachment.code), None)
                if paired is not None:
                    left.remove(paired)
                base = {"of": number, "code": attachment.code, "material": paired[0] if paired else None}
                rows.append(self._file(number, len(rows), {**base, "place": place}, attachment))
            for position, code in left:
                base = {"of": number, "code": code, "material": position}
                rows.append(self._file(number, len(rows), base, None))
            yield from rows

    def _file(self, number: int, index: int, base: dict[str, Any], attachment: m.Attachment | None) -> HandedIn:
        names = {one.code: one.name.zh for one in self.on.item.materials} if self.on.item else {}
        origin = attachment.origin if attachment else "paper"
        named = ""
        if attachment is not None:
            named = attachment.certificate_no if origin == "certificate" else attachment.name
        row = HandedIn(
            row_guid=self.guid(f"C{number}.{index}"),
            project_no=self.case_no,
            material_name=names.get(base["code"], base["code"]),
            get_type=self.on.dialect.code("receiving", origin),
            material_attach_name=named,
            liangwang_ext=base,
        )
        fit = fitted(row, self.on.standard.tables)
        assert isinstance(fit, HandedIn)
        if attachment is None:
            return fit
        known = {**self.reader.attachment(fit), "code": attachment.code}
        return replace(fit, liangwang_ext={**fit.liangwang_ext, "attachment": beyond(plain(attachment), known)})

    # ------------------------------------------------------------------ process

    def _process(self) -> Iterator[Row]:
        for number, recorded in enumerate(self.facts):
            at = recorded.at
            match recorded.event:
                case m.CaseAccepted(by=by):
                    yield self._said(number, "accepted", self.handed_in_at(number), at, by=by)
                case m.CaseRefused(by=by, reasons=reasons, refusal_doc_no=no):
                    yield self._said(number, "refused", self.handed_in_at(number), at, by, _joined(reasons), no)
                case m.CaseReturned(reasons=reasons, return_doc_no=no):
                    yield self._said(number, "returned", self.handed_in_at(number), at, "rule", _joined(reasons), no)
                case m.CaseSuspended(cause=cause, approver=by, reason=reason):
                    name = self.reader.name("special_name", cause)
                    yield self._said(number, "special", at, at, by, reason or name)
                case m.SupplementRequested() as event:
                    yield self._supplement(number, event, at)
                case m.CaseTransferred(by=by, reason=reason):
                    row = self._said(number, "not_ours", self.handed_in_at(number), at, by, reason)
                    yield self.carrying(row, number)
                case m.StepCompleted() | m.StepReturned() as event:
                    yield self._step(number, event, at)

    def _said(
        self, number: int, word: str, began: datetime, ended: datetime, by: str, explain: str = "", remark: str = ""
    ) -> Process:
        return Process(
            row_guid=self.guid(f"P{number}"),
            project_no=self.case_no,
            process_name=self.reader.name("process_name", word),
            event_name=self.on.dialect.code("step_result", word),
            event_start_time=written(began),
            event_end_time=written(ended),
            handle_explain=explain or self.reader.name("opinion", word),
            handle_user_name=self.by(by),
            remark=remark,
        )

    def _supplement(self, number: int, event: m.SupplementRequested, at: datetime) -> Row:
        """The notice and its answer are one step, which lasts until the answer is there."""
        answers = (
            (later, when)
            for later, answer, when in self.of(SupplementReceived)
            if later > number and later not in self.homed and answer.supplement.notice_no == event.notice_no
        )
        answer = next(answers, None)
        told = _joined([point.reason for point in event.points]) or self.reader.name("process_name", "supplement")
        row = self._said(number, "supplement", at, answer[1] if answer else at, event.by, told, event.notice_no)
        return self.carrying(row, number, *([answer[0]] if answer else []))

    def _step(self, number: int, event: m.StepCompleted | m.StepReturned, at: datetime) -> Row:
        returned = isinstance(event, m.StepReturned)
        word = "returned" if returned else event.opinion  # type: ignore[union-attr]
        explain = event.reason if returned else event.explanation  # type: ignore[union-attr]
        row = self._said(number, word, self.began(number, event.step), at, event.by, explain)
        return self.carrying(replace(row, process_name=self.step_name(event.step)), number)

    # ------------------------------------------------------------------ special procedures

    def _special(self) -> Iterator[Row]:
        for number, event, at in self.of(m.CaseSuspended, m.CaseExtended):
            extended = isinstance(event, m.CaseExtended)
            cause = "extension" if extended else event.cause
            asked = self._asked_for(number, event)
            ended = None if extended else self._resumed(number, event.stop_id)
            day = event.on if extended else event.since
            row = SpecialProcedure(
                row_guid=self.guid(f"T{number}"),
                project_no=self.case_no,
                special_type="1" if extended else "2",
                special_name=self.reader.name("special_name", cause),
                special_time=written_day(day, at),
                special_reason="\n".join(part for part in (event.basis, event.reason) if part)
                or self.reader.name("special_name", cause),
                applyer_user_name=self.facts[asked].event.by if asked is not None else "",  # type: ignore[union-attr]
                handle_user=event.approver,
            )
            if extended:
                row = replace(row, end_time=row.special_time, special_explain=self._explained("extended", event.days))
            elif ended is not None:
                end: Any = self.facts[ended].event
                closed = written_day(end.on, self.facts[ended].at)
                row = replace(
                    row,
                    end_time=closed,
                    result=self.reader.name("special_result", end.result),
                    special_explain=self._explained("lasted", end.days),
                )
            yield self.carrying(row, *(one for one in (asked, number, ended) if one is not None))

    def _explained(self, word: str, days: int) -> str:
        return self.reader.name("explanation", word).format(days=days)

    def _asked_for(self, number: int, event: m.CaseSuspended | m.CaseExtended) -> int | None:
        """The officer's request that this procedure or extension follows from."""
        found = [
            earlier
            for earlier, asked, _ in self.of(ProcedureRequested)
            if earlier < number
            and earlier not in self.homed
            and (
                asked.kind == "extension"
                if isinstance(event, m.CaseExtended)
                else asked.procedure_id == event.stop_id and asked.kind != "extension"
            )
        ]
        return found[-1] if found else None

    def _resumed(self, number: int, stop_id: str) -> int | None:
        later = (
            one
            for one, end, _ in self.of(m.CaseResumed)
            if one > number and one not in self.homed and end.stop_id == stop_id
        )
        return next(later, None)

    # ------------------------------------------------------------------ the end

    def _ended(self) -> Iterator[Row]:
        last = next(iter(self.of(m.CaseDecided, m.CaseRefused, m.CaseReturned)), None)
        if last is None or self.state.status not in self.on.dialect.conclusion:
            return
        number, event, at = last
        decided = isinstance(event, m.CaseDecided)
        after = (
            m.DecisionCorrected,
            m.DecisionRevoked,
            m.CertificateRevoked,
            m.CertificateReissued,
            RatingReceived,
        )
        row = Result(
            row_guid=self.guid("J"),
            project_no=self.case_no,
            handle_user_name=self.by(self._decider(number, event)),
            result_date=written(at),
            result_type=self.on.dialect.code("conclusion", self.state.status),
            result_explain=_joined(event.reasons),
            result_cetr_name=event.certificate_name.zh if decided and event.certificate_name else "",
            result_cetr_no=self.state.certificate or "",
            satisfaction=str(self.state.rating) if self.state.rating is not None else "",
            remark="" if decided else plain(event).get("refusal_doc_no") or plain(event).get("return_doc_no") or "",
        )
        yield self.carrying(row, number, *(later for later, _, _ in self.of(*after) if later > number))

    def _decider(self, number: int, event: Any) -> str:
        if isinstance(event, m.CaseRefused):
            return event.by
        steps = [one.event.by for one in self.facts[:number] if isinstance(one.event, m.StepCompleted)]
        return steps[-1] if steps else "rule"


def _joined(reasons: Sequence[Any]) -> str:
    return "；".join(reason.zh for reason in reasons)
