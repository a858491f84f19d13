"""What follows in intake: every step has its turn, whatever becomes of the others."""

import pytest
from liangwang.fakes import FakeAws
from liangwang.services.followup import FollowUp

from tests.unit.samples import NOON
from tests.unit.test_changes import RECEIVED, case, stream


class Step:
    """Notes what it is given; fails when it is told to."""

    def __init__(self, error=None):
        self.error = error
        self.taken = []
        self.swept = []

    def take(self, changes, now):
        self.taken.append((changes, now))
        self._fail()

    def sweep(self, now):
        self.swept.append(now)
        self._fail()

    def _fail(self):
        if self.error:
            raise self.error


def followup(*steps):
    return FollowUp(steps, clock=lambda: NOON)


def test_a_step_is_given_the_changes_of_the_stream():
    step = Step()
    assert followup(step).handle(stream(case(RECEIVED))) == {"batchItemFailures": []}
    (([change], now),) = step.taken
    assert (change.after, now) == (case(RECEIVED), NOON)
    assert not step.swept


def test_a_schedule_s_event_is_a_sweep():
    step = Step()
    followup(step).handle({})
    assert step.swept == [NOON] and not step.taken


@pytest.mark.parametrize("event", [stream(case(RECEIVED)), {}], ids=["stream", "schedule"])
def test_a_step_that_fails_leaves_the_others_their_turn_and_comes_again(event):
    poor, good = Step(ValueError("as the test wishes")), Step()
    with pytest.raises(ValueError, match="as the test wishes"):
        followup(poor, good).handle(event)
    assert len(good.taken) + len(good.swept) == 1


def test_an_empty_table_s_stream_is_nothing():
    step = Step()
    followup(step).handle(FakeAws().dynamodb.event("intake"))
    assert step.taken == [([], NOON)]
