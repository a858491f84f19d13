"""Checking the audit trail: what was changed, is missing, was put in or was moved, by name. Pure, and without a network.

The evidence is blocks and anchors as they were exported, and the public half of the key that signed the anchors. Who has
neither that private key nor the anchors' second copy cannot forge a trail that passes.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from .audit import REWRITTEN, Anchor, Block, Head, Record, block_hash, day_of, kind_of, print_of, version_of

ANCHORED_WITHIN = timedelta(hours=2)
"""A block without an anchor is no finding before: anchors come hourly."""

Read = Callable[[str], Anchor | None]
"""From a signed anchor to its content; None when the signature is not the key's."""


class Finding(Struct, frozen=True):
    """One thing that is wrong: where, and what, as a sentence."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


class Report(Struct, frozen=True, kw_only=True):
    """What checking came to. ``repeats`` are records that stand in the trail twice with the same digest: harmless, since
    streams deliver at least once. ``late`` blocks were appended to a day after the next had begun."""

    findings: tuple[Finding, ...]
    blocks: int
    records: int
    anchors: int
    repeats: int
    late: int
    unanchored: int


Chain = Sequence[Block]


def verify(
    blocks: Sequence[Block],
    anchors: Sequence[str],
    *,
    read: Read,
    now: datetime,
    documents: Collection[str] = (),
    days: tuple[str, str] = ("", "9999"),
    anchored_within: timedelta = ANCHORED_WITHIN,
) -> Report:
    """Checks everything that was exported. ``documents`` are the kinds whose versions may have gaps, since only
    their newest content is kept; ``days`` the first and the last day that the export covers (all by default)."""
    chains = _chains(blocks)
    findings: list[Finding] = []
    for chain in chains.values():
        findings += _of_chain(chain)
    links, late = _of_days(chains)
    signed, opened = _of_anchors(anchors, read)
    heads, covered = _of_heads(chains, opened, days)
    uncovered = [one for one in blocks if one.seq > covered.get((one.day, one.shard), -1)]
    waiting = [one for one in uncovered if one.at < now - anchored_within]
    ahead = [one for one in uncovered if one.at > now + anchored_within]
    findings += [*links, *signed, *heads, *_of_waiting(waiting), *_of_ahead(ahead)]
    if not days[0]:
        findings += [*_of_beginnings(chains), *_of_first_anchor(opened)]
    contents, repeats = _of_records(blocks, documents)
    return Report(
        findings=(*findings, *contents),
        blocks=len(blocks),
        records=sum(len(one.records) for one in blocks) - repeats,
        anchors=len(opened),
        repeats=repeats,
        late=late,
        unanchored=len(uncovered),
    )


def place_of(block: Block) -> str:
    """How a finding names a block."""
    return f"{block.day}/{block.shard} block {block.seq}"


def _chains(blocks: Sequence[Block]) -> dict[tuple[str, str], Chain]:
    """The blocks of each day and shard by their number; of a number that is there twice, both."""
    found: dict[tuple[str, str], list[Block]] = {}
    for block in blocks:
        found.setdefault((block.day, block.shard), []).append(block)
    return {key: sorted(chain, key=lambda one: one.seq) for key, chain in sorted(found.items())}


# ------------------------------------------------------------------ one chain


def _of_chain(chain: Chain) -> Iterator[Finding]:
    first = chain[0]
    if first.seq != 0:
        yield Finding(f"{first.day}/{first.shard}", f"{_missing(range(first.seq))} at the chain's beginning")
    for block in chain:
        yield from _of_block(block)
        if day_of(block.at) > block.day:  # who appends on a later day begins that day's chain, so this evades anchors
            yield Finding(place_of(block), f"was put into a day that was over: it says {block.at.isoformat()}")
    for before, after in pairwise(chain):
        if after.seq == before.seq:
            yield Finding(place_of(after), "stands there twice: one of the two was inserted")
        elif after.seq > before.seq + 1:
            missing = _missing(range(before.seq + 1, after.seq))
            yield Finding(f"{after.day}/{after.shard}", f"{missing} between blocks {before.seq} and {after.seq}")
        elif after.previous != before.hash:
            yield Finding(place_of(after), f"does not follow block {before.seq}: one of the two was replaced")


def _missing(numbers: range) -> str:
    listed = f"block {numbers[0]}" if len(numbers) == 1 else f"blocks {numbers[0]} to {numbers[-1]}"
    return f"{listed} {'is' if len(numbers) == 1 else 'are'} missing"


def _of_block(block: Block) -> Iterator[Finding]:
    """Names the records that were touched; the block as a whole when no record tells."""
    if block_hash(block) == block.hash and tuple(map(print_of, block.records)) == block.prints:
        return
    moved = _moved_from(block)
    if moved is not None:
        yield Finding(place_of(block), f"is block {moved}, moved: blocks were reordered")
        return
    touched = list(_touched(block))
    yield from touched
    if not touched:
        yield Finding(place_of(block), "its hash is not that of its content: it was changed")


def _moved_from(block: Block) -> int | None:
    """The number that fits the block's hash; blocks that were moved are looked for near their places only."""
    near = range(max(0, block.seq - 50), block.seq + 51)
    return next((seq for seq in near if seq != block.seq and block_hash(replace(block, seq=seq)) == block.hash), None)


