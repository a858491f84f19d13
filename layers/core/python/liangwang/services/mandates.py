"""委托: a citizen gives another a mandate, sees those given and received, and takes one back."""

from datetime import datetime

from msgspec import Struct

from ..access import granted
from ..aggregates import ACCOUNT, MANDATE, MANDATED, Key
from ..domain import mandate, policy
from ..domain.account import Account
from ..domain.catalogue import Catalogue
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.mandate import Act, Mandate, Mandated, Moment, State
from ..http import Request, limit_of
from ..processing import Command, act, perform
from ..store import Store, Stored


class Give(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the caller lets act for them: which acts, for which items (none named: all), until when."""

    agent: str
    acts: tuple[Act, ...]
    expires_at: Moment
    task_codes: tuple[str, ...] = ()


class MandateView(Struct, frozen=True, kw_only=True):
    """A mandate as both sides see it: account names, and nothing else about the two."""

    mandate_id: str
    principal: str
    agent: str
    acts: tuple[Act, ...]
    task_codes: tuple[str, ...]
    given_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    state: State


class MandateList(Struct, frozen=True, kw_only=True):
    """A page of the mandates that the caller gave and one of those received; each cursor leads on in its own list."""

    given: tuple[MandateView, ...]
    received: tuple[MandateView, ...]
    given_cursor: str | None = None
    received_cursor: str | None = None


class MandateDesk:
    """Mandates between citizens. Nobody gives one for another, so there are no chains of them."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def give(self, request: Request) -> MandateView:
        """Gives a mandate, in the place of one that the caller gave the same agent before.

        Two items are written: first where the agent will find it, which gives no right; then the mandate. If we die in
        between, the agent's list looks where nothing is, and the same request once more mends it.
        """
        wish: Give = request.body
        self._check(wish)
        given = Mandate(
            principal=request.by.subject,
            agent=wish.agent,
            acts=tuple(sorted(set(wish.acts))),
            task_codes=tuple(sorted(set(wish.task_codes))),
            given_at=request.now,
            expires_at=wish.expires_at,
            applicant_type=request.by.applicant_type,
            level=request.by.level,
        )
        key = Key(MANDATE.name, given.id)
        before = self._store.load([key])[key]
        mandate.give(before.state, given, now=request.now)  # refuses before anything is written
        self._point(request, given)
        after = act(self._store, request, before, lambda state, now: mandate.give(state, given, now=now))
        return _view(after.state, request.now)

    def mine(self, request: Request) -> MandateList:
        """What the caller gave and received, the oldest first, a page of each at a time."""
        subject, limit = request.by.subject, limit_of(request)
        given, given_cursor = self._store.held_by(
            MANDATE, subject, limit=limit, cursor=request.query.get("given_cursor")
        )
        pointers, received_cursor = self._store.held_by(
            MANDATED, subject, limit=limit, cursor=request.query.get("received_cursor")
        )
        received = [Key(MANDATE.name, _turned(pointer)) for pointer in pointers]
        loaded = self._store.load([*given, *received])

        def views(keys: list[Key]) -> tuple[MandateView, ...]:
            return tuple(_view(loaded[key].state, request.now) for key in keys if loaded[key].history)

        return MandateList(
            given=views(given), received=views(received), given_cursor=given_cursor, received_cursor=received_cursor
        )

    def revoke(self, request: Request) -> MandateView:
        """The principal takes it back, or the agent gives it up; from then on it allows nothing."""
        stored = self._known(request)
        after = act(self._store, request, stored, lambda state, now: mandate.revoke(state, now=now))
        return _view(after.state, request.now)

    def _known(self, request: Request) -> Stored:
        key = Key(MANDATE.name, request.path["mandate_id"])
        stored = self._store.load([key])[key]
        what = f"you have no mandate {key.id}"
        if not stored.history:
            raise NotFound(what)
        state: Mandate = stored.state
        relations = set(policy.relations(request.by, policy.Thing(owner=state.principal)))
        if request.by.subject == state.agent:
            relations.add("mandated")
        granted(request.by, "mandate.revoke", relations, what=what)
        return stored

    def _check(self, wish: Give) -> None:
        found = [
            Violation(f"task_codes[{position}]", "no such item; see GET /api/items")
            for position, code in enumerate(wish.task_codes)
            if code not in self._catalogue.items
        ]
        if not wish.acts:
            found.append(Violation("acts", "name at least one act"))
        key = Key(ACCOUNT.name, wish.agent)
        account: Account | None = self._store.load([key])[key].state
        if account is None or account.role != "citizen" or account.status == "closed":
            found.append(Violation("agent", "no such citizen; use the account name that the agent logs in with"))
        if found:
            raise Invalid("such a mandate cannot be given", violations=tuple(found))

    def _point(self, request: Request, given: Mandate) -> None:
        pointer = Mandated(principal=given.principal, agent=given.agent)
        key = Key(MANDATED.name, mandate.identity(given.agent, given.principal))
        command = Command(
            key, f"person/{request.by.subject}/mandate/{given.id}", lambda state, now: [] if state else [pointer]
        )
        perform(self._store, [command], request.now)[0].stored()


def _turned(pointer: Key) -> str:
    agent, _, principal = pointer.id.partition(".")
    return mandate.identity(principal, agent)


def _view(state: Mandate, now: datetime) -> MandateView:
    return MandateView(
        mandate_id=state.id,
        principal=state.principal,
        agent=state.agent,
        acts=state.acts,
        task_codes=state.task_codes,
        given_at=state.given_at,
        expires_at=state.expires_at,
        revoked_at=state.revoked_at,
        state=state.state(now),
    )
