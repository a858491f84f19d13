"""信箱: a department's own system that joins by HTTP alone fetches what is for it, and says its part."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume
from liangwang.exchange import CALL_LIMIT
from liangwang.http import Route, Routes, serve
from liangwang.http_content import EITHER
from liangwang.services.mailbox import LetterPage, LettersTaken, MailboxList, MailReceipt, SpokenMessages

app = wiring.mailbox()

ROUTES: Routes = {
    "GET /exchange/department/messages": Route(
        app.fetch, "What waits for my department's system", "mailbox.use", result=LetterPage, gives=EITHER
    ),
    "POST /exchange/department/acknowledgements": Route(
        app.acknowledge,
        "Acknowledge what my department's system has fetched",
        "mailbox.use",
        body=LettersTaken,
        result=MailReceipt,
        limit=CALL_LIMIT,
        takes=EITHER,
        gives=EITHER,
    ),
    "POST /exchange/department/messages": Route(
        app.say,
        "What my department says of its cases and tasks",
        "mailbox.use",
        body=SpokenMessages,
        result=MailReceipt,
        limit=CALL_LIMIT,
        takes=EITHER,
        gives=EITHER,
    ),
    "GET /api/mailboxes": Route(
        app.watch, "How long messages have waited for departments' systems", "mailbox.watch", result=MailboxList
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """A batch of a topic on which departments are spoken to, a request, or the schedule."""
    if "records" in event:
        return consume(event, consumer="mailbox", store=app.store, route=app.route, keeps_unreadable=False)
    return serve(ROUTES, event, function="mailbox") if "routeKey" in event else app.sweep(event)
