"""Personal data at rest: sealed field by field under keys of the person, and gone when these are destroyed."""

import base64
import threading
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang import ciphers, vault
from liangwang.aggregates import PERSON_KEY, Key
from liangwang.aws import AwsError
from liangwang.blind import BlindIndex
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, Fault
from liangwang.secret import Secret
from liangwang.store import Store
from liangwang.vault import Erased, Unreadable, Vault

from tests.unit.samples import NOON

OWNER = "zhang-shili"
PERSONAL = {"name": "张示例", "phone": "13800000000", "identity_no": "990101195001010000"}
CIPHERS = tuple(ciphers.KEY_BYTES)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def environment(aws, clock):
    """Builds a vault as another execution environment would have it: the same table and keys, its own memory."""

    def build(cipher="AES-256-GCM"):
        index = BlindIndex(Secret(aws, "blind-index"))
        store = Store(aws, "intake", patience=Patience())
        return Vault(store, aws, key="alias/liangwang/personal", index=index, cipher=cipher, clock=clock)

    return build


def document(aws):
    store = Store(aws, "intake", patience=Patience())
    key = Key(PERSON_KEY.name, OWNER)
    return store.load([key])[key]


def asked(aws, operation):
    return sum(name == operation for _, name, _ in aws.calls)


# ------------------------------------------------------------------ sealing and opening


@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_is_sealed_comes_out_in_every_environment(environment, cipher):
    tokens = environment(cipher).seal(OWNER, PERSONAL)
    assert environment(cipher).open(OWNER, tokens) == PERSONAL


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.text(), max_size=4), st.sampled_from(CIPHERS))
def test_any_text_in_any_field_comes_out_as_it_went_in(values, cipher):
    store = Store(FakeAws(), "intake", patience=Patience())
    one = Vault(store, store._aws, key="alias/k", index=BlindIndex(lambda: "k"), cipher=cipher)
    assert one.open(OWNER, one.seal(OWNER, values)) == values


def test_both_ciphers_and_all_generations_stay_readable_whatever_is_configured_now(environment):
    tokens = {}
    for number, cipher in enumerate((*CIPHERS, *CIPHERS)):
        one = environment(cipher)
        tokens |= one.seal(OWNER, {f"field-{number}": f"value {number}"})
        one.renew(OWNER)
    assert {token.partition(".")[0] for token in tokens.values()} == set(CIPHERS)
    assert environment().open(OWNER, tokens) == {f"field-{number}": f"value {number}" for number in range(4)}


def test_a_token_says_its_cipher_and_generation_and_nothing_of_its_content(environment):
    token = environment("SM4-GCM").seal(OWNER, {"phone": "13800000000"})["phone"]
    assert token.startswith("SM4-GCM.1.")
    assert "13800000000" not in token and b"13800000000" not in base64.urlsafe_b64decode(token.rpartition(".")[2])


def test_the_same_value_is_sealed_differently_each_time(environment):
    one = environment()
    assert len({one.seal(OWNER, {"phone": "13800000000"})["phone"] for _ in range(20)}) == 20


def test_nothing_is_asked_for_nothing(environment, aws):
    assert environment().seal(OWNER, {}) == {} and environment().open(OWNER, {}) == {}
    assert aws.calls == []


def test_an_unknown_cipher_is_refused_when_the_function_starts(environment):
    with pytest.raises(ciphers.UnknownCipher):
        environment("ROT-13")


# ------------------------------------------------------------------ what is changed or misplaced does not open


@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_changed_byte_of_a_token_is_noticed(environment, cipher):
    one = environment(cipher)
    head, _, text = one.seal(OWNER, {"phone": "13800000000"})["phone"].rpartition(".")
    content = base64.urlsafe_b64decode(text)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        with pytest.raises(Unreadable):
            one.open(OWNER, {"phone": f"{head}.{base64.urlsafe_b64encode(changed).decode()}"})


