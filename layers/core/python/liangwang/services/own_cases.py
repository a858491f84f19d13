"""A case that an official asks for: looked up, and looked at by the policy. Every route about one case begins here."""

from datetime import datetime

from msgspec import Struct

from ..access import granted
from ..aggregates import CASE, Key
from ..domain import policy, procedures
from ..domain.case import Case
from ..domain.catalogue import Text
from ..domain.errors import NotFound
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
        is none or the policy denies it.
        """
        key = Key(CASE.name, request.path["case_no"])
        stored = self.store.load([key])[key]
        what = f"your department has no case {key.id}"
        if not stored.history:
            raise NotFound(what)
        return stored, granted(request.by, action, self.standing(request, stored), what=what)

    def standing(self, request: Request, stored: Stored) -> frozenset[policy.Relation]:
        """How the caller stands to a case. The centre of the department's own region has to do with it only while the
        government's head is asked for something (本级人民政府负责人, 行政许可法 art. 42).
        """
        state: Case = stored.state
        asked = procedures.levels_asked(state, self.department.item(state.application)) if state.asked else ()
        department = self.department.catalogue.organisation.department[state.department]
        centres = frozenset({department.region}) if "government" in asked else frozenset[str]()
        return policy.relations(request.by, policy.Thing(department=state.department, centres=centres))

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
