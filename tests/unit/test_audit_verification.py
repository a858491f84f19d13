"""Whatever is done to a trail, checking names it; nothing is said of one that was left alone."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from liangwang.domain.audit import Anchor, Head, Record, block_hash, print_of, sealed
from liangwang.domain.audit_verification import verify
from msgspec import json
from msgspec.structs import replace

START = datetime(2026, 3, 9, 2, tzinfo=UTC)
NOW = START + timedelta(days=10)
SHARD = "intake-0"


def record(number, *, version=None, stem="intake/application/A", kind="case.accepted"):
    identity = f"{stem}/{number if version is None else version}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return Record(id=identity, at=START, type=kind, cause=f"cause {number}", digest=digest)


def chain(day, sizes, *, shard=SHARD, previous="", start=1):
    """A day's blocks with so many records each; the versions of one aggregate go on from ``start``."""
    blocks, number = [], start
    for seq, size in enumerate(sizes):
        records = [record(n, stem=f"intake/application/{shard}") for n in range(number, number + size)]
        blocks.append(sealed(day=day, shard=shard, seq=seq, at=START, previous=previous, records=records))
        previous, number = blocks[-1].hash, number + size
    return blocks


def head(block):
    return Head(block.day, block.shard, block.seq, block.hash)


def token(anchor):
    """An anchor as if it was signed; tests know no key."""
    return json.encode(anchor).decode()


def anchored(*steps):
    """Signed anchors, one an hour, each with the heads of these blocks."""
    tokens, previous = [], ""
    for hour, blocks in enumerate(steps):
        anchor = Anchor(at=START + timedelta(hours=hour), previous=previous, heads=tuple(map(head, blocks)))
        tokens.append(token(anchor))
        previous = hashlib.sha256(tokens[-1].encode()).hexdigest()
    return tokens


def opened(text):
    return None if "FORGED" in text else json.decode(text, type=Anchor)


def check(blocks, anchors=None, *, now=NOW, **settings):
    anchors = anchored(last_of_each(blocks)) if anchors is None else anchors
    return verify(blocks, anchors, read=opened, now=now, **settings)


def last_of_each(blocks):
    return list({(one.day, one.shard): one for one in blocks}.values())


def told(report):
    return [str(finding) for finding in report.findings]


SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@st.composite
def trails(draw):
    """Two days of two shards, each day following the one before."""
    found = []
    for shard in ("intake-0", "department-3"):
        first, second = draw(SIZES), draw(SIZES)
        day = chain("2026-03-09", first, shard=shard)
        found += day
        found += chain("2026-03-10", second, shard=shard, previous=day[-1].hash, start=sum(first) + 1)
    return found


def pick(data, things):
    return data.draw(st.sampled_from(range(len(things))))


def changed(block, records):
    return replace(block, records=tuple(records))


# ------------------------------------------------------------------ a trail that was left alone


@given(trails())
def test_a_trail_that_was_left_alone_passes(blocks):
    report = check(blocks)
    assert told(report) == []
    assert report.records == sum(len(one.records) for one in blocks)
    assert report.unanchored == 0


@given(trails(), st.randoms(use_true_random=False))
def test_the_order_of_an_export_s_lines_does_not_matter(blocks, random):
    anchors = anchored(last_of_each(blocks))
    random.shuffle(blocks)
    assert told(check(blocks, anchors)) == []


def test_an_empty_trail_passes():
    report = check([], [])
    assert (report.findings, report.blocks) == ((), 0)


# ------------------------------------------------------------------ records


@given(trails(), st.data(), st.sampled_from(["id", "type", "cause", "digest", "by", "at"]))
def test_a_changed_record_is_named(blocks, data, field):
    place = pick(data, blocks)
    block = blocks[place]
    number = pick(data, block.records)
    forged = START + timedelta(days=1) if field == "at" else f"forged/x/y/{number}"
    records = [replace(one, **{field: forged}) if n == number else one for n, one in enumerate(block.records)]
    anchors = anchored(last_of_each(blocks))
    blocks[place] = changed(block, records)
    assert f"{block.day}/{block.shard} block {block.seq}: record {records[number].id} was changed" in told(
        check(blocks, anchors)
    )


