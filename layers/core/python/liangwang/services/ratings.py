"""好差评: the applicant rates a case after its end; officials see counts, and single ratings without the person."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from .. import texts
from ..access import Mandates, granted
from ..accesses import Accesses
from ..aggregates import APPLICATION, RATING, RECTIFICATION, Key
from ..domain import messages as m
from ..domain import policy, rating, rectification
from ..domain.application import Application
from ..domain.case_no import SHANGHAI
from ..domain.catalogue import Text
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.policy import Action
from ..domain.rating import Rated
from ..http import Request, limit_of
from ..notices import Notices
from ..processing import act
from ..store import Store, Stored
from ..vault import Vault
from .departments import Departments

MONTHS = 12
"""A summary covers this many months at most."""

PAGE = 1000


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rating. ``rating`` is the code: 1 非常满意, the best, to 5 非常不满意, the worst. ``tags`` are of ``domain/rating.py``."""

    rating: int
    tags: tuple[str, ...] = ()
    comment: m.Remark = ""


class Confirmation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the applicant thinks of the department's response to a bad rating."""

    satisfied: bool


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a bad rating. ``response`` is what the department says it has put right."""

    status: str
    status_text: Text
    due_at: datetime
    responded_at: datetime | None = None
    response: str | None = None
    satisfied: bool | None = None


class RatingView(Struct, frozen=True, kw_only=True):
    """A rating as its applicant sees it. ``rectification`` is there when the rating was bad."""

    case_no: str
    rating: int
    stars: int
    text: Text
    tags: tuple[str, ...]
    comment: str
    rated_at: datetime
    rectification: Answer | None = None


class SingleRating(Struct, frozen=True, kw_only=True):
    """A rating as officials see it: neither person nor case, no comment, and the day only."""

    department: str
    task_code: str
    task_name: Text
    rating: int
    stars: int
    text: Text
    tags: tuple[str, ...]
    rated_on: date


class RatingList(Struct, frozen=True, kw_only=True):
    """A page of a department's ratings of one month, oldest first."""

    department: str
    month: str
    ratings: tuple[SingleRating, ...]
    cursor: str | None = None


class TallyView(Struct, frozen=True, kw_only=True):
    """How often each code was given for one item of one department; ``counts[0]`` is code 1, the best."""

    department: str
    department_name: Text
    task_code: str
    task_name: Text
    counts: tuple[int, int, int, int, int]
    total: int


class RatingSummary(Struct, frozen=True, kw_only=True):
    """Counts of the months from ``first`` to ``last``, both included."""

    first: str
    last: str
    tallies: tuple[TallyView, ...]


