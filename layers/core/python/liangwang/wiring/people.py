"""Builders of what knows people and lets them in: accounts, tokens, mandates, and personal data."""

import os
from typing import TYPE_CHECKING

from . import shared

if TYPE_CHECKING:
    from ..accounts import Logins
    from ..limits import Door
    from ..services.authorizer import Authorizer
    from ..services.mandates import MandateDesk
    from ..services.privacy import Privacy
    from ..services.registration import Registration
    from ..services.users import Users


def identity() -> "Logins":
    """Accounts, sessions and the key that signs tokens."""
    from ..accounts import logins

    aws = shared.outside.aws()
    key, issuer = os.environ["TOKEN_KEY"], os.environ["TOKEN_ISSUER"]
    issuers = os.environ.get("EXTERNAL_ISSUERS", "")
    published = (os.environ["CERTIFICATE_KEY"], *os.environ["DOCUMENT_KEYS"].split(","))
    store, vault = shared.store(aws), shared.vault(aws)
    return logins(aws, store, vault, key=key, issuer=issuer, external=issuers, published=published)


def users() -> "tuple[Registration, Users]":
    """People's own records: how they come to be, are shown and changed."""
    from ..accesses import Accesses
    from ..claims import Claims
    from ..services.registration import Registration
    from ..services.users import Users

    aws = shared.outside.aws()
    store, vault = shared.store(aws), shared.vault(aws)
    claims = Claims(store, vault.blind)
    return Registration(store, vault, claims), Users(store, vault, claims, Accesses(store))


def mandates() -> "MandateDesk":
    """Who may act for whom."""
    from ..services.mandates import MandateDesk

    return MandateDesk(shared.store(shared.outside.aws()), shared.catalogue())


def door() -> "Door":
    """How often clients and accounts may ask."""
    from ..limits import Door, Limits

    return Door(
        Limits(shared.outside.aws_at_once(), os.environ["LIMITS_TABLE"]),
        source=int(os.environ["SOURCE_REQUESTS_PER_MINUTE"]),
        account=int(os.environ["ACCOUNT_REQUESTS_PER_MINUTE"]),
        system=int(os.environ["SYSTEM_REQUESTS_PER_MINUTE"]),
    )


def authorizer() -> "Authorizer":
    """The keys whose tokens are trusted, what each may state, and which sessions are live."""
    from ..services.authorizer import Authorizer
    from ..sessions import LiveSessions
    from ..tokens import Verifier

    people, governance = os.environ["TOKEN_KEY"], os.environ["GOVERNANCE_KEY"]
    keys = {
        people.rpartition("/")[2]: (people, None),
        governance.rpartition("/")[2]: (governance, frozenset({"system"})),
    }
    aws = shared.outside.aws()
    verifier = Verifier(aws, keys=keys, issuer=os.environ["TOKEN_ISSUER"])
    return Authorizer(verifier, door(), is_live=LiveSessions(shared.store(aws)))


def privacy() -> "Privacy":
    """Finding persons by an exact value, and erasing them."""
    from ..accesses import Accesses
    from ..claims import Claims
    from ..services.privacy import Privacy

    aws = shared.outside.aws()
    store, vault = shared.store(aws), shared.vault(aws)
    return Privacy(store, vault, Claims(store, vault.blind), Accesses(store))
