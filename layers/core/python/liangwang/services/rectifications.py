"""差评整改: what a department has to put right after a bad rating, and what it says it did."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from .. import texts
from ..access import granted
from ..accesses import Accesses
from ..aggregates import RECTIFICATION, Key
from ..domain import rectification
from ..domain.catalogue import Text
from ..domain.errors import NotFound, require_reason
from ..domain.policy import Action, Fields
from ..domain.rectification import Rectification
from ..http import Request, limit_of
from ..notices import Notices
from ..processing import act
from ..store import Store, Stored
from ..vault import Erased, Vault
from .departments import Departments


class Respond(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was put right; the citizen reads it."""

    response: Annotated[str, Meta(max_length=1000)]


class RectificationSummary(Struct, frozen=True, kw_only=True):
    """A rectification as a list shows it."""

    case_no: str
    department: str
    task_code: str
    task_name: Text
    rating: int
    tags: tuple[str, ...]
    status: str
    status_text: Text
    is_overdue: bool
    opened_at: datetime
    due_at: datetime


class RectificationList(Struct, frozen=True, kw_only=True):
    """A page of what a department still has to put right, oldest first."""

    rectifications: tuple[RectificationSummary, ...]
    cursor: str | None = None


class RectificationView(Struct, frozen=True, kw_only=True):
    """One rectification. What people wrote is shown to the department only; None where it is not, or was erased."""

    rectification: RectificationSummary
    comment: str | None = None
    response: str | None = None
    responded_at: datetime | None = None
    satisfied: bool | None = None


class Rectifications:
    """Seen by the department's supervisors and the centres above it; answered by the supervisors."""

    def __init__(
        self, store: Store, departments: Departments, notices: Notices, vault: Vault, accesses: Accesses
    ) -> None:
        self._store = store
        self._departments = departments
        self._notices = notices
        self._vault = vault
        self._accesses = accesses

    def outstanding(self, request: Request) -> RectificationList:
        """What one department has not answered yet."""
        department = self._departments.one(request, "rectification.list")
        keys, cursor = self._store.held_by(
            RECTIFICATION, department, limit=limit_of(request), cursor=request.query.get("cursor")
        )
        loaded = self._store.load(keys)
        found = tuple(self._summary(loaded[key], request.now) for key in keys if loaded[key].history)
        return RectificationList(rectifications=found, cursor=cursor)

    def rectification(self, request: Request) -> RectificationView:
        """One in full. That a comment is shown is recorded first."""
        stored, shown = self._granted(request, "rectification.read")
        return self._view(request, stored, shown)

    def respond(self, request: Request) -> RectificationView:
        """Says, once, what was put right. Raises NotNow a second time."""
        wish: Respond = request.body
        require_reason(wish.response, field="response", what="a response")
        stored, shown = self._granted(request, "rectification.respond")
        text = self._vault.seal(stored.state.opened.owner, {"response": wish.response})
        after = act(
            self._store,
            request,
            stored,
            lambda state, now: rectification.respond(state, by=request.by.subject, text=text),
        )
        return self._view(request, after, shown)

    def _granted(self, request: Request, action: Action) -> tuple[Stored, Fields]:
        key = Key(RECTIFICATION.name, request.path["case_no"])
        stored = self._store.load([key])[key]
        what = f"no rectification {key.id}"
        if not stored.history:
            raise NotFound(what)
        return stored, granted(request.by, action, self._departments.thing(stored.state.opened.department), what=what)

    def _view(self, request: Request, stored: Stored, shown: Fields) -> RectificationView:
        state: Rectification = stored.state
        said = self._said(request, stored) if shown == "full" else {}
        return RectificationView(
            rectification=self._summary(stored, request.now),
            comment=said.get("comment"),
            response=said.get("response"),
            responded_at=state.responded_at,
            satisfied=state.satisfied,
        )

    def _said(self, request: Request, stored: Stored) -> dict[str, str]:
        state: Rectification = stored.state
        tokens = {**state.opened.comment, **(state.response.text if state.response else {})}
        if not tokens:
            return {}
        self._accesses.record(
            request.by, request.now, action="rectification.read", subject=stored.key.id, fields=tokens
        )
        try:
            return self._vault.open(state.opened.owner, tokens)
        except Erased:  # the person is gone; what has to be put right stays
            return {}

    def _summary(self, stored: Stored, now: datetime) -> RectificationSummary:
        state: Rectification = stored.state
        late = state.is_overdue or (state.response is None and state.opened.due_at <= now)
        status = "overdue" if late and state.response is None else state.status
        return RectificationSummary(
            case_no=stored.key.id,
            department=state.opened.department,
            task_code=state.opened.task_code,
            task_name=self._notices.item_name(state.opened.task_code, state.opened.task_version),
            rating=state.opened.code,
            tags=state.opened.tags,
            status=status,
            status_text=texts.text(f"rectification.{status}"),
            is_overdue=late,
            opened_at=state.opened_at,
            due_at=state.opened.due_at,
        )
