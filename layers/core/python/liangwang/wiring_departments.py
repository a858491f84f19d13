"""The composition root's other part: what officers and heads do about their departments' cases."""

from typing import TYPE_CHECKING

from . import wiring
from .wiring import _department, _store

if TYPE_CHECKING:
    from .services.absences import Absences
    from .services.approval import Approval
    from .services.procedures import Procedures
    from .services.step_files import CaseFiles


def procedures() -> "Procedures":
    """What the clocks of a department's cases stand for."""
    from .services.own_cases import OwnCases
    from .services.procedures import Procedures

    return Procedures(OwnCases(_store(wiring.outside.aws()), _department()))


def steps() -> "tuple[Approval, Absences, CaseFiles]":
    """In whose hands steps are, who stands in for whom, and the files that officers add."""
    from .services.absences import Absences
    from .services.approval import Approval
    from .services.own_cases import OwnCases
    from .services.step_files import CaseFiles

    cases = OwnCases(_store(wiring.outside.aws()), _department())
    return Approval(cases), Absences(cases.store), CaseFiles(cases, wiring.outside.objects())
