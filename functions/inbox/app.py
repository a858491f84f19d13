"""我的通知: what a citizen is told, and which channels carry it besides."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.inbox import ChannelSettings, NotificationList, NotificationView

app = wiring.inbox()

ROUTES: Routes = {
    "GET /api/notifications": Route(
        app.mine, "My notifications, newest first", "notification.list", result=NotificationList
    ),
    "POST /api/notifications/{notification_id}/read": Route(
        app.read, "Note that I have read a notification", "notification.read", result=NotificationView
    ),
    "GET /api/notifications/settings": Route(
        app.settings, "The channels I want", "notification.settings", result=ChannelSettings
    ),
    "PUT /api/notifications/settings": Route(
        app.choose, "Choose channels", "notification.settings", body=ChannelSettings, result=ChannelSettings
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="inbox")
