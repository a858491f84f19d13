"""Tokens: who is trusted to say what, and everything that is not a good token is refused (RFC 8725)."""

import base64
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from liangwang.fakes import FakeAws
from liangwang.limits import Door, Limits
from liangwang.services.authorizer import Authorizer
from liangwang.tokens import AUDIENCE, LIFETIME_SECONDS, KmsSigner, SystemToken, Verifier, jwk, public_key

ISSUER = "https://liangwang.example"
PEOPLE, CENTRE = "alias/liangwang/token", "alias/liangwang/governance"
CLAIMS = {"sub": "zhang", "role": "citizen"}


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def verifier(aws):
    keys = {"token": (PEOPLE, None), "governance": (CENTRE, frozenset({"system"}))}
    return Verifier(aws, keys=keys, issuer=ISSUER)


def signer(aws, key=PEOPLE, **settings):
    return KmsSigner(aws, key=key, issuer=settings.pop("issuer", ISSUER), **settings)


def payload(**changes):
    """Good claims, some changed; None takes one away."""
    good = {"sub": "zhang", "role": "clerk", "iss": ISSUER, "aud": AUDIENCE, "iat": 1, "exp": 4_000_000_000}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def forged(key, *, algorithm="ES256", kid="token", **changes):
    return jwt.encode(payload(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def by_hand(secret):
    """An HS256 token; PyJWT would refuse to make one out of a public key."""
    parts = [{"alg": "HS256", "kid": "token", "typ": "JWT"}, payload()]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")
    return (text + b"." + signature).decode()


def refused(verifier, token):
    with pytest.raises(jwt.InvalidTokenError) as error:
        verifier.verify(token)
    return error.value


def test_what_was_signed_is_believed(aws, verifier):
    claims = verifier.verify(signer(aws).sign(CLAIMS))
    assert (claims["sub"], claims["role"], claims["exp"] - claims["iat"]) == ("zhang", "citizen", LIFETIME_SECONDS)


def test_anyone_can_check_a_token_with_the_published_key(aws):
    token = signer(aws).sign(CLAIMS)
    published = jwt.PyJWK(jwk(public_key(aws, PEOPLE), kid="token"))
    assert jwt.decode(token, published, algorithms=["ES256"], audience=AUDIENCE)["sub"] == "zhang"


def test_no_two_tokens_are_the_same(aws):
    assert signer(aws).sign(CLAIMS) != signer(aws).sign(CLAIMS)


def test_an_expired_token_is_refused(aws, verifier):
    token = signer(aws, clock=lambda: 1_000_000_000).sign(CLAIMS)
    assert isinstance(refused(verifier, token), jwt.ExpiredSignatureError)


def test_a_token_that_somebody_else_signed_is_refused(verifier):
    assert isinstance(refused(verifier, forged(ec.generate_private_key(ec.SECP256R1()))), jwt.InvalidSignatureError)


def test_a_token_changed_on_the_way_is_refused(aws, verifier):
    head, body, signature = signer(aws).sign(CLAIMS).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "role": "clerk"}).encode()).decode().rstrip("=")
    assert isinstance(refused(verifier, f"{head}.{changed}.{signature}"), jwt.InvalidSignatureError)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "RS256"])
def test_another_algorithm_is_refused_even_with_the_public_key_as_its_secret(aws, verifier, algorithm):
    public = public_key(aws, PEOPLE).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    token = {
        "none": lambda: forged(None, algorithm="none"),
        "HS256": lambda: by_hand(public),
        "ES384": lambda: forged(ec.generate_private_key(ec.SECP384R1()), algorithm="ES384"),
        "RS256": lambda: forged(rsa.generate_private_key(public_exponent=65537, key_size=2048), algorithm="RS256"),
    }[algorithm]()
    assert isinstance(refused(verifier, token), jwt.InvalidAlgorithmError)


@pytest.mark.parametrize("kid", ["other", "", "../token"])
def test_an_unknown_key_is_refused(verifier, kid):
    assert "unknown key" in str(refused(verifier, forged("secret" * 8, algorithm="HS256", kid=kid)))


class Named:
    """Signs any claims with a key of the fake KMS, as somebody who got hold of that key could."""

    def __init__(self, aws, key, kid):
        self.private = aws.kms._key(key)
        self.kid = kid

    def token(self, **changes):
        return forged(self.private, kid=self.kid, **changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "another"}, jwt.InvalidAudienceError),
        ({"aud": None}, jwt.MissingRequiredClaimError),
        ({"iss": "https://elsewhere.example"}, jwt.InvalidIssuerError),
        ({"iss": None}, jwt.MissingRequiredClaimError),
        ({"exp": None}, jwt.MissingRequiredClaimError),
        ({"iat": None}, jwt.MissingRequiredClaimError),
        ({"sub": None}, jwt.MissingRequiredClaimError),
        ({"iat": 4_000_000_000}, jwt.ImmatureSignatureError),
        ({"nbf": 4_000_000_000}, jwt.ImmatureSignatureError),
        ({"exp": 1_000_000_000}, jwt.ExpiredSignatureError),
    ],
)
def test_a_well_signed_token_with_wrong_claims_is_refused(aws, verifier, changes, error):
    assert isinstance(refused(verifier, Named(aws, PEOPLE, "token").token(**changes)), error)


