"""What can be wrong with a request, in the field's own words. Shells turn these into problem documents."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class Violation(Struct, frozen=True):
    """One thing to mend: where (``field``, a dotted path or material code) and how."""

    field: str
    message: str


class DomainError(Exception):
    """Base of all refusals. ``code`` is stable and names the i18n text ``problem.<code>``; ``headers`` go with the answer."""

    code = "refused"
    status = 400
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, *, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.violations = violations


class Invalid(DomainError):
    """The content is well-formed but wrong: each violation names a field and the fix."""

    code = "invalid"
    status = 422


def require_reason(text: str, *, field: str, what: str) -> None:
    """Raises Invalid when a person gives no reason for what needs one; ``what`` names it ("a decline")."""
    if not text.strip():
        raise Invalid(f"{what} needs a reason", violations=(Violation(field, "say why"),))


class NotFound(DomainError):
    """There is no such thing, or it is not the asker's: the two are not told apart."""

    code = "not_found"
    status = 404


class NotNow(DomainError):
    """The act does not fit the present state. Nothing was changed."""

    code = "not_now"
    status = 409


class Forbidden(DomainError):
    """The asker is known but may not do this."""

    code = "forbidden"
    status = 403


class Unauthenticated(DomainError):
    """No token, or one that does not hold; or a log-in that does not. A 401 names a way in (RFC 9110, 15.5.2)."""

    code = "unauthenticated"
    status = 401
    headers: Mapping[str, str] = MappingProxyType({"www-authenticate": "Bearer"})


class KeyReused(DomainError):
    """An ``Idempotency-Key`` came a second time with another content."""

    code = "idempotency_key_reused"
    status = 422


class TooManyRequests(DomainError):
    """Asked too often. ``retry_after`` is in whole seconds, at least 1."""

    code = "too_many_requests"
    status = 429

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.headers = {"retry-after": str(max(1, retry_after))}
