"""`python -m local case CASE_NO`: one case across the three systems, in Chinese: who has it and why it waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import click
from liangwang import catalogue, texts, timeline
from liangwang.domain import case as department
from liangwang.domain import steps
from liangwang.domain.case_no import SHANGHAI, is_valid
from liangwang.domain.catalogue import Catalogue
from liangwang.store import Stored
from rich.console import Console
from rich.table import Column, Table

from local.config import StartError
from local.reconciliation import Footprint, Tables
from local.stack import Stack


class Line(NamedTuple):
    """One line of the whole timeline."""

    at: datetime
    system: str
    text: str


def lines(footprint: Footprint, known: Catalogue) -> list[Line]:
    """Everything that happened to a case, in order, with the system that recorded it."""
    parts = (
        ("收件系统", (footprint.application,)),
        ("部门审批系统", (footprint.case, *footprint.tasks)),
        ("治理中心", (footprint.ledger, *footprint.collaborations)),
    )
    found = [line for system, stored in parts for one in stored for line in _lines(system, one, known)]
    return sorted(found, key=lambda line: line.at)


def _lines(system: str, stored: Stored, known: Catalogue) -> Iterator[Line]:
    for entry in timeline.of_history(stored.history, known.organisation):
        yield Line(entry.at, system, entry.text.zh)


def waits_for(footprint: Footprint, known: Catalogue) -> str:
    """Who has the case and why it waits, in one Chinese sentence."""
    if footprint.outcome is not None:
        return texts.text("waits.nobody").zh
    names = {code: one.name.zh for code, one in known.organisation.department.items()}
    submitted = footprint.application.state.submitted
    here = names[submitted.department]
    if not footprint.case.history:
        key = "waits.acceptance" if footprint.application.state.relayed else "waits.relay"
        return texts.text(key, department=here).zh
    state: department.Case = footprint.case.state
    if state.is_terminal:
        return texts.text("waits.delivery").zh
    if state.status == "supplementing":
        return texts.text("waits.supplement").zh
    if state.status == "collaborating":
        tasks = [task for event in footprint.collaborations if event.history for task in event.state.tasks]
        open_tasks = "、".join(names[task.dispatched.department] for task in tasks if task.is_open)
        return texts.text("waits.collaboration", departments=open_tasks or "治理中心").zh
    item = known.versions[submitted.task_code, submitted.task_version]
    word = "、".join(texts.text(f"word.{step.name}").zh for step in steps.standing(state, item))
    return texts.text("waits.clerk", department=here, step=word).zh


def show(stack: Stack, case_no: str, console: Console) -> None:
    """Prints the timeline. Raises StartError for a number that is not a case's."""
    if not is_valid(case_no):
        raise StartError(f"{case_no} is no case number: its check character does not hold; copy it whole")
    footprint = Tables.of(stack).case(case_no)
    if not footprint.application.history:
        raise StartError(
            f"no case {case_no} in this stack: with embedded parts, its tables live as long as the stack does"
        )
    known = catalogue.load(stack.config.catalogue)
    submitted = footprint.application.state.submitted
    status = texts.text(f"status.{footprint.application.state.status}").zh
    table = Table(
        "时间",
        "系统",
        Column("事项", overflow="fold"),  # numbers stay whole however narrow the terminal
        show_lines=False,
        title=f"{case_no}  {known.items[submitted.task_code].name.zh}  {status}",
    )
    for line in lines(footprint, known):
        table.add_row(f"{line.at.astimezone(SHANGHAI):%m-%d %H:%M:%S.%f}"[:-3], line.system, line.text)
    console.print(table)
    console.print(f"当前：{waits_for(footprint, known)}")


@click.command("case")
@click.argument("case_no")
def command(case_no: str) -> None:
    """Show one case's timeline across the three systems."""
    stack = Stack()
    stack.description()
    show(stack.start(), case_no, Console())
