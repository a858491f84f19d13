"""Pages of the gateway that are not the product's: a landing page, the API documentation, and docs/api/ as it is.

The API page is drawn here, on the server, from docs/api/: no script, nothing from elsewhere, so it works without a
network and reads well in any browser.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import flask
import markupsafe

from local.contracts import FOLDER

PAGES = Path(__file__).parent / "pages"


def register_docs(app: flask.Flask) -> None:
    """Add `/`, `/docs`, `/openapi.json`, `/asyncapi.json` and `/schemas/<name>.json` to the gateway."""
    pages = app.jinja_env.overlay(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    pages.filters |= {"shape": shape, "prose": prose}

    def page(name: str, **values: Any) -> flask.Response:
        source = (PAGES / name).read_text(encoding="utf-8")
        style = (PAGES / "style.css").read_text(encoding="utf-8")
        return flask.Response(pages.from_string(source).render(style=style, **values), content_type="text/html")

    @app.get("/")
    def landing() -> flask.Response:
        return page("landing.html", url=flask.request.host_url.rstrip("/"))

    @app.get("/docs")
    def documentation() -> flask.Response:
        return page("docs.html", api=_read("openapi.json"), stream=_read("asyncapi.json"))

    @app.get("/openapi.json")
    def openapi() -> flask.Response:
        return _document(FOLDER / "openapi.json")

    @app.get("/asyncapi.json")
    def asyncapi() -> flask.Response:
        return _document(FOLDER / "asyncapi.json")

    @app.get("/schemas/<name>.json")
    def schema(name: str) -> flask.Response:
        # One of the folder's own files, never a path from the request.
        found = {file.stem: file for file in (FOLDER / "schemas").glob("*.json")}
        return _document(found[name]) if name in found else flask.Response(status=404)


def _document(file: Path) -> flask.Response:
    return flask.Response(file.read_bytes(), content_type="application/json")


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / name).read_bytes())
    return document


def prose(text: str) -> markupsafe.Markup:
    """One paragraph of Markdown with no more in it than code between backticks."""
    return markupsafe.Markup(  # of text that is escaped # nosec B704
        re.sub(r"`([^`]*)`", r"<code>\1</code>", str(markupsafe.escape(text)))
    )


def shape(schema: dict[str, Any]) -> str:
    """A schema in a few words: `Text`, `CaseView[]`, `string | null`, `"pc" | "app"`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2].rpartition(".")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(shape(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"{shape(schema.get('items') or {})}[]"
    word = str(schema.get("type", "any"))
    return f"{word} ({schema['format']})" if "format" in schema else word
