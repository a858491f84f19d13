"""Plays all scenarios at once on one stage: the acts of all of them in the order of time, everything carried in between."""

from datetime import timedelta

from tests.scenarios.acts import NotYet, act, applies

LAST_DAY = 25
"""The working day by which everything has to have ended."""

LATER = timedelta(minutes=30)
TIMES = 40
"""Where messages are lost, what an act needs may come later: it is tried again, so often."""


class Run:
    """One scenario on the stage: what it has still to do, and what went otherwise than it is written."""

    def __init__(self, scenario, stage):
        self.scenario, self.stage = scenario, stage
        self.case_no = applies(stage, scenario) if scenario.apply else ""
        self.left = list(scenario.steps)
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
            status, answer = act(self.stage, self.scenario.name, self.case_no, step)
            wrong = "" if status == (step.refused or 200) else f"{status} {answer}"
        except NotYet as reason:
            wrong = str(reason)
        if wrong and not self.stage.manner.is_faithful and self._tries < TIMES:
            self._tries += 1
            self._postponed = self.stage.now + LATER
            return
        if wrong:
            self.wrong.append(f"day {step.day}, {step.who} {step.does}: {wrong}")
        self.left.pop(0)
        self._postponed, self._tries = None, 0


def play(stage, runs):
    """All scenarios from their first day to the last."""
    stage.carry()
    days = [stage.moment(day, at) for day in range(LAST_DAY + 1) for at in ("09:00", "18:00")]
    while days or any(run.left for run in runs):
        waiting = [run.due for run in runs if run.left]
        stage.passes(min(waiting + days[:1]))
        days = [day for day in days if day > stage.now]
        _wave(stage, runs)


def _wave(stage, runs):
    """Every scenario that has something to do now does one thing; what follows from it is carried; and again."""
    while ready := [run for run in runs if run.left and run.due <= stage.now]:
        for run in ready:
            run.step()
        stage.carry()