@given(trails(), st.data())
def test_a_missing_record_is_named_by_its_place_and_its_neighbours(blocks, data):
    place = pick(data, blocks)
    block = blocks[place]
    number = pick(data, block.records)
    anchors = anchored(last_of_each(blocks))
    blocks[place] = changed(block, block.records[:number] + block.records[number + 1 :])
    found = [one for one in told(check(blocks, anchors)) if f"record {number} is missing" in one]
    assert found and f"{block.day}/{block.shard} block {block.seq}" in found[0]
    if number:
        assert f"after {block.records[number - 1].id}" in found[0]


@given(trails(), st.data())
def test_an_inserted_record_is_named(blocks, data):
    place = pick(data, blocks)
    block = blocks[place]
    number = data.draw(st.integers(0, len(block.records)))
    forged = record(1, stem="intake/application/forged")
    anchors = anchored(last_of_each(blocks))
    blocks[place] = changed(block, (*block.records[:number], forged, *block.records[number:]))
    found = told(check(blocks, anchors))
    assert f"{block.day}/{block.shard} block {block.seq}: record {forged.id} was inserted" in found


@given(trails(), st.data())
def test_reordered_records_are_named(blocks, data):
    place = pick(data, blocks)
    block = blocks[place]
    assume(len(block.records) > 1)
    order = data.draw(st.permutations(block.records).filter(lambda one: tuple(one) != block.records))
    anchors = anchored(last_of_each(blocks))
    blocks[place] = changed(block, order)
    (found,) = told(check(blocks, anchors))
    moved = [one.id for one, other in zip(order, block.records, strict=True) if one != other]
    assert f"records were reordered: {', '.join(moved)}" in found


@given(trails(), st.data())
def test_a_forger_who_knows_the_short_hashes_breaks_the_block_s_hash(blocks, data):
    place = pick(data, blocks)
    block = blocks[place]
    records = (replace(block.records[0], digest="forged"), *block.records[1:])
    anchors = anchored(last_of_each(blocks))
    blocks[place] = replace(block, records=records, prints=tuple(map(print_of, records)))
    found = told(check(blocks, anchors))
    assert f"{block.day}/{block.shard} block {block.seq}: its hash is not that of its content: it was changed" in found


# ------------------------------------------------------------------ blocks


@given(trails(), st.data())
def test_a_missing_block_is_named_wherever_it_stood(blocks, data):
    place = pick(data, blocks)
    block = blocks[place]
    anchors = anchored(last_of_each(blocks))
    del blocks[place]
    found = [one for one in told(check(blocks, anchors)) if f"{block.day}/{block.shard}" in one]
    assert any("missing" in one and f"block {block.seq}" in one for one in found)


def test_several_missing_blocks_are_named_together():
    blocks = chain("2026-03-09", [1] * 6)
    found = told(check([blocks[0], blocks[4], blocks[5]], anchored(blocks[-1:])))
    assert "2026-03-09/intake-0: blocks 1 to 3 are missing between blocks 0 and 4" in found


def test_a_beginning_that_is_missing_is_named():
    found = told(check(chain("2026-03-09", [1] * 3)[1:]))
    assert "2026-03-09/intake-0: block 0 is missing at the chain's beginning" in found


@given(trails(), st.data())
def test_two_blocks_that_changed_places_are_named(blocks, data):
    pairs = [
        (i, j)
        for i, one in enumerate(blocks)
        for j, other in enumerate(blocks)
        if (one.day, one.shard) == (other.day, other.shard) and one.seq < other.seq
    ]
    assume(pairs)
    first, second = data.draw(st.sampled_from(pairs))
    one, other = blocks[first], blocks[second]
    anchors = anchored(last_of_each(blocks))
    blocks[first], blocks[second] = replace(other, seq=one.seq), replace(one, seq=other.seq)
    found = told(check(blocks, anchors))
    assert f"{one.day}/{one.shard} block {one.seq}: is block {other.seq}, moved: blocks were reordered" in found
    assert f"{one.day}/{one.shard} block {other.seq}: is block {one.seq}, moved: blocks were reordered" in found


