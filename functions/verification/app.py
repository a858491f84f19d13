"""证照查验: whether a certificate holds, for anybody."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.http_content import EITHER
from liangwang.services.results import HTML
from liangwang.services.verification import CertificateView

app = wiring.verification()
door = wiring.door()

ROUTES: Routes = {
    "GET /verify/{certificate_no}": Route(
        app.verify, "Whether a certificate holds", None, result=CertificateView, gives=(*EITHER, HTML)
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="verification", door=door)
