"""What happens becomes a record of the trail once, whoever dies, comes twice, or writes beside us."""

from datetime import UTC, datetime, timedelta

import pytest
from liangwang.accesses import Accesses
from liangwang.aggregates import APPLICATION, CASE, KINDS, Key
from liangwang.audit_anchors import KIND, Anchors, opener
from liangwang.audit_chain import LOOK_BACK, MOST_RECORDS, Chains, read_anchor
from liangwang.aws import AwsError
from liangwang.changes import read
from liangwang.domain.application import Opened
from liangwang.domain.audit import Record, day_of, digest, shard_of
from liangwang.domain.audit_verification import verify
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, Fault
from liangwang.http import Caller
from liangwang.processing import Command, perform
from liangwang.store import Store
from liangwang.tokens import KmsJws, jwk, public_key
from liangwang.trail import Trail

from tests.unit.samples import CASE_NO, submitted
from tests.unit.test_changes import ACCEPTED, DECIDED, RECEIVED, STEP, case, stream, with_body

NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)
"""Noon in Beijing."""
KEY = "alias/liangwang/audit"
SHARD = shard_of("department", f"case#{CASE_NO}")
WAY = [case(RECEIVED), case(RECEIVED, ACCEPTED), case(RECEIVED, ACCEPTED, STEP, DECIDED)]


@pytest.fixture
def aws():
    return FakeAws()


def trail(aws, system="department"):
    """A writer of its own, as an execution environment has it: it remembers what it did and nothing else."""
    return Trail(Chains(aws, "audit"), system=system)


def anchors(aws, every=timedelta(hours=1)):
    return Anchors(Chains(aws, "audit"), KmsJws(aws, KEY, kind=KIND).sign, every=every)


def blocks(aws, day="2026-03-09", shard=SHARD):
    return list(Chains(aws, "audit").blocks(day, shard))


def ids(aws, **where):
    return [record.id.rpartition("/")[2] for block in blocks(aws, **where) for record in block.records]


def report(aws, now=NOON):
    """What checking everything in the table comes to."""
    chains = Chains(aws, "audit")
    places = {item["pk"]["S"].partition("/")[::2] for item in aws.dynamodb.tables["audit"].values()}
    found = [block for day, shard in sorted(places) if shard for block in chains.blocks(day, shard)]
    key = opener(jwk(public_key(aws, KEY), kid="audit"))
    documents = {kind.name for kind in KINDS.values() if kind.keep}
    return verify(found, list(chains.anchors()), read=key, now=now, documents=documents)


def sound(aws, now=NOON):
    found = report(aws, now)
    assert found.findings == ()
    return found


# ------------------------------------------------------------------ records