@pytest.mark.parametrize("cut", [1, 12, 13, 20])
def test_a_token_that_was_cut_is_noticed(environment, cut):
    one = environment()
    head, _, text = one.seal(OWNER, {"phone": "13800000000"})["phone"].rpartition(".")
    shorter = base64.urlsafe_b64encode(base64.urlsafe_b64decode(text)[:cut]).decode()
    with pytest.raises(Unreadable):
        one.open(OWNER, {"phone": f"{head}.{shorter}"})


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.replace("AES-256-GCM", "SM4-GCM"),
        lambda token: token.replace(".1.", ".2."),
        lambda token: token.replace(".1.", ".0."),
        lambda token: token.replace("AES-256-GCM", "NONE"),
        lambda token: "",
        lambda token: "张示例",
        lambda token: token + "!",
    ],
)
def test_a_changed_cipher_or_generation_or_no_token_at_all_is_refused(environment, change):
    one = environment()
    token = one.seal(OWNER, {"phone": "13800000000"})["phone"]
    one.renew(OWNER)
    with pytest.raises(Unreadable):
        one.open(OWNER, {"phone": change(token)})


def test_a_token_moved_to_another_field_or_owner_does_not_open(environment):
    one = environment()
    tokens = one.seal(OWNER, PERSONAL)
    one.seal("li-shili", PERSONAL)
    for owner, field in ((OWNER, "name"), ("li-shili", "phone"), ("nobody-yet", "phone")):
        with pytest.raises(Unreadable):
            one.open(owner, {field: tokens["phone"]})


def test_a_key_document_copied_to_another_owner_does_not_open_there(environment, aws):
    """KMS itself refuses: the owner is the encryption context of the wrapped key."""
    tokens = environment().seal(OWNER, PERSONAL)
    table = aws.dynamodb.tables["intake"]
    table["person-key#li-shili"] = {**table[f"person-key#{OWNER}"], "pk": {"S": "person-key#li-shili"}}
    with pytest.raises(Unreadable):
        environment().open("li-shili", tokens)


def test_every_changed_byte_of_a_wrapped_key_is_noticed_by_kms(environment, aws):
    environment().seal(OWNER, PERSONAL)
    wrapped = base64.b64decode(document(aws).state.generations[0].wrapped)
    for place in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[place] ^= 1
        request = {"CiphertextBlob": base64.b64encode(changed).decode(), "EncryptionContext": {"owner": OWNER}}
        with pytest.raises(AwsError):
            aws.call("kms", "Decrypt", {"KeyId": "alias/liangwang/personal", **request})


def test_a_kms_that_is_away_is_not_taken_for_a_changed_token(environment, aws):
    tokens = environment().seal(OWNER, PERSONAL)
    aws.faults.append(Fault("Decrypt"))
    with pytest.raises(AwsError):
        environment().open(OWNER, tokens)


# ------------------------------------------------------------------ the owner's keys


