"""Values that one account holds alone: an identity number, a credit code, a phone, an external identity.

A claim is a document of its own, ``claim#<field>/<keyed index>``, because one conditional write is all that DynamoDB
needs to keep two from taking the same. First the claims, then the account that lists them: whoever dies in between
leaves orphans, which the same username completes and anybody may take over when they are no longer young.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from .aggregates import ACCOUNT, CLAIM, Key
from .domain.account import Account, Claim
from .domain.errors import DomainError, Violation
from .processing import Command, perform
from .store import Store

YOUNG = timedelta(minutes=10)
"""So long a claim counts without an account that lists it. No request runs nearly as long (template.yaml: 30 s)."""


class Taken(DomainError):
    """Another account has it already."""

    code = "taken"
    status = 409


class Claims:
    """Holds claims for accounts. ``index`` is the vault's keyed index: a claim does not tell its value."""

    def __init__(self, store: Store, index: Callable[[str, str], str]) -> None:
        self._store = store
        self._index = index

    def name(self, field: str, value: str) -> str:
        """A claim's id."""
        return f"{field}/{self._index(field, value)}"

    def hold(self, claims: Sequence[str], account: str, now: datetime) -> None:
        """Takes all of them for an account (a username), or says which ones another account has. Raises Taken.

        A claim that the account has already is taken again, which makes it young: whoever wanted to take it over notices.
        """
        keys = [Key(CLAIM.name, claim) for claim in claims]
        free = self._orphans(keys, account, now)
        commands = [_taking(key, free.get(key), account) for key in keys]
        for outcome in perform(self._store, commands, now):
            outcome.stored()

    def holder(self, claim: str) -> str:
        """The username of the account that holds a claim; empty if none does."""
        key = Key(CLAIM.name, claim)
        state: Claim | None = self._store.load([key])[key].state
        return state.account if state is not None and claim in self._listed(state.account) else ""

    def _orphans(self, keys: Sequence[Key], account: str, now: datetime) -> dict[Key, Claim]:
        """The claims in others' names that no account lists any more. Raises Taken for those that count."""
        states: dict[Key, Claim | None] = {key: stored.state for key, stored in self._store.load(keys).items()}
        others = {key: state for key, state in states.items() if state is not None and state.account != account}
        taken = [
            key
            for key, state in others.items()
            if state.account and (now < state.at + YOUNG or key.id in self._listed(state.account))
        ]
        if taken:
            raise _taken(taken)
        return others

    def _listed(self, username: str) -> tuple[str, ...]:
        key = Key(ACCOUNT.name, username)
        state: Account | None = self._store.load([key])[key].state
        return state.claims if state is not None else ()


def _taking(key: Key, orphan: Claim | None, account: str) -> Command:
    def decide(state: Claim | None, now: datetime) -> list[Claim]:
        if state is not None and state.account != account and state != orphan:
            raise _taken([key])
        return [Claim(account=account, at=now)]

    return Command(key, f"claim/{account}/{secrets.token_hex(8)}", decide)


def _taken(keys: Sequence[Key]) -> Taken:
    fields = [key.id.partition("/")[0] for key in keys]
    violations = tuple(Violation(field, "another account has it: log in with that one") for field in fields)
    return Taken("there is an account already; see errors", violations=violations)
