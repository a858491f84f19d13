"""The case for Restate in two shapes: apply, accept, for some ask one department and wait for its reply, approve, close.

``Case`` is the leanest: one workflow, every decision a durable step of it. ``Intake`` is the shape of our system: three
parties with state of their own, a workflow for the applicant's side, an object a case at the department, an object a task
at the department that is asked. In both, state stays to be looked at after the end, and the asked department's clerk
answers through an awakeable, as Restate's documentation does it for people: a durable step hands its id to the clerk,
who resolves it over HTTP. The applicant's call of the run handler returns with the end.

Served by hypercorn (setup.py); ``CLERK`` is the address to which asks are posted.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import restate
from liangwang.http_client import HttpClient

case = restate.Workflow("Case")
intake = restate.Workflow("Intake")
department = restate.VirtualObject("Department")
task = restate.VirtualObject("Task")

_clerk = HttpClient(os.environ.get("CLERK", "http://127.0.0.1:1"))

# ---------------------------------------------------------------------------------------------- one workflow


@case.main("run")
async def one_workflow(ctx: restate.WorkflowContext, application: dict[str, Any]) -> dict[str, Any]:
    """One case from the application to its end. Answers the decision."""
    ctx.set("application", application)
    accepted = await ctx.run_typed("accept", _accept, case_no=ctx.key(), application=application)
    ctx.set("accepted", accepted)
    answer = await _ask_and_wait(ctx) if application["ask"] else None
    decision = await ctx.run_typed("approve", _approve, accepted=accepted, answer=answer)
    ctx.set("decision", decision)
    closed = await ctx.run_typed("close", _close, case_no=ctx.key(), decision=decision)
    ctx.set("closed", closed)
    return closed


# ---------------------------------------------------------------------------------------------- three parties


@intake.main("run")
async def apply(ctx: restate.WorkflowContext, application: dict[str, Any]) -> dict[str, Any]:
    """The applicant's side: what was said, the receipt, the end."""
    ctx.set("application", application)
    ctx.set("accepted", await ctx.object_call(accept, key=ctx.key(), arg=application))
    decision = await ctx.object_call(approve, key=ctx.key(), arg=None)
    closed = await ctx.run_typed("close", _close, case_no=ctx.key(), decision=decision)
    ctx.set("closed", closed)
    return closed


@department.handler()
async def accept(ctx: restate.ObjectContext, application: dict[str, Any]) -> dict[str, Any]:
    """The department takes the case on and gives a receipt."""
    ctx.set("application", application)
    accepted = await ctx.run_typed("accept", _accept, case_no=ctx.key(), application=application)
    ctx.set("accepted", accepted)
    return accepted


@department.handler()
async def approve(ctx: restate.ObjectContext, _: None) -> dict[str, Any]:
    """The department decides, after it has asked another one where it must."""
    application = await ctx.get("application")
    answer = await ctx.object_call(ask, key=ctx.key(), arg=None) if application["ask"] else None
    accepted = await ctx.get("accepted")
    decision = await ctx.run_typed("approve", _approve, accepted=accepted, answer=answer)
    ctx.set("decision", decision)
    return decision


@task.handler()
async def ask(ctx: restate.ObjectContext, _: None) -> dict[str, Any]:
    """The department that is asked gives a task to its clerk and passes on the answer."""
    ctx.set("asked", True)
    answer = await _ask_and_wait(ctx)
    ctx.set("answer", answer)
    return answer


# ---------------------------------------------------------------------------------------------- steps


async def _ask_and_wait(ctx: restate.ObjectContext | restate.WorkflowContext) -> dict[str, Any]:
    reply: restate.RestateDurableFuture[dict[str, Any]]
    awakeable, reply = ctx.awakeable()
    await ctx.run_typed("ask", _ask, case_no=ctx.key(), awakeable=awakeable)
    return await reply


async def _accept(case_no: str, application: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now().astimezone()
    due = now + timedelta(days=application["promised_days"])
    return {"receipt": f"R-{case_no}", "at": now.isoformat(), "due_at": due.isoformat()}


def _ask(case_no: str, awakeable: str) -> None:
    """A function that blocks: the SDK runs it on a thread."""
    _clerk.request("POST", f"/{case_no}/{awakeable}", headers={})


async def _approve(accepted: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    agreed = answer is None or answer["opinion"] == "agree"
    return {"outcome": "granted" if agreed else "denied", "receipt": accepted["receipt"]}


async def _close(case_no: str, decision: dict[str, Any]) -> dict[str, Any]:
    return {**decision, "certificate": f"C-{case_no}", "closed_at": datetime.now().astimezone().isoformat()}


app = restate.app([case, intake, department, task])
