"""登录: passwords, systems' secrets and other issuers' tokens in, short-lived tokens out; sessions; the keys to check with."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.http_content import FORM
from liangwang.services.external import ExternalLogin
from liangwang.services.identity import Login, NewPassword, Refresh, Token
from liangwang.services.systems import SystemTokenAnswer, TokenRequest

app, systems, external = wiring.identity()
door = wiring.door()

ROUTES: Routes = {
    "POST /api/login": Route(app.login, "Log in", None, body=Login, result=Token),
    "POST /api/login/external": Route(
        external.login_by_issuer, "Log in with another identity service", None, body=ExternalLogin, result=Token
    ),
    "POST /api/token/refresh": Route(app.refresh, "The next token of a session", None, body=Refresh, result=Token),
    "POST /api/logout": Route(app.logout, "Log out", "session.end"),
    "POST /api/password": Route(app.password, "Set a new password", "session.password", body=NewPassword),
    "POST /oauth/token": Route(
        systems.token,
        "A registered system's token (OAuth 2.0)",
        None,
        body=TokenRequest,
        result=SystemTokenAnswer,
        takes=(FORM,),
    ),
    "GET /.well-known/jwks.json": Route(app.keys, "The keys that tokens are signed with", None),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="identity", door=door)