@given(trails(), st.data())
def test_a_block_that_was_put_in_is_named(blocks, data):
    place = pick(data, blocks)
    anchors = anchored(last_of_each(blocks))
    forged = sealed(
        day=blocks[place].day,
        shard=blocks[place].shard,
        seq=blocks[place].seq,
        at=START,
        previous=blocks[place].previous,
        records=[record(1, stem="intake/application/forged")],
    )
    found = told(check([*blocks, forged], anchors))
    assert any(f"block {forged.seq}: stands there twice" in one for one in found)


def test_a_chain_that_was_made_anew_from_some_block_on_is_told_by_its_anchor():
    blocks = chain("2026-03-09", [2, 2, 2])
    anchors = anchored(blocks[1:2], blocks[2:])
    forged = chain("2026-03-09", [2, 1, 2])
    found = told(check(forged, anchors))
    assert [one for one in found if "is not the one that was signed" in one and "block 1" in one]
    assert [one for one in found if "is not the one that was signed" in one and "block 2" in one]


def test_a_replaced_block_breaks_the_one_behind_it():
    blocks = chain("2026-03-09", [2, 2, 2])
    blocks[1] = replace(blocks[1], records=(record(9),))
    blocks[1] = replace(blocks[1], prints=tuple(map(print_of, blocks[1].records)), hash=block_hash(blocks[1]))
    assert "2026-03-09/intake-0 block 2: does not follow block 1: one of the two was replaced" in told(check(blocks))


# ------------------------------------------------------------------ tails, days


@given(trails(), st.data())
def test_a_cut_tail_is_told_by_the_anchor_that_knew_it(blocks, data):
    anchors = anchored(last_of_each(blocks))
    end = data.draw(st.sampled_from(last_of_each(blocks)))
    first = data.draw(st.integers(0, end.seq))
    left = [one for one in blocks if (one.day, one.shard) != (end.day, end.shard) or one.seq < first]
    found = told(check(left, anchors))
    assert any(f"{end.day}/{end.shard} block {end.seq}: is missing: the chain was cut" in one for one in found)


def test_a_day_that_does_not_follow_the_day_before_is_named():
    first = chain("2026-03-09", [2, 2])
    found = told(check([*first, *chain("2026-03-10", [1], previous="forged", start=5)]))
    assert [one for one in found if "2026-03-10/intake-0 block 0: does not follow the chain of 2026-03-09" in one]


def test_days_without_a_block_are_passed_over():
    first = chain("2026-03-09", [2, 2])
    assert told(check([*first, *chain("2026-03-14", [1], previous=first[-1].hash, start=5)])) == []


def test_blocks_that_came_to_a_day_after_the_next_had_begun_are_counted_and_are_no_finding():
    first = chain("2026-03-09", [2, 2])
    second = chain("2026-03-10", [1], previous=first[0].hash, start=5)
    report = check([*first, *second])
    assert (told(report), report.late) == ([], 1)


def test_the_first_day_of_an_export_leads_out_of_it():
    blocks = chain("2026-03-10", [1], previous="of the day before", start=5)
    assert told(check(blocks, days=("2026-03-10", "2026-03-10"))) == []


def test_of_a_whole_trail_a_beginning_that_was_cut_with_its_anchors_is_named():
    first = chain("2026-03-09", [1])
    later = chain("2026-03-10", [1], previous=first[-1].hash, start=5)
    anchors = anchored(first, later)
    found = told(check(later, anchors[1:]))
    assert found[0].startswith("2026-03-10/intake-0 block 0: is the first of its shard and follows a block")
    assert "anchors before it are missing" in found[1]


def forged(block, at, *, day=None):
    """A block with correct hashes that somebody puts behind a chain's end."""
    records = [record(99, stem="intake/application/forged")]
    day = block.day if day is None else day
    seq, previous = (block.seq + 1, block.hash) if day == block.day else (0, block.hash)
    return sealed(day=day, shard=block.shard, seq=seq, at=at, previous=previous, records=records)