def test_the_centres_key_may_say_system_and_nothing_else(aws, verifier):
    centre = signer(aws, CENTRE)
    assert verifier.verify(centre.sign({"sub": "governance", "role": "system"}))["role"] == "system"
    for role in ("citizen", "clerk", "operator"):
        assert "role" in str(refused(verifier, centre.sign({"sub": "governance", "role": role})))
    assert "role" in str(refused(verifier, centre.sign({"sub": "governance"})))


def test_the_centres_key_does_not_pass_for_that_of_the_people(aws, verifier):
    token = Named(aws, CENTRE, "token").token(role="clerk")
    assert isinstance(refused(verifier, token), jwt.InvalidSignatureError)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "." * 5, "e30.e30.e30"])
def test_what_is_no_token_at_all_is_refused(verifier, token):
    refused(verifier, token)


def test_a_public_key_is_fetched_once(aws, verifier):
    for _ in range(3):
        verifier.verify(signer(aws).sign(CLAIMS))
    assert sum(operation == "GetPublicKey" for _, operation, _ in aws.calls) == 1


def test_the_centres_own_token_is_kept_and_renewed_a_minute_before_its_end(aws):
    now = [1_000.0]
    token = SystemToken(signer(aws, CENTRE, clock=lambda: now[0]), subject="governance", clock=lambda: now[0])
    first = token()
    now[0] += LIFETIME_SECONDS - 61
    assert token() == first
    now[0] += 1
    assert token() != first


# ------------------------------------------------------------------ what the authorizer tells the routes


def told(verifier, *, is_live=lambda session: True, **headers):
    uncounted = Door(Limits(FakeAws(), "limits"), source=0, account=0, system=0)
    answer = Authorizer(verifier, uncounted, is_live=is_live).authorize({"headers": headers})
    assert answer["isAuthorized"] is True, "the route refuses, so that every refusal is a problem document"
    return answer["context"]


def test_the_authorizer_passes_on_who_is_asking(aws, verifier):
    token = signer(aws).sign({**CLAIMS, "applicant_type": "2", "secret": "x"})
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert told(verifier, authorization=f"{scheme} {token}") == {
            "subject": "zhang",
            "role": "citizen",
            "applicant_type": "2",
        }


def test_the_authorizer_says_that_a_session_was_ended_and_asks_for_those_that_have_one_only(aws, verifier):
    asked = []
    person, system = (signer(aws).sign({**CLAIMS, **more}) for more in ({"sid": "s-1", "level": "2"}, {}))
    context = told(verifier, is_live=lambda session: asked.append(session) is None, authorization=f"Bearer {person}")
    assert (context["session"], context["level"]) == ("s-1", "2")
    assert told(verifier, is_live=lambda _: False, authorization=f"Bearer {person}") == {"problem": "session ended"}
    assert "problem" not in told(verifier, is_live=lambda _: False, authorization=f"Bearer {system}")
    assert asked == ["s-1"]


@pytest.mark.parametrize(
    "token",
    ["0" * 32 + ".rtMlKc-BWJ77UpIdE8UNWn-2PZ-UFYrzWL0ldEl3kws", f"20779.{'a' * 32}.{'b' * 64}"],
    ids=["a refresh token", "a device token"],
)
def test_what_is_good_elsewhere_is_no_access_token(verifier, token):
    assert told(verifier, authorization=f"Bearer {token}")["problem"].startswith("token invalid")


def test_another_issuers_token_is_no_access_token(verifier):
    theirs = forged(ec.generate_private_key(ec.SECP256R1()), kid="theirs", iss="https://id.example", aud="client")
    assert told(verifier, authorization=f"Bearer {theirs}") == {"problem": "token invalid: unknown key"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5"])
def test_the_authorizer_says_when_there_is_no_token(verifier, header):
    assert told(verifier, authorization=header) == {"problem": "token missing"}


def test_the_authorizer_says_what_is_wrong_with_a_token(aws, verifier):
    expired = signer(aws, clock=lambda: 1_000_000_000).sign(CLAIMS)
    assert told(verifier, authorization=f"Bearer {expired}") == {"problem": "token expired"}
    assert told(verifier, authorization="Bearer x.y.z")["problem"].startswith("token invalid")
    assert told(verifier) == {"problem": "token missing"}
