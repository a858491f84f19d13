"""What a governance centre decides collaboration events by: its own rules (data), the responsibilities, the calendar. Pure."""

from typing import NamedTuple

from msgspec import Struct

from .catalogue import Lights
from .responsibilities import Responsibilities
from .routing import OpenTasks
from .working_days import Calendar


class CentreRules(Struct, frozen=True, forbid_unknown_fields=True):
    """协同规则: the limits of a centre's own acts, in working days (``supervision.yaml``, ``collaboration``; docs/collaboration.md).

    ``decide_days``: how long an operator has with a decline before the rules decide (0: the rules decide at once);
    ``alone_days`` the same where nobody else is responsible, so that the rules could only force. ``check_days``: how long
    reports that are to be checked wait before they count unchecked. ``return_days`` and ``returns``: the limit for doing a
    task again 返工 (town practice: five days, three the second time), and how often. ``extensions``: how often a whole event is
    extended, beside once for each level that it was lifted. ``lights``: the parts of its limit after which an event turns.
    """

    decide_days: int = 0
    alone_days: int = 0
    check_days: int = 1
    return_days: int = 3
    returns: int = 2
    extensions: int = 1
    lights: Lights = Lights()


STANDARD = CentreRules()
"""What holds where a city says nothing else."""


class Governance(NamedTuple):
    """What a centre decides by. ``load`` says how busy departments are, for routing rules that ask (docs/routing.md)."""

    responsibilities: Responsibilities
    calendar: Calendar
    rules: CentreRules = STANDARD
    load: OpenTasks | None = None