def test_a_block_that_was_put_behind_a_day_that_was_over_is_named_whatever_time_it_says():
    blocks = chain("2026-03-09", [1, 1])
    late = forged(blocks[-1], NOW - timedelta(minutes=1))
    (found,) = told(check([*blocks, late], anchored(blocks[-1:])))
    assert "2026-03-09/intake-0 block 2: was put into a day that was over" in found


def test_a_block_of_a_time_to_come_is_named_it_would_wait_for_its_anchor_for_ever():
    blocks = chain("2026-03-09", [1, 1])
    ahead = forged(blocks[-1], NOW + timedelta(days=400), day="2027-04-23")
    (found,) = told(check([*blocks, ahead], anchored(blocks[-1:])))
    assert "2027-04-23/intake-0 block 0: says a time that has not come" in found


# ------------------------------------------------------------------ anchors


def test_an_anchor_that_was_changed_is_named():
    blocks = chain("2026-03-09", [2, 2])
    good = anchored(blocks[:1], blocks[1:])
    found = told(check(blocks, [good[0], good[1].replace("anchor", "FORGED")]))
    assert "anchor 1: its signature is not that of the audit key: it was changed" in found


def test_a_missing_anchor_is_told_by_the_next():
    blocks = chain("2026-03-09", [1, 1, 1])
    anchors = anchored(blocks[:1], blocks[1:2], blocks[2:])
    (found,) = told(check(blocks, [anchors[0], anchors[2]]))
    assert "does not follow the one of" in found and "missing" in found


def test_blocks_that_no_anchor_ever_signed_are_told_once_the_anchor_is_overdue():
    blocks = chain("2026-03-09", [1, 1, 1])
    assert told(check(blocks, anchored(blocks[:1]), now=START + timedelta(minutes=30))) == []
    (found,) = told(check(blocks, anchored(blocks[:1]), now=START + timedelta(hours=3)))
    assert "2026-03-09/intake-0 block 1: and 1 more are signed by no anchor" in found


@pytest.mark.parametrize("anchors", [[], ["FORGED"]], ids=["none", "a forged one"])
def test_a_trail_without_anchors_is_not_believed(anchors):
    assert check(chain("2026-03-09", [1]), anchors).findings


def test_an_anchor_speaks_of_the_exported_days_only():
    yesterday, today = chain("2026-03-09", [1]), chain("2026-03-10", [1])
    assert told(check(today, anchored([*yesterday, *today]), days=("2026-03-10", "2026-03-10"))) == []


def test_a_day_that_is_gone_as_a_whole_is_told_by_its_anchors():
    first, gone = chain("2026-03-09", [1]), chain("2026-03-10", [1, 1])
    (found,) = told(check(first, anchored([*first, *gone[-1:]])))
    assert "2026-03-10/intake-0 block 1: is missing: the chain was cut" in found


# ------------------------------------------------------------------ what records say together


def twice(first, second):
    block = sealed(day="2026-03-09", shard=SHARD, seq=0, at=START, previous="", records=[first, second])
    return check([block])


def test_a_record_that_came_twice_is_counted_once():
    report = twice(record(1), replace(record(1), cause="cause 1"))
    assert (told(report), report.repeats, report.records) == ([], 1, 1)


def test_a_record_that_came_twice_with_another_digest_is_named():
    (found,) = told(twice(record(1), replace(record(1), digest="other")))
    assert "record intake/application/A/1 stands in the trail with two digests" in found


def test_an_event_that_no_block_has_is_named():
    assert told(twice(record(2), record(4))) == ["intake/application/A/3: is missing: no block has this record"]


def test_documents_may_have_gaps():
    block = sealed(
        day="2026-03-09",
        shard=SHARD,
        seq=0,
        at=START,
        previous="",
        records=[record(0, version=version, stem="intake/account/x") for version in (1, 5)],
    )
    assert told(check([block], documents={"account"})) == []


def test_an_item_whose_past_was_changed_is_named():
    rewritten = replace(record(1), id="intake/application/A/2/rewritten/abc", type="rewritten")
    assert any("changed behind us" in one for one in told(twice(record(1), rewritten)))
