"""登录: passwords in, short-lived tokens out; the keys with which anyone can check them."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.identity import Login, Token

app = wiring.identity()
door = wiring.door()

ROUTES: Routes = {
    "POST /api/login": Route(app.login, "Log in", None, body=Login, result=Token),
    "GET /.well-known/jwks.json": Route(app.keys, "The keys that tokens are signed with", None),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="identity", door=door)
