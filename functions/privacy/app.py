"""个人信息: officials find a person by an exact value; a person has themselves erased."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.http_content import EITHER
from liangwang.services.privacy import ErasedUser, Found, Search

app = wiring.privacy()

ROUTES: Routes = {
    "POST /api/users/search": Route(
        app.search,
        "Find users by an exact value",
        "user.search",
        body=Search,
        result=Found,
        takes=EITHER,
        gives=EITHER,
    ),
    "DELETE /api/user/{userId}": Route(
        app.erase,
        "Close one's account and erase what is kept of oneself",
        "user.erase",
        result=ErasedUser,
        gives=EITHER,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="privacy")