def _touched(block: Block) -> Iterator[Finding]:
    """Compares the records with the short hashes that were kept of them."""
    found, kept = [print_of(record) for record in block.records], list(block.prints)
    if found != kept and sorted(found) == sorted(kept):
        moved = [block.records[i].id for i, (one, other) in enumerate(zip(found, kept, strict=True)) if one != other]
        yield Finding(place_of(block), f"records were reordered: {', '.join(moved)}")
        return
    for what, start, stop, first, last in SequenceMatcher(None, kept, found, autojunk=False).get_opcodes():
        changed = min(stop - start, last - first) if what == "replace" else 0
        for record in block.records[first : first + changed]:
            yield Finding(place_of(block), f"record {record.id} was changed")
        for record in block.records[first + changed : last] if what != "equal" else ():
            yield Finding(place_of(block), f"record {record.id} was inserted")
        for number in range(start + changed, stop) if what != "equal" else ():
            yield Finding(place_of(block), f"record {number} is missing{_between(block.records, first + changed)}")


def _between(records: Sequence[Record], place: int) -> str:
    after = f", after {records[place - 1].id}" if 0 < place <= len(records) else ""
    before = f", before {records[place].id}" if place < len(records) else ""
    return after + before


# ------------------------------------------------------------------ from day to day


def _of_beginnings(chains: Mapping[tuple[str, str], Chain]) -> Iterator[Finding]:
    """Of a whole trail: each shard's very first block follows nothing."""
    firsts: dict[str, Block] = {}
    for (_, shard), chain in chains.items():
        firsts.setdefault(shard, chain[0])
    for block in firsts.values():
        if block.seq == 0 and block.previous:
            yield Finding(place_of(block), "is the first of its shard and follows a block: days before it are missing")


def _of_days(chains: Mapping[tuple[str, str], Chain]) -> tuple[list[Finding], int]:
    """Whether each day's first block names a block of that shard's day before; and how many came after the one named."""
    findings, late = [], 0
    last: dict[str, Chain] = {}
    for (_, shard), chain in chains.items():
        first, before = chain[0], last.get(shard)
        last[shard] = chain
        if before is None or first.seq != 0:
            continue
        named = next((place for place, one in enumerate(before) if one.hash == first.previous), None)
        if named is None:
            told = f"does not follow the chain of {before[0].day}: what it follows is missing or was replaced"
            findings.append(Finding(place_of(first), told))
        else:
            late += len(before) - named - 1
    return findings, late


# ------------------------------------------------------------------ anchors


