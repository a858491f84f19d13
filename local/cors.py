"""Cross-origin requests as an HTTP API with a CorsConfiguration treats them. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html: the gateway answers preflights by itself,
before any route or function, and sets the headers of all other answers; what a function says about CORS is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from local import mappings
from local.mappings import TemplateError

Headers = list[tuple[str, str]]

ANY = "*"
_LISTS = {"AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders"}


class Cors(msgspec.Struct, frozen=True, kw_only=True):
    """Who may call from a browser, and how. Origins are exact, `*`, or `https://*` and `http://*` for a whole scheme."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False

    def preflight(self, method: str, headers: Headers) -> Headers | None:
        """The headers of the gateway's own answer (204) to a preflight; None for every other request."""
        asked = _named(headers)
        if method != "OPTIONS" or not {"origin", "access-control-request-method"} <= asked.keys():
            return None
        allowed = self._allowed(asked["origin"])
        if not allowed:
            return []
        told = {
            "access-control-allow-methods": ",".join(self.methods),
            "access-control-allow-headers": ",".join(self.headers),
            "access-control-max-age": "" if self.max_age is None else str(self.max_age),
        }
        return allowed + [(name, text) for name, text in told.items() if text]

    def told(self, headers: Headers, answered: Headers) -> Headers:
        """An answer's headers with what the browser needs to know."""
        kept = [(name, text) for name, text in answered if not name.startswith("access-control-")]
        allowed = self._allowed(_named(headers).get("origin", ""))
        if allowed and self.exposed:
            allowed.append(("access-control-expose-headers", ",".join(self.exposed)))
        return kept + allowed

    def _allowed(self, origin: str) -> Headers:
        if not origin or not {origin, ANY, f"{origin.partition('://')[0]}://*"} & set(self.origins):
            return []
        anybody = ANY in self.origins
        found = [("access-control-allow-origin", ANY if anybody else origin)]
        return [*found, ("access-control-allow-credentials", "true")] if self.credentials else found


def _named(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def parse(place: str, declared: Any, value: mappings.Value) -> Cors | None:
    """The CorsConfiguration of an HttpApi. Raises TemplateError for what AWS refuses or a local run cannot serve."""
    if declared is None:
        return None
    if not isinstance(declared, Mapping):
        raise TemplateError(f"{place}: only an object with AllowOrigins and so on is served locally")
    mappings.only(place, declared, {*_LISTS, "MaxAge", "AllowCredentials"})
    found = {name: mappings.known(f"{place}.{name}", given, value) for name, given in declared.items()}
    for name in _LISTS & found.keys():
        if not isinstance(found[name], list):
            raise TemplateError(f"{place}.{name}: a list is needed, found {found[name]!r}")
    cors = Cors(
        origins=tuple(found.get("AllowOrigins", ())),
        methods=tuple(found.get("AllowMethods", ())),
        headers=tuple(found.get("AllowHeaders", ())),
        exposed=tuple(found.get("ExposeHeaders", ())),
        max_age=int(found["MaxAge"]) if "MaxAge" in found else None,
        credentials=bool(found.get("AllowCredentials", False)),
    )
    if cors.credentials and ANY in cors.origins:
        raise TemplateError(f"{place}: AllowCredentials with AllowOrigins * is refused by browsers and by AWS")
    return cors
