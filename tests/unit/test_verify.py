"""A document is checked offline: with the QR code's content and the published keys, and nothing else."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from liangwang.fakes import FakeAws
from liangwang.kms_jws import KmsJws, published
from liangwang.services.documents import KIND, Claims
from msgspec import json as structs

from local import verify

NOW = datetime(2027, 3, 1, tzinfo=UTC)
ISSUED = Claims(
    k="certificate",
    n="20270301-1-Z",
    t="示例证",
    d="示例局",
    i="示例事项",
    h="李示例甲",
    iat=int(NOW.timestamp()),
    exp=int((NOW + timedelta(days=365)).timestamp()),
)
KEYS = {"EdDSA": "alias/liangwang/document", "SM2": "alias/liangwang/document-sm2"}
AWS = FakeAws()


@pytest.fixture(params=KEYS)
def algorithm(request):
    return request.param


def signed(algorithm, claims=ISSUED, *, kind=KIND):
    signer = KmsJws(AWS, KEYS[algorithm], kind=kind, algorithm=algorithm)
    return f"https://liangwang.example/verify/{claims.n}#{signer.sign(structs.encode(claims))}"


def keys(*algorithms):
    return {"keys": [published(AWS, KEYS[one]) for one in algorithms or KEYS]}


def test_what_was_signed_is_read_with_the_published_key(algorithm):
    assert verify.check(signed(algorithm), keys()) == ISSUED


def test_the_signature_without_the_address_is_enough(algorithm):
    assert verify.check(signed(algorithm).rpartition("#")[2] + "\n", keys()) == ISSUED


@pytest.mark.parametrize("part", range(3))
def test_a_changed_document_is_forged(algorithm, part):
    parts = signed(algorithm).rpartition("#")[2].split(".")
    middle = len(parts[part]) // 2
    other = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
    with pytest.raises(verify.Forged):
        verify.check(".".join(parts), keys())


def test_another_name_under_the_same_signature_is_forged(algorithm):
    head, body, tail = signed(algorithm).rpartition("#")[2].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "h": "王示例乙"}).encode()).rstrip(b"=").decode()
    with pytest.raises(verify.Forged, match="signature"):
        verify.check(f"{head}.{changed}.{tail}", keys())


def test_a_key_that_is_not_published_signs_nothing_of_ours():
    with pytest.raises(verify.Forged, match="no published key"):
        verify.check(signed("SM2"), keys("EdDSA"))


def test_another_kind_of_signed_content_is_no_document(algorithm):
    with pytest.raises(verify.Forged, match="no document"):
        verify.check(signed(algorithm, kind="JWT"), keys())


@pytest.mark.parametrize("text", ["", "https://example.com", "a.b.c", "#..", "20270301-1-Z"])
def test_what_is_no_code_of_ours_says_so(text):
    with pytest.raises(verify.Forged):
        verify.check(text, keys())


def test_an_expired_and_a_revoked_document_are_signed_and_do_not_hold():
    assert verify.said(ISSUED, revoked=(), now=NOW)[1]
    assert not verify.said(ISSUED, revoked=(), now=NOW + timedelta(days=365))[1]
    assert not verify.said(ISSUED, revoked={ISSUED.n}, now=NOW)[1]


def test_the_command_needs_the_code_and_the_keys_only(tmp_path, algorithm):
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(keys()), "utf-8")
    done = CliRunner().invoke(verify.command, [signed(algorithm), "--keys", str(file)])
    assert (done.exit_code, "李示例甲" in done.output) == (0, True)
    (tmp_path / "code.txt").write_text(signed(algorithm), "utf-8")
    (tmp_path / "revoked.txt").write_text(f"{ISSUED.n}\n", "utf-8")
    done = CliRunner().invoke(
        verify.command,
        [str(tmp_path / "code.txt"), "--keys", str(file), "--revoked", str(tmp_path / "revoked.txt")],
    )
    assert (done.exit_code, "revoked" in done.output) == (1, True)
    assert CliRunner().invoke(verify.command, ["nonsense", "--keys", str(file)]).exit_code == 1


def test_the_standard_s_own_example_of_sm2_holds():
    """GM/T 0003.5-2012, annex A: the recommended curve, the default distinguishing ID, "message digest"."""
    x = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    y = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    r = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    s = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    key = {name: base64.urlsafe_b64encode(bytes.fromhex(value)).decode() for name, value in (("x", x), ("y", y))}
    holds = verify._sm2_holds(b"message digest", bytes.fromhex(r + s), key)
    assert holds and not verify._sm2_holds(b"message digests", bytes.fromhex(r + s), key)