def _of_anchors(tokens: Sequence[str], read: Read) -> tuple[list[Finding], list[Anchor]]:
    """The anchors whose signature holds, in order of time, and what is wrong with them or between them."""
    findings: list[Finding] = []
    good: dict[str, Anchor] = {}
    for number, token in enumerate(tokens):
        anchor = read(token)
        if anchor is None:
            findings.append(Finding(f"anchor {number}", "its signature is not that of the audit key: it was changed"))
        else:
            good[hashlib.sha256(token.encode()).hexdigest()] = anchor
    ordered = sorted(good, key=lambda name: good[name].at)
    for before, after in pairwise(ordered):
        if good[after].previous != before:
            told = f"does not follow the one of {good[before].at.isoformat()}: one between them is missing"
            findings.append(Finding(_anchor_place(good[after]), told))
    return findings, [good[name] for name in ordered]


def _of_first_anchor(anchors: Sequence[Anchor]) -> Iterator[Finding]:
    """Of a whole trail: the very first anchor follows none."""
    if anchors and anchors[0].previous:
        yield Finding(_anchor_place(anchors[0]), "is the first and follows another: anchors before it are missing")


def _anchor_place(anchor: Anchor) -> str:
    return f"anchor of {anchor.at.isoformat()}"


def _of_heads(
    chains: Mapping[tuple[str, str], Chain], anchors: Sequence[Anchor], days: tuple[str, str]
) -> tuple[list[Finding], dict[tuple[str, str], int]]:
    """What anchors say otherwise than the blocks, each chain once; and how far each chain is anchored."""
    findings: dict[Head, Finding] = {}
    covered: dict[tuple[str, str], int] = {}
    for anchor in anchors:
        for head in anchor.heads:
            place = (head.day, head.shard)
            covered[place] = max(covered.get(place, -1), head.seq)
            if head not in findings and days[0] <= head.day <= days[1]:
                told = _against(head, chains.get(place, ()))
                if told:
                    findings[head] = Finding(
                        f"{head.day}/{head.shard} block {head.seq}", f"{told}, says the {_anchor_place(anchor)}"
                    )
    return list(findings.values()), covered


def _against(head: Head, chain: Chain) -> str:
    """What a head proves against a chain; empty when the two agree."""
    there = [block for block in chain if block.seq == head.seq]
    if any(block.hash == head.hash for block in there):
        return ""
    if there:
        return "is not the one that was signed: the chain up to it was replaced"
    reached = max((block.seq for block in chain), default=-1)
    return "is missing" if reached > head.seq else "is missing: the chain was cut"


def _of_waiting(blocks: Sequence[Block]) -> Iterator[Finding]:
    """Blocks that should have been signed by now, a chain at a time."""
    for chain in _chains(blocks).values():
        yield Finding(place_of(chain[0]), f"and {len(chain) - 1} more are signed by no anchor: anchors are missing")


def _of_ahead(blocks: Sequence[Block]) -> Iterator[Finding]:
    """Blocks that say a time to come: they would wait for their anchor for ever."""
    for block in blocks:
        yield Finding(
            place_of(block), f"says a time that has not come ({block.at.isoformat()}) and is signed by no anchor"
        )


# ------------------------------------------------------------------ records


def _of_records(blocks: Sequence[Block], documents: Collection[str]) -> tuple[list[Finding], int]:
    """Records that contradict each other, numbers that no record has, and what was done behind the system's back."""
    findings: list[Finding] = []
    seen: dict[str, str] = {}
    versions: dict[str, set[int]] = {}
    repeats = 0
    for block, record in ((one, record) for one in blocks for record in one.records):
        earlier = seen.get(record.id)
        seen.setdefault(record.id, record.digest)
        repeats += earlier == record.digest
        if earlier not in (None, record.digest):
            told = f"record {record.id} stands in the trail with two digests: the event was changed in between"
            findings.append(Finding(place_of(block), told))
        elif earlier is None and record.type == REWRITTEN:
            findings.append(Finding(place_of(block), f"{record.id}: events that the item had were changed behind us"))
        stem, version = version_of(record.id)
        if version is not None and kind_of(record.id) not in documents:
            versions.setdefault(stem, set()).add(version)
    for stem, known in versions.items():
        gone = sorted(set(range(min(known), max(known))) - known)
        findings += [Finding(f"{stem}/{version}", "is missing: no block has this record") for version in gone]
    return findings, repeats
