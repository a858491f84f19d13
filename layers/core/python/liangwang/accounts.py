"""What identity and the user API are put together from; ``wiring/`` gives the settings."""

from typing import NamedTuple

from .attempts import Guard
from .aws import AwsJson
from .claims import Claims
from .issuers import Issuers, parse
from .services.external import External
from .services.identity import Identity, Tokens
from .services.systems import Systems
from .sessions import Sessions
from .store import Store
from .tokens import KmsSigner
from .vault import Vault


class Logins(NamedTuple):
    """The ways to a token: by password or refresh, by a system's secret, by another identity service."""

    identity: Identity
    systems: Systems
    external: External


def logins(
    aws: AwsJson, store: Store, vault: Vault, *, key: str, issuer: str, external: str, published: tuple[str, ...] = ()
) -> Logins:
    """``key`` is the alias of the KMS key that signs, ``issuer`` the tokens' ``iss``, ``external`` the other issuers as JSON.

    ``published`` are keys that sign other things than tokens; they stand beside it for whoever checks.
    """
    signer, sessions, guard = KmsSigner(aws, key=key, issuer=issuer), Sessions(store), Guard(store, vault.blind)
    tokens = Tokens(signer, sessions)
    return Logins(
        Identity(store, tokens, sessions, guard, aws=aws, keys=(key, *published)),
        Systems(store, signer, guard),
        External(store, tokens, Issuers(parse(external)), vault, Claims(store, vault.blind)),
    )
