"""Identity services of others: whose ID tokens are believed, and how their keys come, change and are kept."""

import http.server
import json
import threading
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from liangwang.issuers import ASK_AT_MOST_EVERY, FRESH, OLDEST, Issuers, NotVouched, parse

from tests.unit.samples import NOON

NAME, AUDIENCE = "https://id.example", "liangwang-client"
MINUTE = timedelta(minutes=1)


class Provider:
    """An identity service on this machine: publishes its keys over HTTP, signs, rotates, and can fall silent."""

    def __init__(self):
        self.keys, self.asked, self.silent = {}, 0, False
        provider = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked += 1
                body = json.dumps({"keys": [provider.public(kid) for kid in provider.keys]}).encode()
                self.send_response(503 if provider.silent else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        self.rotate("first")

    def rotate(self, kid, *, keep=True):
        self.keys = {**(self.keys if keep else {}), kid: ec.generate_private_key(ec.SECP256R1())}

    def public(self, kid):
        return {**ECAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True), "kid": kid, "use": "sig"}

    def token(self, *, kid="first", key=None, algorithm="ES256", at=NOON, **changes):
        claims = {"iss": NAME, "aud": AUDIENCE, "sub": "u-1", "iat": at, "exp": at + 5 * MINUTE, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key or self.keys[kid], algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def provider():
    running = Provider()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def now():
    return [NOON]


def trusting(provider, now, **changes):
    settings = {
        "issuer": NAME,
        "audience": AUDIENCE,
        "jwks_uri": provider.uri,
        "levels": {"in-person": 3, "papers": 2},
        "claims": {"name": "name", "identity_no": "id_no"},
        **changes,
    }
    return Issuers(parse(json.dumps([settings])), clock=lambda: now[0])


@pytest.fixture
def issuers(provider, now):
    return trusting(provider, now)


def refused(issuers, token, *, issuer=NAME, **more):
    with pytest.raises(NotVouched):
        issuers.vouched(issuer, token, **more)


def test_a_good_token_says_who_it_is_and_how_surely(provider, issuers):
    who = issuers.vouched(NAME, provider.token(acr="papers", name="张示例", id_no="x"))
    assert (who.subject, who.level, who.personal) == ("u-1", 2, {"name": "张示例", "identity_no": "x"})
    assert issuers.vouched(NAME, provider.token(acr="something else")).level == 1


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": [AUDIENCE, "another"]},
        {"aud": [AUDIENCE, "another"], "azp": "another"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"exp": NOON - MINUTE},
        {"iat": NOON + 2 * MINUTE},
        {"nbf": NOON + 2 * MINUTE},
        {"at": NOON - OLDEST - MINUTE, "exp": NOON + MINUTE},
    ],
    ids=str,
)
def test_a_well_signed_token_with_wrong_claims_is_refused(provider, issuers, changes):
    refused(issuers, provider.token(**changes))


def test_an_issuer_that_nobody_configured_is_refused(provider, issuers):
    refused(issuers, provider.token(iss="https://other.example"), issuer="https://other.example")


def test_a_token_that_somebody_else_signed_is_refused(provider, issuers):
    refused(issuers, provider.token(key=ec.generate_private_key(ec.SECP256R1())))


def test_other_algorithms_are_refused_even_with_the_published_key_as_their_secret(provider, issuers):
    public = provider.keys["first"].public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for key, algorithm in ((None, "none"), (public, "HS256"), (rsa_key, "RS256")):
        claims = {"iss": NAME, "aud": AUDIENCE, "sub": "u-1", "iat": NOON, "exp": NOON + MINUTE}
        refused(issuers, jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "first"}))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 5, "e30.e30.e30"])
def test_what_is_no_token_is_refused(issuers, token):
    refused(issuers, token)


def test_a_token_that_answers_another_request_is_refused(provider, issuers):
    assert issuers.vouched(NAME, provider.token(nonce="mine"), nonce="mine")
    refused(issuers, provider.token(nonce="another's"), nonce="mine")
    refused(issuers, provider.token(), nonce="mine")
    refused(issuers, provider.token(nonce="mine"))


@pytest.mark.parametrize(
    "changes",
    [{"algorithms": ["HS256"]}, {"algorithms": ["none"]}, {"jwks_uri": "http://id.example/keys"}, {"unknown": 1}],
    ids=str,
)
def test_a_configuration_that_would_believe_too_much_is_refused_at_the_start(provider, now, changes):
    with pytest.raises(ValueError, match=r"algorithms|https|unknown"):
        trusting(provider, now, **changes)


def test_no_configuration_is_no_issuer():
    assert parse("") == parse("[]") == ()


# ------------------------------------------------------------------ keys


def test_keys_are_fetched_once_and_again_when_they_are_old(provider, issuers, now):
    for _ in range(3):
        issuers.vouched(NAME, provider.token())
    assert provider.asked == 1
    now[0] += FRESH
    issuers.vouched(NAME, provider.token(at=now[0]))
    assert provider.asked == 2


def test_a_new_key_is_fetched_when_it_is_first_named(provider, issuers, now):
    issuers.vouched(NAME, provider.token())
    provider.rotate("second")
    now[0] += ASK_AT_MOST_EVERY
    assert issuers.vouched(NAME, provider.token(kid="second"))


def test_a_key_that_was_taken_back_is_no_longer_believed(provider, issuers, now):
    old = provider.keys["first"]
    issuers.vouched(NAME, provider.token())
    provider.rotate("second", keep=False)
    now[0] += FRESH
    refused(issuers, provider.token(key=old, at=now[0]))


def test_unknown_keys_make_the_issuer_be_asked_once_a_minute_at_most(provider, issuers, now):
    issuers.vouched(NAME, provider.token())
    stranger = ec.generate_private_key(ec.SECP256R1())
    now[0] += ASK_AT_MOST_EVERY
    for number in range(20):
        refused(issuers, provider.token(kid=f"k{number}", key=stranger))
    assert provider.asked == 2


def test_old_keys_go_on_while_the_issuer_is_silent(provider, issuers, now):
    issuers.vouched(NAME, provider.token())
    provider.silent = True
    now[0] += 3 * FRESH
    assert issuers.vouched(NAME, provider.token(at=now[0]))
    provider.server.shutdown()
    provider.server.server_close()
    now[0] += FRESH
    assert issuers.vouched(NAME, provider.token(at=now[0]))


def test_keys_for_other_uses_and_shared_secrets_are_passed_by(provider, now):
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sets = {
        "keys": [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
            {**provider.public("first"), "kid": "for-encryption", "use": "enc"},
            {**RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True), "kid": "rsa", "alg": "RS256"},
            provider.public("first"),
        ]
    }
    (one,) = parse(json.dumps([{"issuer": NAME, "audience": AUDIENCE, "jwks_uri": provider.uri}]))
    issuers = Issuers([one], fetch=lambda uri: json.dumps(sets).encode(), clock=lambda: now[0])
    assert issuers.vouched(NAME, provider.token())
    for kid in ("shared", "for-encryption", "rsa"):
        refused(issuers, provider.token(kid=kid, key=provider.keys["first"]))