def test_every_event_of_a_change_is_a_record_that_names_it_and_holds_its_digest(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    (block,) = blocks(aws)
    history = WAY[-1].history
    assert [one.id for one in block.records] == [f"department/case/{CASE_NO}/{n}" for n in (1, 2, 3, 4)]
    assert [one.type for one in block.records] == [str(one.event.__struct_config__.tag) for one in history]
    assert [one.digest for one in block.records] == [digest(one) for one in history]
    assert {one.cause for one in block.records} >= {"cause 0", "cause 1"}


def test_a_change_without_new_events_is_no_record(aws):
    trail(aws).append(read(stream(case(RECEIVED), case(RECEIVED, round=9))), NOON)
    assert ids(aws) == ["1"]


def test_a_record_says_which_person_did_it_and_nothing_that_their_program_made_up(aws):
    store = Store(aws, "department", patience=Patience())
    cause = "person/clerk-1/POST /api/cases/{case_no}/steps/key-138-0000-0000/0123456789abcdef"
    perform(store, [Command(Key(CASE.name, CASE_NO), cause, lambda *_: [RECEIVED])], NOON)
    trail(aws).append(read(aws.dynamodb.event("department")), NOON)
    ((record,),) = (block.records for block in blocks(aws))
    assert (record.by, record.cause) == ("clerk-1", "person/clerk-1/POST /api/cases/{case_no}/steps")


def test_a_record_of_an_application_names_the_applicant_and_none_of_the_form(aws):
    store = Store(aws, "intake", patience=Patience())
    events = [Opened(applicant="zhang", digest="d"), submitted()]
    perform(store, [Command(Key(APPLICATION.name, CASE_NO), f"apply/{CASE_NO}", lambda *_: events)], NOON)
    trail(aws, "intake").append(read(aws.dynamodb.event("intake")), NOON)
    (block,) = blocks(aws, shard=shard_of("intake", f"application#{CASE_NO}"))
    assert [one.by for one in block.records] == ["zhang", "zhang"]
    assert set(Record.__struct_fields__) == {"id", "at", "type", "cause", "digest", "by", "access"}


def test_an_access_is_a_record_with_what_was_shown_and_why(aws):
    accesses = Accesses(Store(aws, "department", patience=Patience()), identity=lambda: "a1")
    caller = Caller(subject="clerk-1", role="clerk")
    accesses.record(caller, NOON, action="case.read", subject=CASE_NO, fields=["phone"], reason="复核")
    trail(aws).append(read(aws.dynamodb.event("department")), NOON)
    (block,) = blocks(aws, shard=shard_of("department", "access#a1"))
    (record,) = block.records
    assert (record.id, record.by, record.cause) == ("department/access/a1/1", "clerk-1", "person/clerk-1/case.read")
    shown = record.access
    assert (shown.action, shown.subject, shown.fields, shown.reason) == ("case.read", CASE_NO, ("phone",), "复核")


def test_the_item_of_an_access_goes_without_a_record_and_any_other_item_does_not(aws):
    accesses = Accesses(Store(aws, "department", patience=Patience()), identity=lambda: "a1")
    accesses.record(Caller(subject="c", role="clerk"), NOON, action="case.read", subject=CASE_NO, fields=[])
    for event in (aws.dynamodb.event("department"), stream(case(RECEIVED))):
        for record in event["Records"]:
            record["dynamodb"]["OldImage"] = record["dynamodb"].pop("NewImage")
        trail(aws).append(read(event), NOON)
    assert ids(aws) == ["removed"]
    assert blocks(aws, shard=shard_of("department", "access#a1")) == []


def test_an_event_keeps_its_digest_when_a_release_adds_a_field_with_a_default():
    from msgspec import Struct

    class Before(Struct, frozen=True, kw_only=True, tag="thing.done", tag_field="type"):
        name: str
        parts: tuple[str, ...] = ()

    class After(Struct, frozen=True, kw_only=True, tag="thing.done", tag_field="type"):
        name: str
        added: int = 0
        parts: tuple[str, ...] = ()

    def of(event):
        return digest(Recorded(NOON, "cause", event))

    assert of(Before(name="a")) == of(After(name="a"))
    assert of(After(name="a")) != of(After(name="a", added=1)) != of(After(name="b", added=1))


# ------------------------------------------------------------------ blocks


def test_a_batch_is_one_write_a_shard_and_not_one_a_record(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    assert [operation for _, operation, _ in aws.calls].count("PutItem") == 1


def test_a_writer_that_is_under_way_needs_one_write_and_no_read(aws):
    writer = trail(aws)
    writer.append(read(stream(case(RECEIVED))), NOON)
    before = len(aws.calls)
    writer.append(read(stream(*WAY[:2])), NOON)
    assert [operation for _, operation, _ in aws.calls[before:]] == ["PutItem"]


def test_blocks_follow_each_other(aws):
    writer = trail(aws)
    for length in (1, 2, 3):
        writer.append(read(stream(*WAY[:length])), NOON)
    first, second, third = blocks(aws)
    assert (first.previous, second.previous, third.previous) == ("", first.hash, second.hash)
    assert [block.seq for block in (first, second, third)] == [0, 1, 2]
    assert sound(aws).blocks == 3


def test_a_large_batch_is_cut_into_blocks(aws):
    chains = Chains(aws, "audit")
    many = [Record(id=f"s/case/x/{n}", at=NOON, type="t", cause="c", digest="d") for n in range(MOST_RECORDS + 1)]
    assert chains.append("s-0", many, NOON) == MOST_RECORDS + 1
    assert [len(block.records) for block in blocks(aws, shard="s-0")] == [MOST_RECORDS, 1]


def test_records_that_no_item_could_hold_together_are_parted(aws):
    import random

    chance = random.Random(1)
    many = [
        Record(id=f"s/case/x/{n}", at=NOON, type="t", cause=chance.randbytes(2000).hex(), digest="d")
        for n in range(300)
    ]
    Chains(aws, "audit").append("s-0", many, NOON)
    assert len(blocks(aws, shard="s-0")) > 1
    assert sum(len(block.records) for block in blocks(aws, shard="s-0")) == 300


# ------------------------------------------------------------------ at least once in, once in the trail


def test_a_batch_that_comes_again_adds_nothing(aws):
    writer = trail(aws)
    for _ in range(3):
        writer.append(read(stream(*WAY)), NOON)
    assert ids(aws) == ["1", "2", "3", "4"]


def test_a_writer_that_died_before_the_stream_moved_on_leaves_nothing_double(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    trail(aws).append(read(stream(*WAY)), NOON)
    assert ids(aws) == ["1", "2", "3", "4"]


def test_a_write_whose_answer_was_lost_is_found_again(aws):
    writer = trail(aws)
    aws.faults.append(Fault("PutItem", "lost"))
    with pytest.raises(AwsError):
        writer.append(read(stream(*WAY)), NOON)
    writer.append(read(stream(*WAY)), NOON)
    assert ids(aws) == ["1", "2", "3", "4"]
    assert sound(aws).repeats == 0


def test_throttling_raises_and_the_next_try_appends(aws):
    writer = trail(aws)
    aws.faults.append(Fault("PutItem"))
    with pytest.raises(AwsError):
        writer.append(read(stream(*WAY)), NOON)
    assert ids(aws) == []
    writer.append(read(stream(*WAY)), NOON)
    assert ids(aws) == ["1", "2", "3", "4"]


def test_a_shard_that_is_throttled_leaves_the_others_their_turn(aws):
    def one(identity):
        return case(RECEIVED)._replace(key=Key(CASE.name, identity))

    many = [stream(one(f"case-{n}"))["Records"][0] for n in range(20)]
    aws.faults.append(Fault("PutItem"))
    writer = trail(aws)
    with pytest.raises(AwsError):
        writer.append(read({"Records": many}), NOON)
    assert 0 < len(aws.dynamodb.tables["audit"]) < 8
    writer.append(read({"Records": many}), NOON)
    assert sound(aws).records == 20


def test_a_batch_that_comes_again_much_later_is_told_as_a_repeat_and_counts_once(aws):
    first = trail(aws)
    first.append(read(stream(*WAY)), NOON)
    chains = Chains(aws, "audit")
    for n in range(LOOK_BACK + 1):
        chains.append(
            SHARD, [Record(id=f"department/case/other/{n + 1}", at=NOON, type="t", cause="c", digest="d")], NOON
        )
    trail(aws).append(read(stream(*WAY)), NOON)
    found = sound(aws)
    assert (found.repeats, found.records) == (4, 4 + LOOK_BACK + 1)


def test_an_event_that_comes_again_with_another_content_is_not_passed_over(aws):
    writer = trail(aws)
    writer.append(read(stream(case(RECEIVED))), NOON)
    writer.append(read(with_body(stream(case(RECEIVED)), case(DECIDED).history)), NOON)
    (finding,) = report(aws).findings
    assert "two digests" in finding.what and f"department/case/{CASE_NO}/1" in finding.what


# ------------------------------------------------------------------ two writers


def test_a_writer_that_was_overtaken_goes_on_behind_the_other(aws):
    one, other = trail(aws), trail(aws)
    one.append(read(stream(case(RECEIVED))), NOON)
    other.append(read(stream(*WAY[:2])), NOON)  # knows the first from reading
    one.append(read(stream(*WAY)), NOON)  # still believes that its own block is the last
    assert ids(aws) == ["1", "2", "3", "4"]
    assert sound(aws).blocks == 3


def test_a_writer_that_was_overtaken_by_the_same_records_adds_none(aws):
    one, other = trail(aws), trail(aws)
    one.append(read(stream(case(RECEIVED))), NOON)
    other.append(read(stream(*WAY)), NOON)
    one.append(read(stream(*WAY)), NOON)
    assert ids(aws) == ["1", "2", "3", "4"]


# ------------------------------------------------------------------ days


MIDNIGHT = datetime(2026, 3, 9, 16, tzinfo=UTC)
"""Midnight in Beijing, where the 10th begins."""


def test_a_day_is_a_day_in_beijing():
    assert day_of(MIDNIGHT - timedelta(seconds=1)) == "2026-03-09"
    assert day_of(MIDNIGHT) == "2026-03-10"
    assert day_of(datetime(2026, 3, 10, 0, 0, 1, tzinfo=UTC)) == "2026-03-10"


@pytest.mark.parametrize("same", [True, False], ids=["one writer", "a new writer"])
def test_the_first_block_of_a_day_follows_the_last_of_the_day_before(aws, same):
    writer = trail(aws)
    writer.append(read(stream(*WAY[:1])), MIDNIGHT - timedelta(seconds=1))
    (writer if same else trail(aws)).append(read(stream(*WAY)), MIDNIGHT)
    (last,), (first,) = blocks(aws, "2026-03-09"), blocks(aws, "2026-03-10")
    assert (first.seq, first.previous) == (0, last.hash)
    assert ids(aws, day="2026-03-10") == ["2", "3", "4"]


def test_what_another_writer_appended_late_on_the_old_day_is_followed_too(aws):
    one, other = trail(aws), trail(aws)
    one.append(read(stream(*WAY[:1])), MIDNIGHT - timedelta(minutes=1))
    other.append(read(stream(*WAY[:2])), MIDNIGHT - timedelta(seconds=1))
    one.append(read(stream(*WAY)), MIDNIGHT)
    assert blocks(aws, "2026-03-10")[0].previous == blocks(aws, "2026-03-09")[-1].hash
    assert sound(aws, MIDNIGHT).late == 0


def test_a_clock_that_is_behind_goes_on_in_the_day_that_it_sees_has_begun(aws):
    writer = trail(aws)
    writer.append(read(stream(*WAY[:1])), MIDNIGHT)
    writer.append(read(stream(*WAY)), MIDNIGHT - timedelta(seconds=2))
    assert ids(aws, day="2026-03-10") == ["1", "2", "3", "4"]
    assert blocks(aws, "2026-03-09") == []


def test_a_clock_that_is_behind_and_does_not_see_it_breaks_nothing(aws):
    one, slow = trail(aws), trail(aws)
    one.append(read(stream(*WAY[:1])), MIDNIGHT - timedelta(minutes=1))
    slow.append(read(stream(*WAY[:1])), MIDNIGHT - timedelta(minutes=1))
    one.append(read(stream(*WAY[:2])), MIDNIGHT)
    slow.append(read(stream(*WAY)), MIDNIGHT - timedelta(seconds=1))
    found = sound(aws, MIDNIGHT)
    assert (found.late, found.repeats) == (1, 1)


def test_a_shard_that_was_quiet_for_days_goes_on_where_the_newest_anchor_saw_it(aws):
    trail(aws).append(read(stream(*WAY[:1])), NOON)
    for hours in (1, 26, 60):
        anchors(aws).due(NOON + timedelta(hours=hours))
    trail(aws).append(read(stream(*WAY)), NOON + timedelta(days=9))
    (first,) = blocks(aws, "2026-03-18")
    assert first.previous == blocks(aws)[-1].hash


# ------------------------------------------------------------------ anchors


def test_an_anchor_says_where_every_chain_stands_and_its_signature_holds(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    token = anchors(aws).due(NOON)
    anchor = opener(jwk(public_key(aws, KEY), kid="audit"))(token)
    assert anchor.heads == (Chains(aws, "audit").head("2026-03-09", SHARD),)
    assert anchor == read_anchor(token)
    assert sound(aws).unanchored == 0


def test_another_key_s_signature_and_another_kind_of_token_open_nothing(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    token = anchors(aws).due(NOON)
    assert opener(jwk(public_key(aws, "alias/liangwang/token"), kid="token"))(token) is None
    other = KmsJws(aws, KEY).sign(b"{}")
    ours = opener(jwk(public_key(aws, KEY), kid="audit"))
    assert ours(other) is None and ours("no token") is None and ours(token[:-4] + "AAAA") is None


def test_an_hour_has_one_anchor_however_often_it_is_asked_for(aws):
    signing = anchors(aws)
    assert signing.due(NOON) is not None
    before = len(aws.calls)
    assert signing.due(NOON + timedelta(minutes=59)) is None
    assert len(aws.calls) == before, "and costs nothing"
    assert anchors(aws).due(NOON + timedelta(minutes=59)) is None
    assert signing.due(NOON + timedelta(minutes=60)) is not None
    assert len(list(Chains(aws, "audit").anchors())) == 2


def test_anchors_follow_each_other_and_say_what_was_quiet_once_more(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    for hours in (0, 30, 60, 90):
        anchors(aws).due(NOON + timedelta(hours=hours))
    heads = [read_anchor(token).heads for token in Chains(aws, "audit").anchors()]
    assert len(set(heads)) == 1 and heads[0]
    assert sound(aws, NOON + timedelta(days=5)).anchors == 4


def test_two_who_sign_at_once_do_not_part_the_way(aws):
    """The hour's anchor and one that an auditor asks for: whoever is second follows the first."""
    other = anchors(aws)
    real = Chains(aws, "audit").newest_anchor

    class Slow(Chains):
        """Sees what was newest before the other signed, once."""

        def __init__(self):
            super().__init__(aws, "audit")
            self.stale = [real()]

        def newest_anchor(self):
            if self.stale:
                found = self.stale.pop()
                other.sign(NOON, since=NOON.timestamp())
                return found
            return super().newest_anchor()

    ours = Anchors(Slow(), KmsJws(aws, KEY, kind=KIND).sign)
    later = NOON + timedelta(seconds=1)
    assert ours.sign(later, since=later.timestamp()) is not None
    assert sound(aws).anchors == 2


def test_an_anchor_whose_write_failed_is_made_again(aws):
    signing = anchors(aws)
    aws.faults.append(Fault("PutItem"))
    with pytest.raises(AwsError):
        signing.due(NOON)
    assert signing.due(NOON) is not None


def test_the_anchors_of_a_time_are_read_from_the_newest_back(aws):
    aws.dynamodb.page = 2
    tokens = [anchors(aws).due(NOON + timedelta(hours=hour)) for hour in range(7)]
    chains = Chains(aws, "audit")
    assert chains.anchors() == tokens
    assert chains.anchors(since=NOON + timedelta(hours=2), until=NOON + timedelta(hours=5)) == tokens[2:5]
    aws.dynamodb.tables["audit"][f"anchor#{4:012d}"]["token"] = {"S": "no token"}
    assert chains.anchors(since=NOON + timedelta(hours=2)) == [*tokens[2:4], "no token", *tokens[5:]]


def test_an_anchor_is_a_log_line_too(aws, capfd):
    token = anchors(aws).due(NOON)
    assert token in capfd.readouterr().out


# ------------------------------------------------------------------ poison, and what nobody may do


def test_a_record_of_the_stream_that_cannot_be_read_holds_up_nothing_and_is_in_the_trail(aws):
    event = stream(*WAY)
    event["Records"][1]["dynamodb"]["NewImage"]["body"]["B"] = "bm8gYm9keQ=="
    trail(aws).append(read(event), NOON)
    assert ids(aws)[:2] == ["1", "unreadable"]


def test_a_history_that_was_rewritten_in_the_table_is_in_the_trail_and_checking_says_so(aws):
    event = with_body(stream(*WAY), case(RECEIVED, STEP, ACCEPTED, DECIDED).history)
    trail(aws).append(read(event), NOON)
    assert any("changed behind us" in one.what for one in report(aws).findings)


def test_a_block_that_somebody_emptied_is_named_and_nothing_raises(aws):
    trail(aws).append(read(stream(*WAY)), NOON)
    (item,) = aws.dynamodb.tables["audit"].values()
    item["records"] = {"B": "bm90aGluZw=="}
    assert [one for one in report(aws).findings if one.place == f"2026-03-09/{SHARD} block 0"]
