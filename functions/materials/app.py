"""材料: files that a person keeps with intake to hand in: announced, sent, looked at, listed, fetched again."""

from typing import Any

from liangwang import wiring
from liangwang.domain.material import MOST_BYTES_THROUGH_US
from liangwang.file_types import EXTENSION
from liangwang.http import Route, Routes, serve
from liangwang.objects import Link
from liangwang.services.materials import Announcement, MaterialList, MaterialView

app = wiring.materials()

ROUTES: Routes = {
    "POST /api/materials": Route(
        app.announce, "Announce a file to hand in", "material.keep", body=Announcement, status=201, result=MaterialView
    ),
    "GET /api/materials": Route(app.mine, "My materials", "material.read", result=MaterialList),
    "POST /api/materials/{material_id}/completion": Route(
        app.complete, "Say that the file was sent", "material.keep", result=MaterialView
    ),
    "PUT /api/materials/{material_id}/content": Route(
        app.send,
        "Send a small file",
        "material.keep",
        body=bytes,
        result=MaterialView,
        limit=MOST_BYTES_THROUGH_US,
        takes=(*EXTENSION, "application/octet-stream"),
    ),
    "GET /api/materials/{material_id}/content": Route(
        app.content, "A link to fetch one of my files", "material.read", result=Link
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="materials")
