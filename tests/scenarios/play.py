"""Plays all scenarios at once on one stage: the acts of all of them in the order of time, everything carried in between."""

from datetime import timedelta

from liangwang.aggregates import CASE, TASK

from tests.scenarios.acts import CITIZEN, NotYet, act, agrees, applies, decides
from tests.scenarios.script import Step
from tests.scenarios.stage import BEFORE_MONDAY

LAST_DAY = 25
"""The working day by which everything has to have ended."""

DAYS_TO_FINISH = 10

LATER = timedelta(hours=3)
TIMES = 60
"""Where messages are lost, what an act needs may come days later: whoever waits asks daily in the end. So often it is tried
again, at the same hours for all: each moment costs a round of all schedules."""


class Run:
    """One scenario on the stage: what it has still to do, and what went otherwise than it is written."""

    def __init__(self, scenario, stage):
        self.scenario, self.stage = scenario, stage
        self.case_no = ""
        self.left = list(scenario.steps)
        if scenario.apply:
            self.left.insert(0, Step(day=scenario.apply.day, at=scenario.apply.at, who=CITIZEN, does="applies"))
        self.wrong = []
        self._postponed = None
        self._tries = 0

    @property
    def due(self):
        """When the next step is done; None when there is none."""
        if not self.left:
            return None
        step = self.left[0]
        return self._postponed or self.stage.moment(step.day, step.at)

    def step(self):
        """Does what is next, and what is done together with it."""
        self._one()
        while self.left and self.left[0].at_once:
            self._one()

    def _one(self):
        step = self.left[0]
        try:
            if step.does == "applies":
                self.case_no = applies(self.stage, self.scenario)
                self.left.pop(0)
                return
            status, answer = act(self.stage, self.scenario.name, self.case_no, step)
            self.case_no = self.case_no or self.stage.told.get(self.scenario.name, "")
            wrong = "" if status in ((step.refused,) if step.refused else (200, 201)) else f"{status} {answer}"
        except NotYet as reason:
            wrong = str(reason)
        if wrong and not self.stage.manner.is_faithful and self._tries < TIMES:
            self._tries += 1
            self._postponed = self.stage.opened + (1 + (self.stage.now - self.stage.opened) // LATER) * LATER
            return
        if wrong:
            self.wrong.append(f"day {step.day}, {step.who} {step.does}: {wrong}")
        self.left.pop(0)
        self._postponed, self._tries = None, 0


def play(stage, runs):
    """All scenarios from their first day to the last."""
    days = [stage.moment(day, at) for day in range(-BEFORE_MONDAY, LAST_DAY + 1) for at in ("09:00", "18:00")]
    while days or any(run.left for run in runs):
        waiting = [run.due for run in runs if run.left]
        stage.passes(min(waiting + days[:1]))
        days = [day for day in days if day > stage.now]
        _wave(stage, runs)
    if not stage.manner.is_faithful:
        _finish(stage)


def _finish(stage):
    """Where messages are lost a scenario may take another turn than it is written: people do what is left to do then."""
    for _ in range(DAYS_TO_FINISH):
        stage.passes(stage.now + timedelta(days=1))
        for name, state in stage.states("department", TASK):
            if state.is_open:
                agrees(stage, name, state.task.department)
        stage.carry()
        for case_no, state in stage.states("department", CASE):
            if state.status == "in_review":
                decides(stage, "", case_no, Step(day=0, who=state.department, does="decides"))
        stage.carry()


def _wave(stage, runs):
    """Every scenario that has something to do now does one thing; what follows from it is carried; and again."""
    while ready := [run for run in runs if run.left and run.due <= stage.now]:
        for run in ready:
            run.step()
        stage.carry()
