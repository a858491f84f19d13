"""Forgetting: what goes and when, and that everything which is no person's stays as it was."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, ENDED, Key, encode
from liangwang.changes import Anomaly, changes, read
from liangwang.domain import messages as m
from liangwang.domain.application import Opened, Progressed, Redacted, Relayed, evolve, to_relay, wake_at
from liangwang.domain.history import Noted, Recorded, fold
from liangwang.domain.patience import Patience
from liangwang.domain.retention import Periods, forget_at, is_redaction, redact
from liangwang.fakes import FakeAws, Fault
from liangwang.publishing import outgoing
from liangwang.services.retention import Redaction, Retention
from liangwang.store import Store, Stored, build_put, shown

from tests.unit.samples import CASE_NO, NOON, submitted, supplemented

FIELDS = {"case_no": CASE_NO, "department": "EAST-MARKET"}
SEALED = m.Sealed(algorithm="AES-256-GCM", wrapped_key="d3JhcHBlZA==", nonce="bm9uY2U=", ciphertext="Y2lwaGVydGV4dA==")
PERIODS = Periods(decided=timedelta(days=365), withdrawn=timedelta(days=90))
PATIENCE = Patience(first=timedelta(minutes=5))


def told(sequence, message):
    return Progressed(sequence=sequence, at=NOON, message=message)


def decided(outcome, *, of=1):
    return m.CaseDecided(**FIELDS, outcome=outcome, told=of)


WAY = (
    Opened(applicant="zhang", digest="0123"),
    submitted(sealed=SEALED),
    Relayed(version=2),
    told(2, m.SupplementRequested(**FIELDS, notice_no="N", points=())),
    supplemented(sealed=SEALED),
    m.ApplicationWithdrawn(**FIELDS, sealed=SEALED),
    Relayed(version=6),
)


def recorded(*events):
    """A history; each event a minute after the one before."""
    return tuple(
        Recorded(NOON + timedelta(minutes=n), f"person/zhang/POST /x/key-{n}/0123456789abcdef", event)
        for n, event in enumerate(events)
    )


def ended(outcome="granted"):
    return recorded(*WAY, told(4, decided(outcome, of=2)))


def state_of(history):
    return fold(evolve, history)


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def store(aws):
    return Store(aws, "intake", patience=PATIENCE)


def save(store, history, case_no=CASE_NO):
    """Writes an application as it came to be, step by step, and answers it."""
    key = Key(APPLICATION.name, case_no)
    before = Stored(key)
    for length in range(2, len(history) + 1):  # the first two events are one write
        after = Stored(key, history[:length])
        assert store.save([(before, after)]) == [None]
        before = after
    return after


def load(store, key):
    return store.load([key])[key]


# ------------------------------------------------------------------ when


@pytest.mark.parametrize(("outcome", "days"), [("granted", 365), ("denied", 365), ("refused", 365), ("withdrawn", 90)])
def test_a_decision_is_kept_as_long_as_it_can_be_contested_and_a_withdrawal_shorter(outcome, days):
    last = (
        m.CaseRefused(**FIELDS, refusal_doc_no="B", reasons=(), told=2)
        if outcome == "refused"
        else decided(outcome, of=2)
    )
    history = recorded(*WAY, told(4, last))
    assert forget_at(state_of(history), PERIODS) == history[-1].at + timedelta(days=days)


@pytest.mark.parametrize("length", range(2, len(WAY) + 1))
def test_a_case_that_goes_on_is_not_forgotten(length):
    assert forget_at(state_of(recorded(*WAY[:length])), PERIODS) is None


def test_a_case_of_which_not_everything_has_come_is_not_forgotten():
    assert forget_at(state_of(recorded(*WAY, told(4, decided("granted", of=3)))), PERIODS) is None


def test_a_case_whose_last_word_has_not_been_carried_is_not_forgotten():
    unheard = recorded(*WAY[:-1], told(4, decided("granted", of=2)))
    assert state_of(unheard).pending and forget_at(state_of(unheard), PERIODS) is None


def test_what_was_forgotten_is_not_forgotten_again():
    assert forget_at(state_of(redact(ended(), because="retention", at=NOON)), PERIODS) is None


# ------------------------------------------------------------------ what


def test_nothing_sealed_and_no_digest_of_what_was_sent_is_left():
    body = encode(redact(ended(), because="retention", at=NOON))
    for part in (SEALED.ciphertext, SEALED.wrapped_key, "0123"):
        assert part.encode() in encode(ended()) and part.encode() not in body


def test_a_message_kept_as_a_note_loses_what_was_sealed_too():
    note = Noted(
        message_type="application.submitted", reason="late", content={"case_no": "1", "sealed": {"nonce": "x"}}
    )
    assert redact(recorded(note), because="retention", at=NOON)[0].event.content == {"case_no": "1"}


def test_versions_times_and_events_are_as_before():
    before, after = ended(), redact(ended(), because="erasure", at=NOON + timedelta(days=400))
    assert [(one.at, type(one.event)) for one in before] == [(one.at, type(one.event)) for one in after[:-1]]
    assert after[-1].event == Redacted(because="erasure")


@given(st.integers(1, len(WAY) + 1), st.sampled_from(("retention", "erasure")))
def test_whatever_is_counted_is_as_before(length, because):
    before = ended()[:length]
    was, now = state_of(before), state_of(redact(before, because=because, at=NOON))
    counted = (
        "applicant",
        "status",
        "version",
        "spoken_at",
        "heard_at",
        "is_terminal",
        "has_heard_all",
        "relayed",
        "progress",
    )
    for name in counted[:2] + counted[3:]:
        assert (length < 2 and name == "spoken_at") or getattr(was, name) == getattr(now, name)
    assert now.version == was.version + 1


@given(st.integers(1, len(WAY) + 1))
def test_redacting_twice_is_redacting_once(length):
    once = redact(ended()[:length], because="retention", at=NOON)
    assert redact(once, because="erasure", at=NOON + timedelta(days=1)) == once


def test_a_redaction_is_told_from_any_other_rewriting():
    before, after = ended(), redact(ended(), because="retention", at=NOON)
    assert is_redaction(before, after)
    assert not is_redaction(before, before) and not is_redaction(before, after[:-1])
    changed = (*after[:3], Recorded(NOON, "x", told(2, decided("denied"))), *after[4:])
    assert not is_redaction(before, changed)


# ------------------------------------------------------------------ what others see of it


def test_a_redacted_case_has_nothing_to_carry_even_when_asked():
    state = state_of(redact(ended(), because="retention", at=NOON))
    assert to_relay(state, due=True) == () and to_relay(state, due=False) == ()
    assert wake_at(state, PATIENCE) is None


def test_it_leaves_the_indexes_as_they_were():
    key = Key(APPLICATION.name, CASE_NO)
    before, after = Stored(key, ended()), Stored(key, redact(ended(), because="retention", at=NOON))
    assert shown(before, PATIENCE) == shown(after, PATIENCE)
    request = build_put("t", before=before, after=after, patience=PATIENCE)
    assert request["ExpressionAttributeValues"] == {":version": {"N": str(before.version)}}


def test_no_message_goes_out_and_the_trail_finds_nothing_wrong(store, aws):
    save(store, ended())
    Redaction(store).of([Key(APPLICATION.name, CASE_NO)], NOON, because="retention")
    event = {"Records": aws.dynamodb.event("intake")["Records"][-1:]}
    assert [message for record in event["Records"] for message in outgoing(record)] == []
    assert [one for one in read(event) if isinstance(one, Anomaly)] == []
    (change,) = changes(event)
    assert [type(one.event) for one in change.new] == [Redacted]


# ------------------------------------------------------------------ on a schedule


class Followed:
    """The step over a store, with the stream behind it."""

    def __init__(self, store, aws):
        self.store, self.aws, self.read = store, aws, 0
        self.step = Retention(store, PERIODS)

    def stream(self, now=NOON, *, again=False):
        event = aws_event = self.aws.dynamodb.event("intake", start=0 if again else self.read)
        self.read += 0 if again else len(aws_event["Records"])
        self.step.take(changes(event), now)

    def sweep(self, now):
        Retention(self.store, PERIODS).sweep(now)  # another environment, which remembers nothing

    def notes(self):
        table = self.aws.dynamodb.tables["intake"]
        return [load(self.store, Key.parse(pk)) for pk in table if pk.startswith("ended#")]


@pytest.fixture
def followed(store, aws):
    return Followed(store, aws)


def is_redacted(store, case_no=CASE_NO):
    return load(store, Key(APPLICATION.name, case_no)).state.redacted


def test_a_case_is_forgotten_when_its_time_is_over_and_not_before(store, followed):
    save(store, ended())
    followed.stream()
    followed.sweep(NOON + timedelta(days=365))
    assert not is_redacted(store)
    followed.sweep(NOON + timedelta(days=365, hours=2))
    assert is_redacted(store)


def test_cases_that_end_together_share_one_note(store, followed):
    for number in range(30):
        save(store, ended(), f"{CASE_NO}{number}")
    followed.stream()
    (note,) = followed.notes()
    assert len(note.state.cases) == 30
    followed.sweep(NOON + timedelta(days=366))
    assert all(is_redacted(store, f"{CASE_NO}{number}") for number in range(30))


def test_the_end_of_a_case_costs_the_case_s_own_item_nothing_more(store, aws):
    """Its last write takes its entry out of the index as ever; what waits is the note, which many share."""
    before, after = (
        Stored(Key(APPLICATION.name, CASE_NO), ended()[:-1]),
        Stored(Key(APPLICATION.name, CASE_NO), ended()),
    )
    request = build_put("t", before=before, after=after, patience=PATIENCE)
    assert "wake" not in request["Item"] and "expires_at" not in request["Item"]


def test_a_batch_that_comes_twice_writes_its_note_once(store, followed):
    save(store, ended())
    followed.stream()
    followed.stream(again=True)
    assert len(followed.notes()) == 1


def test_a_note_that_is_done_leaves_the_index_and_goes_by_itself(store, followed, aws):
    save(store, ended())
    followed.stream()
    followed.sweep(NOON + timedelta(days=366))
    (note,) = followed.notes()
    index = shown(note, PATIENCE)
    assert index.wake_at is None and index.expires_at is not None
    assert note.state.cases == ()


def test_a_second_sweep_changes_nothing(store, followed, aws):
    save(store, ended())
    followed.stream()
    followed.sweep(NOON + timedelta(days=366))
    before = len(aws.dynamodb.event("intake")["Records"])
    followed.sweep(NOON + timedelta(days=400))
    assert len(aws.dynamodb.event("intake")["Records"]) == before


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_a_sweep_that_dies_between_its_writes_is_finished_by_the_next(store, followed, aws, kind):
    save(store, ended())
    followed.stream()
    aws.faults.append(Fault("PutItem", kind))
    followed.sweep(NOON + timedelta(days=366))
    followed.sweep(NOON + timedelta(days=368))
    assert is_redacted(store)
    assert all(note.state.done_at for note in followed.notes())
    assert [type(one.event) for one in load(store, Key(APPLICATION.name, CASE_NO)).history].count(Redacted) == 1


def test_a_case_that_changed_meanwhile_is_looked_at_again_a_day_later(store, followed):
    save(store, ended())
    followed.stream()
    save(store, recorded(*WAY), "another")  # a note may name a case that is not at rest (any more)
    (note,) = followed.notes()
    mixed = ENDED.decode(encode([Recorded(NOON, "x", note.state)]))[0].event
    both = mixed.__class__(cases=(CASE_NO, "another"), due_at=mixed.due_at)
    store.save([(note, Stored(note.key, (Recorded(NOON, "y", both),), 0, note.version))])
    followed.sweep(NOON + timedelta(days=366))
    (left,) = followed.notes()
    assert is_redacted(store) and not is_redacted(store, "another")
    assert left.state.cases == ("another",) and left.state.due_at == NOON + timedelta(days=367)


def test_a_note_that_cannot_be_written_lets_the_stream_bring_the_batch_again(store, followed, aws):
    save(store, ended())
    aws.faults += [Fault("PutItem")] * 6
    with pytest.raises(Exception, match="Throttling"):
        followed.stream()
    aws.faults.clear()
    followed.stream(again=True)
    assert len(followed.notes()) == 1


def test_a_quiet_schedule_asks_rarely(store, aws):
    step = Retention(store, PERIODS)
    for second in range(0, 600, 2):
        step.sweep(NOON + timedelta(seconds=second))
    assert sum(name == "Query" for _, name, _ in aws.calls) == 8