def test_two_who_make_an_owner_s_first_key_at_once_use_the_same_one(environment, aws):
    environments = [environment() for _ in range(6)]
    barrier, tokens = threading.Barrier(6), [{} for _ in range(6)]

    def first_use(number):
        barrier.wait()
        tokens[number] = environments[number].seal(OWNER, {f"field-{number}": "value"})

    threads = [threading.Thread(target=first_use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(document(aws).state.generations) == 1
    everything = {name: token for one in tokens for name, token in one.items()}
    assert environment().open(OWNER, everything) == dict.fromkeys(everything, "value")


def test_who_loses_the_race_uses_the_winner_s_key(environment, aws):
    winner, loser = environment(), environment()
    loser_knows_of_none = loser._keys(OWNER)
    tokens = winner.seal(OWNER, {"name": "张示例"})
    assert loser_knows_of_none.generations == ()
    held = loser._renewed(OWNER, 0)
    assert held.generations == document(aws).state.generations and held.plain == {}
    assert loser.open(OWNER, tokens) == {"name": "张示例"}


def test_a_lost_answer_leaves_one_key_that_the_next_try_uses(environment, aws):
    aws.faults.append(Fault("PutItem", "lost"))
    one = environment()
    with pytest.raises(AwsError):
        one.seal(OWNER, PERSONAL)
    assert one.open(OWNER, one.seal(OWNER, PERSONAL)) == PERSONAL
    assert len(document(aws).state.generations) == 1


def test_a_new_generation_rewrites_nothing_and_serves_what_is_written_next(environment, aws):
    one = environment()
    old = one.seal(OWNER, {"name": "张示例"})
    one.renew(OWNER)
    new = one.seal(OWNER, {"phone": "13800000000"})
    assert (old["name"].split(".")[1], new["phone"].split(".")[1]) == ("1", "2")
    assert environment().open(OWNER, {**old, **new}) == {"name": "张示例", "phone": "13800000000"}


def test_a_key_that_has_served_a_year_gets_a_successor_by_itself(environment, aws, clock):
    environment().seal(OWNER, PERSONAL)
    clock.forward(days=364)
    assert environment().seal(OWNER, {"name": "张示例"})["name"].split(".")[1] == "1"
    clock.forward(days=1)
    assert environment().seal(OWNER, {"name": "张示例"})["name"].split(".")[1] == "2"


def test_an_environment_learns_of_a_generation_that_another_has_made(environment):
    here, there = environment(), environment()
    here.seal(OWNER, {"name": "张示例"})
    there.open(OWNER, here.seal(OWNER, {"name": "张示例"}))
    here.renew(OWNER)
    assert there.open(OWNER, here.seal(OWNER, {"phone": "13800000000"})) == {"phone": "13800000000"}


def test_a_few_requests_in_a_row_ask_kms_once_and_a_later_one_again(environment, aws, clock):
    tokens = environment().seal(OWNER, PERSONAL)
    one = environment()
    for _ in range(5):
        one.open(OWNER, tokens)
    assert asked(aws, "Decrypt") == 1
    clock.forward(seconds=vault.HELD_SECONDS)
    one.open(OWNER, tokens)
    assert asked(aws, "Decrypt") == 2


def test_no_more_than_so_many_persons_keys_are_held(environment, monkeypatch):
    monkeypatch.setattr(vault, "HELD_PERSONS", 3)
    one = environment()
    for number in range(10):
        one.seal(f"person-{number}", {"name": "张示例"})
    assert len(one._held) <= 3


def test_keys_are_stored_wrapped_only(environment, aws):
    one = environment()
    one.seal(OWNER, PERSONAL)
    (plain,) = one._held[OWNER].plain.values()
    assert base64.b64encode(plain).decode() not in repr(document(aws))


# ------------------------------------------------------------------ erasing a person


def test_a_destroyed_key_erases_everything_that_was_sealed_under_any_generation(environment, clock):
    one = environment()
    tokens = one.seal(OWNER, {"name": "张示例"})
    one.renew(OWNER)
    tokens |= one.seal(OWNER, {"phone": "13800000000"})
    one.destroy(OWNER)
    for other in (one, environment()):
        with pytest.raises(Erased):
            other.open(OWNER, tokens)


def test_no_key_is_ever_made_again_for_a_person_who_was_erased(environment):
    environment().seal(OWNER, PERSONAL)
    environment().destroy(OWNER)
    for one in (environment(), environment("SM4-GCM")):
        with pytest.raises(Erased):
            one.seal(OWNER, PERSONAL)
        with pytest.raises(Erased):
            one.renew(OWNER)


def test_the_tombstone_holds_no_key(environment, aws):
    environment().seal(OWNER, PERSONAL)
    environment().destroy(OWNER)
    (recorded,) = document(aws).history
    assert recorded.event.generations == () and recorded.event.destroyed_at == NOON


def test_a_person_who_never_had_a_key_can_be_erased_too(environment):
    environment().destroy(OWNER)
    with pytest.raises(Erased):
        environment().seal(OWNER, PERSONAL)


def test_erasing_twice_is_erasing_once(environment, aws, clock):
    environment().destroy(OWNER)
    before = document(aws)
    clock.forward(days=1)
    environment().destroy(OWNER)
    assert document(aws) == before


def test_another_environment_has_forgotten_within_the_time_it_holds_keys(environment, clock):
    there = environment()
    tokens = there.seal(OWNER, PERSONAL)
    environment().destroy(OWNER)
    assert there.open(OWNER, tokens) == PERSONAL  # its memory cannot be reached
    clock.forward(seconds=vault.HELD_SECONDS)
    with pytest.raises(Erased):
        there.open(OWNER, tokens)


def test_a_destruction_whose_answer_was_lost_is_repeated_without_harm(environment, aws):
    environment().seal(OWNER, PERSONAL)
    aws.faults.append(Fault("PutItem", "lost"))
    with pytest.raises(AwsError):
        environment().destroy(OWNER)
    environment().destroy(OWNER)
    assert document(aws).state.generations == ()


def test_one_person_s_erasure_leaves_the_others_alone(environment):
    others = environment().seal("li-shili", PERSONAL)
    environment().seal(OWNER, PERSONAL)
    environment().destroy(OWNER)
    assert environment().open("li-shili", others) == PERSONAL
