"""What follows in intake: every step has its turn, whatever becomes of the others."""

from datetime import timedelta

import pytest
from liangwang.aws import AwsError, Unreachable
from liangwang.fakes import FakeAws
from liangwang.services.followup import FollowUp
from liangwang.services.turns import PATIENCE

from tests.unit.samples import NOON
from tests.unit.test_changes import ACCEPTED, RECEIVED, case, stream


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


def aged(age):
    event = stream(case(RECEIVED), case(RECEIVED, ACCEPTED))
    for record in event["Records"]:
        record["dynamodb"]["ApproximateCreationDateTime"] = (NOON - age).timestamp()
    return event


LATE, IN_TIME = PATIENCE + timedelta(seconds=1), PATIENCE - timedelta(seconds=1)


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


@pytest.mark.parametrize("event", [aged(IN_TIME), {}], ids=["stream", "schedule"])
def test_a_step_that_fails_leaves_the_others_their_turn_and_comes_again(event):
    poor, good = Step(ValueError("as the test wishes")), Step()
    with pytest.raises(ValueError, match="as the test wishes"):
        followup(poor, good).handle(event)
    assert len(good.taken) + len(good.swept) == 1


def test_an_empty_table_s_stream_is_nothing():
    step = Step()
    followup(step).handle(FakeAws().dynamodb.event("intake"))
    assert step.taken == [([], NOON)]


# ------------------------------------------------------------------ a step that always fails


class Poor(Step):
    """Stumbles over changes up to a version."""

    def __init__(self, error, *, until):
        super().__init__(error)
        self.until = until
        self.done = []

    def take(self, changes, now):
        for change in changes:
            if change.after.version <= self.until:
                raise self.error
        self.done += [change.after.version for change in changes]


def test_a_fault_of_ours_is_brought_again_for_as_long_as_people_need_to_mend_it():
    with pytest.raises(ValueError, match="a fault"):
        followup(Poor(ValueError("a fault"), until=1)).handle(aged(IN_TIME))


def test_then_the_step_lets_go_of_the_one_change_by_name_and_nothing_waits_for_it(capsysbinary):
    poor, good = Poor(ValueError("a fault"), until=1), Step()
    assert followup(poor, good).handle(aged(LATE)) == {"batchItemFailures": []}
    assert (poor.done, len(good.taken)) == ([2], 1)
    written = capsysbinary.readouterr().out.decode()
    assert f'"step":"Poor","left":"{case(RECEIVED).key}","version":1' in written
    assert '"set_aside":1' in written


@pytest.mark.parametrize(
    "error", [Unreachable("Timeout"), AwsError("ProvisionedThroughputExceededException"), OSError("no way")]
)
def test_what_a_service_refuses_is_brought_again_however_long_it_takes(error):
    with pytest.raises(type(error)):
        followup(Poor(error, until=1)).handle(aged(LATE))


def test_what_no_table_will_ever_take_is_no_refusal_that_passes():
    followup(Poor(AwsError("ValidationException"), until=1)).handle(aged(LATE))


def test_after_the_fix_an_item_is_given_to_every_step_anew():
    step, item = Step(), case(RECEIVED, ACCEPTED)
    again = FollowUp([step], load=lambda keys: dict.fromkeys(keys, item), clock=lambda: NOON)
    again.handle({"again": [str(item.key)]})
    ((changes, _),) = step.taken
    assert [(one.before.version, one.after, one.new) for one in changes] == [(0, item, item.history)]
