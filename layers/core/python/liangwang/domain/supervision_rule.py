"""监督规则: what follows when a moment of a case passes, and whom it concerns. Data (``supervision.yaml``), reviewed like items.

A rule's id is its number in every order that was ever given by it: it is never used again for another rule. A rule holds for
moments that pass after it was published; what was said by a rule that is gone stays said.
"""

from typing import Literal, NamedTuple

from msgspec import Struct

from .catalogue import Organisation, Text
from .centre_rules import CentreRules
from .message_parts import SupervisionMoment, SupervisionStage


class SupervisionRule(Struct, frozen=True, forbid_unknown_fields=True):
    """When ``moment`` passes, ``stage`` follows, beginning with ``to``: the officer who has the step, the department (its
    supervisor), or the centre of its region.

    ``every`` (working days; 0: once) is when it speaks again unless the matter is done: an urge to the same officer, an
    escalation to the next level in the same line, an order that nobody has answered to the level above whoever gave it.
    It speaks ``times`` times at most (0: until it is done, or the line ends), so that a case that is left lying does not grow.
    ``frees`` a step: it goes back to its group's queue.
    """

    id: str
    moment: SupervisionMoment
    stage: SupervisionStage
    text: Text
    to: Literal["officer", "department", "centre"] = "department"
    every: int = 0
    times: int = 0
    frees: bool = False


class SupervisionRules(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``supervision.yaml``: the rules for cases, and those for the centres' collaboration events."""

    rules: tuple[SupervisionRule, ...] = ()
    collaboration: CentreRules = CentreRules()

    def at(self, moment: str) -> tuple[SupervisionRule, ...]:
        """The rules of one kind of moment, in the order of the file."""
        return tuple(rule for rule in self.rules if rule.moment == moment)

    def one(self, rule_id: str) -> SupervisionRule | None:
        """The rule of this number; None for one that is gone."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


class Watch(NamedTuple):
    """What a case is supervised by: the rules, and the organisation whose levels they go up."""

    rules: SupervisionRules
    organisation: Organisation

    def line(self, department: str) -> tuple[str, ...]:
        """同一条线: the department, the centre of its region, and the centres above, nearest first."""
        found = self.organisation.department.get(department)
        return (department, *(self.organisation.lineage(found.region) if found else ()))
