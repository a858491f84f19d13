"""通知发送: carries notifications out by mail and text message. Runs on a schedule; no case ever waits for it.

Before a provider is called, ``sending`` and a claim are written; afterwards, what became of it. Exactly once cannot be
promised to somebody without a token against sending twice (docs/citizens.md says what is promised instead).
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from .. import clock, log, texts
from ..accesses import Accesses
from ..aggregates import ACCOUNT, NOTIFICATION, NOTIFICATION_SETTINGS, Key
from ..channels import Message, NotSent, Refused, Sender, Unsure
from ..domain import notification
from ..domain.account import Account
from ..domain.notification import Channel, Notification, Settings
from ..http import Caller
from ..notices import Notices
from ..processing import Command, perform
from ..store import Store, Stored
from ..vault import Erased, Vault

PAGE = 100
BUDGET = timedelta(seconds=15)
"""How long one run begins to send; its last message may take some seconds more."""

FAILURES = 3
"""After so many failures in a row a channel is left alone for the rest of the run: it is the provider, not the person."""

FIELD: Mapping[Channel, str] = {"mail": "email", "sms": "phone"}
"""Where the address of a channel stands among an account's personal fields."""

SELF = Caller(subject="notifier", role="system")

Change = Callable[[Notification, datetime], Notification | None]


class Notifier:
    """Finds what is due by its queue of the ``wake`` index. ``identity`` makes claims, each once."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        accesses: Accesses,
        notices: Notices,
        senders: Mapping[Channel, Sender],
        *,
        clock: clock.Clock = clock.utc,
        identity: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._vault = vault
        self._accesses = accesses
        self._notices = notices
        self._senders = senders
        self._clock = clock
        self._identity = identity

    def sweep(self, event: Mapping[str, Any]) -> None:
        """Sends what is due, as much as a run has time for; the rest is due again at the next run."""
        with log.invocation("notifier") as line:
            if not self._senders:
                return
            run = _Run(self._clock() + BUDGET)
            while self._clock() < run.until:
                keys = [
                    key
                    for key in self._store.due(self._clock(), limit=PAGE, queue=NOTIFICATION.queue)
                    if key not in run.seen
                ]
                if not keys:
                    break
                run.seen.update(keys)
                self._page(keys, run)
            line.update(run.counts)

    def _page(self, keys: Sequence[Key], run: "_Run") -> None:
        loaded = self._store.load(keys)
        owners = {stored.state.owner for stored in loaded.values() if stored.history}
        people = self._store.load(
            Key(kind, owner) for owner in owners for kind in (ACCOUNT.name, NOTIFICATION_SETTINGS.name)
        )
        for stored in loaded.values():
            for delivery in stored.state.deliveries if stored.history else ():
                now = self._clock()
                if now >= run.until:
                    return
                if delivery.due_at is not None and delivery.due_at <= now:
                    stored = self._deliver(stored, delivery.channel, people, run)

    def _deliver(self, stored: Stored, channel: Channel, people: Mapping[Key, Stored], run: "_Run") -> Stored:
        """One channel of one notification; answers the notification as it is then."""
        owner = stored.state.owner
        account: Account | None = people[Key(ACCOUNT.name, owner)].state
        token = account.personal.get(FIELD[channel]) if account else None
        if run.failures[channel] >= FAILURES:
            run.counts["postponed"] += 1
            return self._write(stored, lambda state, now: notification.postponed(state, channel, now=now))
        if token is None or channel not in self._senders:
            run.counts["skipped"] += 1
            reason = "no_address" if channel in self._senders else "no_channel"
            return self._write(
                stored, lambda state, now: notification.unsendable(state, channel, reason=reason, now=now)
            )
        claim = self._identity()
        claimed = self._write(stored, lambda state, now: notification.claim(state, channel, claim=claim, now=now))
        mine = claimed.state.delivery(channel)
        if mine is None or mine.claim != claim:  # given up, or somebody else was first, or it could not be written
            return claimed
        settings: Settings = people[Key(NOTIFICATION_SETTINGS.name, owner)].state or Settings()
        settle = self._send(claimed, channel, token, settings, run)
        return claimed if settle is None else self._write(claimed, partial(settle, claim))

    def _send(
        self, stored: Stored, channel: Channel, token: str, settings: Settings, run: "_Run"
    ) -> Callable[[str, Notification, datetime], Notification | None] | None:
        """Calls the provider; answers how the claim is to be settled, None when nobody knows what became of it."""
        told: Notification = stored.state
        try:
            address = self._address(told.owner, channel, token, stored.key)
            proof = self._senders[channel].send(self._message(stored, settings, address))
        except Erased:
            return lambda claim, state, now: notification.skipped(state, channel, claim=claim, reason="erased", now=now)
        except Unsure:
            run.failed(channel)
            return None
        except Refused as error:
            reason = str(error)
            run.counts["refused"] += 1
            return lambda claim, state, now: notification.refused(state, channel, claim=claim, reason=reason, now=now)
        except Exception as error:
            reason = _reason(error)
            run.failed(channel)
            return lambda claim, state, now: notification.failed(state, channel, claim=claim, reason=reason, now=now)
        run.sent(channel)
        log.write(function="notifier", notification=stored.key.id, channel=channel, proof=proof)
        return lambda claim, state, now: notification.sent(state, channel, claim=claim, proof=proof, now=now)

    def _address(self, owner: str, channel: Channel, token: str, key: Key) -> str:
        field = FIELD[channel]
        self._accesses.record(
            SELF, self._clock(), action="notification.send", subject=owner, fields=(field,), reason=key.id
        )
        return self._vault.open(owner, {field: token})[field]

    def _message(self, stored: Stored, settings: Settings, address: str) -> Message:
        notice, language = self._notices.notice(stored.state), settings.language
        title = getattr(notice.title, language)
        footer = getattr(texts.text("notification.footer", reference=stored.key.id), language)
        body = f"{getattr(notice.body, language)}\n\n{footer}\n"
        return Message(to=address, title=title, body=body, reference=stored.key.id)

    def _write(self, stored: Stored, change: Change) -> Stored:
        """Changes a notification as it is now. What could not be written leaves it as it was: it is due again."""

        def decide(state: Notification, now: datetime) -> Sequence[Notification]:
            changed = change(state, now)
            return [] if changed is None else [changed]

        command = Command(stored.key, f"notifier/{self._identity()}", decide)
        outcome = perform(self._store, [command], self._clock(), known=[stored])[0]
        return outcome.after or stored


class _Run:
    """One run: until when it begins to send, what it has seen, and how each channel does."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.seen: set[Key] = set()
        self.failures: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def failed(self, channel: str) -> None:
        self.failures[channel] += 1
        self.counts["failed"] += 1

    def sent(self, channel: str) -> None:
        self.failures[channel] = 0
        self.counts["sent"] += 1


def _reason(error: Exception) -> str:
    """What is kept of a failure: a code, or the error's kind; never its text, which might repeat the address."""
    return str(error) if isinstance(error, NotSent) else type(error).__name__
