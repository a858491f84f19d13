"""Builders of the departments' functions: what officers and heads do about their cases."""

from typing import TYPE_CHECKING

from . import shared

if TYPE_CHECKING:
    from ..services.absences import Absences
    from ..services.acceptance_desk import AcceptanceDesk
    from ..services.approval import Approval
    from ..services.assistance import Assistance
    from ..services.case_detail import CaseDetails
    from ..services.decisions import Decisions
    from ..services.department import Department
    from ..services.desk import Desk
    from ..services.disclosure import Disclosure
    from ..services.orders import Orders
    from ..services.own_cases import OwnCases
    from ..services.procedures import Procedures
    from ..services.rechecks import Rechecks
    from ..services.requester import Requester
    from ..services.statistics import Statistics
    from ..services.step_files import CaseFiles
    from ..services.task_files import Supplies, TaskFiles
    from ..store import Store


def acceptance() -> tuple["Store", "Department"]:
    """The department's cases and what decides on them."""
    return shared.store(shared.outside.aws()), shared.department()


def approval() -> tuple["OwnCases", "Desk", "CaseDetails", "Disclosure", "Requester"]:
    """A department's cases, how they are found and shown, what is shown for a reason only, and what others answer to them."""
    from ..services.case_detail import CaseDetails
    from ..services.desk import Desk
    from ..services.disclosure import Disclosure
    from ..services.own_cases import OwnCases
    from ..services.requester import Requester

    aws = shared.outside.aws()
    cases, sealing = OwnCases(shared.store(aws), shared.department()), shared.sealing(aws)
    disclosure = Disclosure(cases, sealing, shared.outside.objects())
    requester = Requester(cases.store, cases.department, sealing)
    return cases, Desk(cases), CaseDetails(cases, sealing), disclosure, requester


def steps() -> "tuple[Approval, Absences, CaseFiles]":
    """In whose hands steps are, who stands in for whom, and the files that officers add."""
    from ..services.absences import Absences
    from ..services.approval import Approval
    from ..services.own_cases import OwnCases
    from ..services.step_files import CaseFiles

    cases = OwnCases(shared.store(shared.outside.aws()), shared.department())
    return Approval(cases), Absences(cases.store), CaseFiles(cases, shared.outside.objects())


def procedures() -> "Procedures":
    """What the clocks of a department's cases stand for."""
    from ..services.own_cases import OwnCases
    from ..services.procedures import Procedures

    return Procedures(OwnCases(shared.store(shared.outside.aws()), shared.department()))


def examination() -> "tuple[AcceptanceDesk, Rechecks]":
    """Acceptance by officers, and what they look at again."""
    from ..services.acceptance_desk import AcceptanceDesk
    from ..services.own_cases import OwnCases
    from ..services.rechecks import Rechecks

    aws = shared.outside.aws()
    cases = OwnCases(shared.store(aws), shared.department())
    return AcceptanceDesk(cases, shared.sealing(aws)), Rechecks(cases)


def decisions() -> "Decisions":
    """What is done to decisions that were told already."""
    from ..services.decisions import Decisions
    from ..services.own_cases import OwnCases

    return Decisions(OwnCases(shared.store(shared.outside.aws()), shared.department()))


def orders() -> "Orders":
    """What a department's supervisor has to look at, and to answer."""
    from ..catalogue import load_supervision
    from ..services.orders import Orders
    from ..services.own_cases import OwnCases

    return Orders(
        OwnCases(shared.store(shared.outside.aws()), shared.department()), load_supervision(shared.directory())
    )


def assistance() -> "tuple[Assistance, TaskFiles, Supplies]":
    """The department's tasks for others, the files that it adds to them, and the personal data that it is supplied with."""
    from ..services.assistance import Assistance
    from ..services.own_tasks import OwnTasks
    from ..services.task_files import Supplies, TaskFiles

    aws = shared.outside.aws()
    tasks = OwnTasks(shared.store(aws), shared.catalogue().organisation, shared.calendar())
    return Assistance(tasks), TaskFiles(tasks, shared.outside.objects()), Supplies(tasks, shared.sealing(aws))


def statistics() -> "Statistics":
    """What was counted, and what is open."""
    from ..services.statistics import Statistics

    aws = shared.outside.aws()
    return Statistics(shared.store(aws, shared.TALLIES), shared.store(aws), shared.catalogue())