class Ratings:
    """A rating is final when it is given, and given when the case is closed: nobody sees one of an open case."""

    def __init__(self, store: Store, departments: Departments, notices: Notices, vault: Vault) -> None:
        self._store = store
        self._departments = departments
        self._notices = notices
        self._vault = vault
        self._mandates = Mandates(store)
        self._accesses = Accesses(store)

    # ------------------------------------------------------------------ the applicant

    def rate(self, request: Request) -> RatingView:
        """Rates a case once, after its end. Raises NotNow before it and AlreadyRated after the first."""
        wish: Rate = request.body
        rating.check(code=wish.rating, tags=wish.tags)
        case = self._case(request, "application.rate")
        rating.check_time(case)
        stored = self._load(RATING.name, request)
        comment = self._vault.seal(case.applicant, {"comment": wish.comment}) if wish.comment.strip() else {}
        submitted = case.submitted
        rated = Rated(
            owner=case.applicant,
            by=request.by.subject,
            code=wish.rating,
            tags=wish.tags,
            comment=comment,
            department=submitted.department,
            task_code=submitted.task_code,
            task_version=submitted.task_version,
            at=request.now,
        )

        def decide(state: Rated | None, now: datetime) -> list[Any]:
            if state is not None:
                raise rating.AlreadyRated("this case was rated; a rating is given once and stays")
            return [rated]

        return self._view(act(self._store, request, stored, decide), None)

    def own(self, request: Request) -> RatingView:
        """The applicant's rating and what became of it. Raises NotFound when there is none."""
        self._case(request, "application.read")
        given, put_right = self._given(request), self._load(RECTIFICATION.name, request).state
        self._record(request, given, put_right)
        return self._view(given, put_right)

    def confirm(self, request: Request) -> RatingView:
        """The applicant's word, once, on the response to a bad rating. Raises NotNow before there is one."""
        wish: Confirmation = request.body
        self._case(request, "application.rate")
        given = self._given(request)
        stored = self._load(RECTIFICATION.name, request)
        if not stored.history:
            raise NotFound("nothing has to be put right here")
        after = act(
            self._store, request, stored, lambda state, now: rectification.confirm(state, satisfied=wish.satisfied)
        )
        self._record(request, given, after.state)
        return self._view(given, after.state)

    # ------------------------------------------------------------------ officials

    def page(self, request: Request) -> RatingList:
        """One department's ratings of one month (``month``, the present one without it), without the persons."""
        department = self._departments.one(request, "rating.list")
        month = _month(request, "month")
        keys = self._keys(department, month)
        start, limit = _start(request), limit_of(request)
        shown = self._load_all(keys[start : start + limit])
        following = str(start + limit) if start + limit < len(keys) else None
        return RatingList(
            department=department, month=month, ratings=tuple(self._single(one) for one in shown), cursor=following
        )

    def summary(self, request: Request) -> RatingSummary:
        """Counts by code for each department and item that the caller may see, from month ``first`` to ``last``.

        They are counted from the ratings themselves, which stay when the persons behind them are erased.
        """
        first, last = _month(request, "first"), _month(request, "last")
        months = list(_between(first, last))
        given = (
            one
            for department in self._departments.all(request, "rating.summarise")
            for month in months
            for one in self._load_all(self._keys(department, month))
        )
        return RatingSummary(first=first, last=last, tallies=tuple(map(self._tally, rating.tallies(given))))

    # ------------------------------------------------------------------ parts

    def _case(self, request: Request, action: Action) -> Application:
        number = request.path["case_no"]
        what = f"you have no case {number}"
        stored = self._store.load([Key(APPLICATION.name, number)])[Key(APPLICATION.name, number)]
        if not stored.history:
            raise NotFound(what)
        state: Application = stored.state
        relation = self._mandates.relation(
            request, state.applicant, task_code=state.submitted.task_code, act=policy.act_of(action)
        )
        granted(request.by, action, relation, what=what)
        return state

    def _record(self, request: Request, stored: Stored, put_right: rectification.Rectification | None) -> None:
        """That an agent is shown what the applicant and the department wrote, before it is."""
        given: Rated = stored.state
        tokens = {**given.comment, **(put_right.response.text if put_right and put_right.response else {})}
        if tokens and self._mandates.standing(request, given.owner).agent:
            self._accesses.record(
                request.by, request.now, action="application.read", subject=stored.key.id, fields=tokens
            )

    def _load(self, kind: str, request: Request) -> Stored:
        key = Key(kind, request.path["case_no"])
        return self._store.load([key])[key]

    def _given(self, request: Request) -> Stored:
        stored = self._load(RATING.name, request)
        if not stored.history:
            raise NotFound(f"case {stored.key.id} has not been rated")
        return stored

    def _keys(self, department: str, month: str) -> list[Key]:
        """All ratings of a month. Keys name cases, so no cursor of the index ever leaves this class."""
        found, cursor = self._store.held_by(RATING, f"{department}/{month}", limit=PAGE)
        while cursor:
            more, cursor = self._store.held_by(RATING, f"{department}/{month}", limit=PAGE, cursor=cursor)
            found += more
        return found

    def _load_all(self, keys: list[Key]) -> Iterable[Rated]:
        loaded = self._store.load(keys)
        return (loaded[key].state for key in keys if loaded[key].history)

    def _view(self, stored: Stored, put_right: rectification.Rectification | None) -> RatingView:
        given: Rated = stored.state
        return RatingView(
            case_no=stored.key.id,
            rating=given.code,
            stars=given.stars,
            text=texts.text(f"rating.code.{given.code}"),
            tags=given.tags,
            comment=self._vault.open(given.owner, given.comment).get("comment", ""),
            rated_at=given.at,
            rectification=self._answer(put_right) if put_right else None,
        )

    def _answer(self, state: rectification.Rectification) -> Answer:
        said = self._vault.open(state.opened.owner, state.response.text) if state.response else {}
        return Answer(
            status=state.status,
            status_text=texts.text(f"rectification.{state.status}"),
            due_at=state.opened.due_at,
            responded_at=state.responded_at,
            response=said.get("response"),
            satisfied=state.satisfied,
        )

    def _single(self, given: Rated) -> SingleRating:
        return SingleRating(
            department=given.department,
            task_code=given.task_code,
            task_name=self._notices.item_name(given.task_code, given.task_version),
            rating=given.code,
            stars=given.stars,
            text=texts.text(f"rating.code.{given.code}"),
            tags=given.tags,
            rated_on=given.at.astimezone(SHANGHAI).date(),
        )

    def _tally(self, tally: rating.Tally) -> TallyView:
        return TallyView(
            department=tally.department,
            department_name=self._notices.department_name(tally.department),
            task_code=tally.task_code,
            task_name=self._notices.item_name(tally.task_code),
            counts=tally.counts,
            total=sum(tally.counts),
        )


def _month(request: Request, name: str) -> str:
    """A month from the query, the present one without it. Raises Invalid for what is no month."""
    text = request.query.get(name, rating.month(request.now))
    try:
        datetime.strptime(f"{text}-01", "%Y-%m-%d")
        if len(text) != 7:
            raise ValueError(text)
    except ValueError as error:
        raise Invalid("not a month", violations=(Violation(name, "use a month such as 2027-03"),)) from error
    return text


def _between(first: str, last: str) -> Iterable[str]:
    """The months from the first to the last. Raises Invalid when they are none or too many."""
    start, end = (int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last))
    if not start <= end < start + MONTHS:
        violation = Violation("last", f"use a month from {first} on, at most {MONTHS} months in all")
        raise Invalid("not a period", violations=(violation,))
    return (f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, end + 1))


def _start(request: Request) -> int:
    text = request.query.get("cursor") or "0"
    if not text.isdecimal() or len(text) > 9:
        violation = Violation("cursor", "use the cursor of the page before, unchanged")
        raise Invalid("not a cursor", violations=(violation,))
    return int(text)
