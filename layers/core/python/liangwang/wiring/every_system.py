"""Builders of what each system's table has beside it: its publisher, its supervision, its trail."""

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from . import shared

if TYPE_CHECKING:
    from ..services.audit import Audit
    from ..services.publisher import Publisher
    from ..services.supervision import Supervision
    from ..services.turns import Step


def publisher() -> "Publisher":
    """From one table's stream to Kafka."""
    from ..services.publisher import Publisher

    return Publisher(shared.outside.producer())


def supervision() -> "Supervision":
    """What has become due in one system's table."""
    from ..services.supervision import Supervision, wakers

    due = wakers(shared.department(), shared.directory(), load=shared.department_load())
    return Supervision(shared.store(shared.outside.aws()), due)


def audit() -> "Audit":
    """The audit trail of governance and departments, the key that signs where all chains stand, and what is counted."""
    from ..audit_anchors import KIND, Anchors
    from ..audit_chain import Chains
    from ..services.audit import Audit
    from ..services.counting import Counting
    from ..services.event_counting import EventCounting
    from ..tokens import KmsJws

    aws = shared.outside.aws()
    systems = {os.environ["GOVERNANCE_TABLE"]: "governance", os.environ["DEPARTMENT_TABLE"]: "department"}
    signer = KmsJws(aws, os.environ["AUDIT_KEY"], kind=KIND)
    every = timedelta(seconds=float(os.environ.get("ANCHOR_SECONDS", "3600")))
    anchors = Anchors(Chains(aws, os.environ["AUDIT_TABLE"]), signer.sign, every=every)
    trails = {table: shared.trail(aws, system=system) for table, system in systems.items()}
    tallies = shared.store(aws, shared.TALLIES)
    steps: dict[str, list[Step]] = {
        os.environ["DEPARTMENT_TABLE"]: [Counting(tallies)],
        os.environ["GOVERNANCE_TABLE"]: [EventCounting(tallies)],
    }
    return Audit(trails, anchors, steps=steps)
