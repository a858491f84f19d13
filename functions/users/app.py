"""用户: people register, see and change their own record; an officer who has seen the papers raises the real-name level."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.http_content import EITHER
from liangwang.services.registration import Register, Registered
from liangwang.services.users import ProfileChange, UserView, Verification, Verified

registration, users = wiring.users()
door = wiring.door()

ROUTES: Routes = {
    "POST /api/register": Route(
        registration.register,
        "Register",
        None,
        body=Register,
        status=201,
        result=Registered,
        takes=EITHER,
        gives=EITHER,
    ),
    "GET /api/user/{userId}": Route(users.show, "One user's record", "user.read", result=UserView, gives=EITHER),
    "PATCH /api/user/{userId}": Route(
        users.change,
        "Change contact data",
        "user.change",
        body=ProfileChange,
        result=UserView,
        takes=EITHER,
        gives=EITHER,
    ),
    "POST /api/user/{userId}/verification": Route(
        users.verify,
        "Raise the real-name level after seeing the papers",
        "user.verify",
        body=Verification,
        result=Verified,
        takes=EITHER,
        gives=EITHER,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="users", door=door)
