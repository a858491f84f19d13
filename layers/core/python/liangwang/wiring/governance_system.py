"""Builders of the governance centres' functions."""

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from . import shared

if TYPE_CHECKING:
    from ..services.centre import Centre
    from ..services.console import Console
    from ..services.console_changes import ConsoleChanges
    from ..services.console_figures import ConsoleFigures
    from ..services.coordination import Coordination
    from ..services.grid import Grid
    from ..services.grid_desk import GridDesk
    from ..services.handback import Handback
    from ..services.intake_gates import Gates
    from ..services.mailbox import Mailboxes
    from ..services.outside import OutsideParties
    from ..services.oversight import Oversight
    from ..services.reconciler import Reconciler
    from ..services.reconciliation import Reconciliation
    from ..services.redelivery import Redelivery
    from ..services.relay import Relay
    from ..services.routing import Routing
    from ..services.routing_trial import RoutingTrial
    from ..store import Store


def collaboration() -> "Centre":
    """The centre's collaboration events."""
    from ..catalogue import load_supervision
    from ..services.centre import Centre

    store, rules = shared.store(shared.outside.aws()), load_supervision(shared.directory()).collaboration
    return Centre(store, shared.responsibilities(), shared.calendar(), rules=rules, load=shared.department_load())


def routing() -> "tuple[Routing, RoutingTrial]":
    """The rules of routing, shown and tried."""
    from ..catalogue import load
    from ..services.routing import Routing
    from ..services.routing_trial import RoutingTrial

    responsibilities, items = shared.responsibilities(), partial(load, shared.directory())
    trial = RoutingTrial(shared.store(shared.outside.aws()), responsibilities, items)
    return Routing(responsibilities, items, shared.department_load()), trial


def coordination() -> "Coordination":
    """What operators do with the centre's collaboration events."""
    from ..catalogue import load_supervision
    from ..domain.centre_rules import Governance
    from ..services.coordination import Coordination

    rules = load_supervision(shared.directory()).collaboration
    on = Governance(shared.responsibilities(), shared.calendar(), rules, shared.department_load())
    return Coordination(shared.store(shared.outside.aws()), on)


def oversight() -> "Oversight":
    """What came before a governance centre."""
    from ..services.oversight import Oversight

    return Oversight(shared.store(shared.outside.aws()), shared.organisation())


def relay() -> "tuple[Relay, Reconciler]":
    """From the intake systems' exchange APIs to the ledger and to Kafka, and what compares and heals the systems."""
    from ..services.reconciler import Reconciler
    from ..services.relay import Relay

    store = shared.store(shared.outside.aws())
    ways = gates(store)
    carries = Relay(store, ways, shared.outside.producer())
    every = timedelta(seconds=float(os.environ.get("RECONCILE_EVERY_SECONDS", "3600")))
    tolerance = 3 * shared.patience().first
    return carries, Reconciler(store, ways, carries, shared.calendar(), tolerance=tolerance, every=every)


def reconciliation() -> "Reconciliation":
    """What operators see of the ledger, and of what differs."""
    from ..intakes import parse
    from ..services.reconciliation import Reconciliation

    names = tuple(one.name for one in parse(os.environ.get("INTAKES", "")))
    return Reconciliation(shared.store(shared.outside.aws()), shared.organisation(), intakes=names)


def handback() -> "tuple[Store, Handback, Redelivery]":
    """The centre's ledger, its way back to the intake systems, and what these have missed."""
    from ..services.handback import Handback
    from ..services.redelivery import Redelivery

    store = shared.store(shared.outside.aws())
    ways = gates(store)
    return store, Handback(store, ways, organisation=shared.organisation()), Redelivery(store, ways)


def mailbox() -> "Mailboxes":
    """The mailboxes of departments that join by HTTP."""
    from ..services.mailbox import Mailboxes

    centre = collaboration()
    return Mailboxes(centre.store, shared.organisation(), centre)


def console() -> "tuple[Console, ConsoleFigures, ConsoleChanges]":
    """What centres see of all collaboration events: what is open, what went on, what changes."""
    from ..services.console import Console
    from ..services.console_changes import ConsoleChanges
    from ..services.console_figures import ConsoleFigures

    tallies, organisation = shared.store(shared.outside.aws(), shared.TALLIES), shared.organisation()
    return (
        Console(tallies, organisation),
        ConsoleFigures(tallies, organisation),
        ConsoleChanges(tallies, organisation),
    )


def outside_parties() -> "OutsideParties":
    """What parties without an account are asked and answer."""
    from ..kms_jws import KmsJws, public_key
    from ..services.outside import KIND, OutsideParties, Seal

    aws, key = shared.outside.aws(), os.environ["OUTSIDE_KEY"]
    seal = Seal(KmsJws(aws, key, kind=KIND), lambda: public_key(aws, key), issuer=os.environ["TOKEN_ISSUER"])
    return OutsideParties(collaboration(), shared.catalogue(), seal)


def gates(store: "Store") -> "Gates":
    """The intake systems that are configured. Raises ValueError, saying what is wrong with which."""
    from ..intakes import parse
    from ..services.intake_gates import Gate, Gates

    systems = parse(os.environ.get("INTAKES", ""))
    return Gates(store, [Gate(system, shared.outside.exchange(system)) for system in systems])


def grid() -> "tuple[Grid, GridDesk]":
    """Grid events: what is told and done, and what is shown of it."""
    from ..catalogue import load_grid
    from ..services.grid import Grid
    from ..services.grid_desk import GridDesk

    store, catalogue = shared.store(shared.outside.aws()), shared.catalogue()
    categories = load_grid(shared.directory())
    events = Grid(store, catalogue.organisation, categories, shared.calendar())
    return events, GridDesk(store, catalogue, categories, events)
