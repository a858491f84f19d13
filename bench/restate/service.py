"""The case as a Restate workflow: apply, accept, for some ask one department and wait for its reply, approve, close.

One workflow a case, keyed by its number: the run handler is executed once a key, each decision is a durable step, the
state stays to be looked at after the end, as our tables do. The department answers through an awakeable, as Restate's
documentation does it for people: a durable step hands the awakeable's id to the clerk, who resolves it over HTTP when
done. The applicant's call of the run handler returns with the end.

Run by ``bench/restate/server.py``; ``CLERK`` is the address to which asks are posted.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import restate
from liangwang.http_client import HttpClient

case = restate.Workflow("Case")
_clerk = HttpClient(os.environ.get("CLERK", "http://127.0.0.1:1"))


@case.main()
async def run(ctx: restate.WorkflowContext, application: dict[str, Any]) -> dict[str, Any]:
    """One case from the application to its end. Answers the decision."""
    ctx.set("application", application)
    accepted = await ctx.run_typed("accept", _accept, case_no=ctx.key(), application=application)
    ctx.set("accepted", accepted)
    answer = None
    if application["ask"]:
        reply: restate.RestateDurableFuture[dict[str, Any]]
        awakeable, reply = ctx.awakeable()
        await ctx.run_typed("ask", _ask, case_no=ctx.key(), awakeable=awakeable)
        answer = await reply
        ctx.set("answer", answer)
    decision = await ctx.run_typed("approve", _approve, accepted=accepted, answer=answer)
    ctx.set("decision", decision)
    closed = await ctx.run_typed("close", _close, case_no=ctx.key(), decision=decision)
    ctx.set("closed", closed)
    return closed


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


app = restate.app([case])
