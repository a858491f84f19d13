"""A case that an official asks for: looked up, and looked at by the policy. Every route about one case begins here."""

from datetime import datetime

from msgspec import Struct

from ..access import granted
from ..aggregates import CASE, Key
from ..domain import policy, procedures
from ..domain.case import Case
from ..domain.catalogue import Text
from ..domain.errors import Forbidden, NotFound
from ..domain.handling import handles
from ..domain.steps import open_steps
from ..http import Request
from ..store import Store, Stored
from .department import Department


class CaseSummary(Struct, frozen=True, kw_only=True):
    """A case as a worklist shows it. ``step`` is the first of the steps that an officer can do now."""

    case_no: str
    task_code: str
    task_name: Text
    status: str
    step: str | None
    received_at: datetime


class OwnCases:
    """Cases as the policy shows them: those of the caller's own department; others' are not found."""

    def __init__(self, store: Store, department: Department) -> None:
        self.store = store
        self.department = department

    def own(self, request: Request, action: policy.Action) -> tuple[Stored, policy.Fields]:
        """The case that the path names, and how much of it the caller is shown when doing this. Raises NotFound when there
        is none or it is another department's, Forbidden when the policy denies this to who may otherwise look at it.
        """
        key = Key(CASE.name, request.path["case_no"])
        stored = self.store.load([key])[key]
        return stored, self.granted(request, action, stored)

    def granted(self, request: Request, action: policy.Action, stored: Stored) -> policy.Fields:
        """How much of a case that was looked up the caller is shown when doing this. Raises as ``own`` does."""
        what = f"your department has no case {stored.key.id}"
        if not stored.history:
            raise NotFound(what)
        relations = self.standing(request, stored)
        if "department" in relations and policy.fields(request.by.role, action, relations) is None:
            raise Forbidden(f"no step of case {stored.key.id} is, was or may next be yours")
        return granted(request.by, action, relations, what=what)

    def standing(self, request: Request, stored: Stored) -> frozenset[policy.Relation]:
        """How the caller stands to a case. The centre of the department's own region has to do with it only while the
        government's head is asked for something (本级人民政府负责人, 行政许可法 art. 42).
        """
        state: Case = stored.state
        item, by = self.department.item(state.application), request.by
        asked = procedures.levels_asked(state, item) if state.asked else ()
        department = self.department.catalogue.organisation.department[state.department]
        centres = frozenset({department.region}) if "government" in asked else frozenset[str]()
        handled = handles(state, item, role=by.role, subject=by.subject)
        return policy.relations(by, policy.Thing(department=state.department, centres=centres, handled=handled))

    def summary(self, stored: Stored) -> CaseSummary:
        """A case in short, as a worklist shows it and as what changes a case answers."""
        state: Case = stored.state
        item = self.department.item(state.application)
        waiting = [step.key for step in open_steps(state, item) if step.by == "clerk"]
        return CaseSummary(
            case_no=stored.key.id,
            task_code=item.task_code,
            task_name=item.name,
            status=state.status,
            step=waiting[0] if waiting else None,
            received_at=stored.history[0].at,
        )
