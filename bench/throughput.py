"""Cases per second from end to end: apply, accept, for 30 % ask one department and wait for its reply, approve, close.

Eight clients apply as fast as they are answered; clerks of the asked departments reply over HTTP as soon as they see a
task. The clock runs from the first application to the last final word at intake.
"""

from __future__ import annotations

import time

from liangwang import catalogue

from bench.work import Work
from local import demo, players
from local.api import Api
from local.players import Scenario
from local.stack import Stack

MIX = (
    Scenario(item="elderly-card", weight=7),
    Scenario(item="individual-business-registration", form={"premises_kind": "home"}, weight=3),
)


class Run:
    """One measured run: the demo's report and what it took."""

    def __init__(self, stack: Stack, api: Api, cases: int, *, seed: int) -> None:
        known = catalogue.load(stack.config.catalogue)
        lot = players.wishes(cases, known, seed=seed, chosen=MIX)
        work = Work(stack)
        self.report = demo.play(stack, lot, moods=False, api=api)
        if not self.report.is_clean:
            raise SystemExit(f"the run is not clean, so its figures mean nothing: {self.report}")
        time.sleep(0.5)  # the last log lines
        self.work = work.counts()
