"""我的通知: a citizen's inbox, and which channels carry notifications out of it."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from ..access import granted
from ..aggregates import NOTIFICATION, NOTIFICATION_SETTINGS, Key
from ..domain import notification, policy
from ..domain.catalogue import Text
from ..domain.notification import Channel, Kind, Language, Notification, Settings
from ..http import Request, limit_of
from ..notices import Notices
from ..processing import act
from ..store import Store, Stored

COUNTED = 100
"""Unread notifications are counted among this many of the newest: whoever has more has no use for the number."""


class DeliveryView(Struct, frozen=True, kw_only=True):
    """How far a channel is with a notification. ``proof`` is the provider's message id; ``reason`` why a try failed."""

    channel: Channel
    state: str
    at: datetime | None = None
    proof: str = ""
    reason: str = ""


class NotificationView(Struct, frozen=True, kw_only=True):
    """A notification as its person sees it. Of a legal notice ``delivered_at`` is when it was delivered 送达."""

    id: str
    kind: Kind
    legal: bool
    case_no: str
    at: datetime
    title: Text
    body: Text
    read_at: datetime | None = None
    delivered_at: datetime | None = None
    deliveries: tuple[DeliveryView, ...] = ()


class NotificationList(Struct, frozen=True, kw_only=True):
    """A page of the inbox, newest first. ``unread`` counts among the newest hundred."""

    notifications: tuple[NotificationView, ...]
    unread: int
    cursor: str | None = None


class ChannelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The channels wanted for each class of notification, and the language of what they carry.

    The inbox has everything, in both languages, whatever is chosen here.
    """

    legal: tuple[Channel, ...] = ()
    progress: tuple[Channel, ...] = ()
    service: tuple[Channel, ...] = ()
    language: Language = "zh"


class Inbox:
    """Everybody's own notifications. Each method is one route."""

    def __init__(self, store: Store, notices: Notices) -> None:
        self._store = store
        self._notices = notices

    def mine(self, request: Request) -> NotificationList:
        """The caller's notifications, newest first, a page at a time."""
        owner = request.by.subject
        keys, cursor = self._store.held_by(
            NOTIFICATION, owner, limit=limit_of(request), cursor=request.query.get("cursor"), newest_first=True
        )
        newest, _ = self._store.held_by(NOTIFICATION, owner, limit=COUNTED, newest_first=True)
        loaded = self._store.load([*keys, *newest])
        unread = sum(loaded[key].state is not None and loaded[key].state.read_at is None for key in newest)
        found = (loaded[key] for key in keys if loaded[key].history)
        return NotificationList(notifications=tuple(map(self._view, found)), unread=unread, cursor=cursor)

    def read(self, request: Request) -> NotificationView:
        """Notes that the caller has read a notification. Of a legal notice the first reading proves its delivery."""
        key = Key(NOTIFICATION.name, request.path["notification_id"])
        stored = self._store.load([key])[key]
        owner = stored.state.owner if stored.history else ""
        granted(request.by, "notification.read", policy.Thing(owner=owner), what=f"you have no notification {key.id}")

        def decide(state: Notification, now: datetime) -> list[Any]:
            changed = notification.read(state, now)
            return [] if changed is None else [changed]

        return self._view(act(self._store, request, stored, decide))

    def settings(self, request: Request) -> ChannelSettings:
        """The caller's settings, or what holds as long as there are none."""
        return _shown(self._settings(request).state or Settings())

    def choose(self, request: Request) -> ChannelSettings:
        """Replaces the caller's settings; they hold for notifications from now on."""
        wish: ChannelSettings = request.body
        wanted = Settings(legal=wish.legal, progress=wish.progress, service=wish.service, language=wish.language)
        after = act(
            self._store,
            request,
            self._settings(request),
            lambda state, now: [] if state == wanted else [wanted],
        )
        return _shown(after.state)

    def _settings(self, request: Request) -> Stored:
        key = Key(NOTIFICATION_SETTINGS.name, request.by.subject)
        return self._store.load([key])[key]

    def _view(self, stored: Stored) -> NotificationView:
        told: Notification = stored.state
        notice = self._notices.notice(told)
        return NotificationView(
            id=stored.key.id,
            kind=told.kind,
            legal=told.is_legal,
            case_no=told.facts.case_no,
            at=told.at,
            title=notice.title,
            body=notice.body,
            read_at=told.read_at,
            delivered_at=told.delivered_at,
            deliveries=tuple(
                DeliveryView(channel=one.channel, state=one.state, at=one.at, proof=one.proof, reason=one.reason)
                for one in told.deliveries
            ),
        )


def _shown(settings: Settings) -> ChannelSettings:
    return ChannelSettings(
        legal=settings.legal, progress=settings.progress, service=settings.service, language=settings.language
    )
