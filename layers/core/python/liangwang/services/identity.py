"""登录: passwords in, short-lived tokens out."""

from msgspec import Struct

from .. import passwords
from ..aggregates import ACCOUNT, Key
from ..aws import AwsJson
from ..domain.account import Account
from ..domain.errors import Unauthenticated
from ..http import Request
from ..store import Store
from ..tokens import LIFETIME_SECONDS, KmsSigner, jwk, public_key


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The credentials of a person or a registered system."""

    username: str
    password: str


class Token(Struct, frozen=True, kw_only=True):
    """A bearer token and its life in seconds."""

    token: str
    role: str
    expires_in: int = LIFETIME_SECONDS


class WrongCredentials(Unauthenticated):
    """Username and password do not belong together; which of the two is wrong is not said."""

    code = "wrong_credentials"


class Identity:
    """Accounts live in intake's table; the signing key lives in KMS."""

    def __init__(self, store: Store, signer: KmsSigner, *, aws: AwsJson, key: str) -> None:
        self._store = store
        self._signer = signer
        self._aws = aws
        self._key = key

    def login(self, request: Request) -> Token:
        """Raises WrongCredentials; an unknown username takes as long as a wrong password."""
        login: Login = request.body
        key = Key(ACCOUNT.name, login.username)
        account: Account | None = self._store.load([key])[key].state
        if not passwords.matches(login.password, account.password if account else passwords.NOBODY) or account is None:
            raise WrongCredentials("username or password is wrong")
        claims = {
            "sub": login.username,
            "role": account.role,
            "department": account.department,
            "region": account.region,
            "applicant_type": str(account.applicant_type),
            "level": str(account.level),
        }
        return Token(
            token=self._signer.sign({name: value for name, value in claims.items() if value}), role=account.role
        )

    def keys(self, request: Request) -> dict[str, object]:
        """The JSON Web Key Set with which anyone can check tokens (RFC 7517)."""
        return {"keys": [jwk(public_key(self._aws, self._key), kid=self._signer.kid)]}
