"""A rating reaches the department once, whatever the wire does short of losing what it has confirmed."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, CASE, RATING, Key
from liangwang.changes import Change
from liangwang.domain.case import RatingReceived
from liangwang.domain.history import Recorded
from liangwang.domain.rating import Rated
from liangwang.services.telling_ratings import TellingRatings
from liangwang.store import Stored

from tests.functional.city import OUTAGE
from tests.functional.test_any_interleaving import Course, courses

RATE = st.tuples(st.just("rate"), st.integers(0, 7), st.integers(1, 5))


class Rating(Course):
    """A course in which people rate what has ended; what follows in intake may come again and at any time."""

    def __init__(self):
        super().__init__()
        self.given = {}

    def rate(self, number, code):
        """As ``services/ratings.py`` has it: after the end, once."""
        if not self.cases:
            return
        case_no = self.cases[number % len(self.cases)]
        state = self.city.state("intake", APPLICATION, case_no)
        if state.is_terminal and state.has_heard_all:
            self.given.setdefault(case_no, code)
            self.follow()

    def follow(self):
        """The stream of intake, from its beginning: what was rated is told."""
        changes = [Change(Stored(key), stored, stored.history) for key, stored in self._ratings()]
        TellingRatings(self.city.stores["intake"]).take(changes, self.city.now)

    def _ratings(self):
        for case_no, code in self.given.items():
            rated = Rated(
                owner="citizen",
                by="citizen",
                code=code,
                tags=(),
                comment={},
                department="D",
                task_code="t",
                task_version=1,
                at=self.city.now,
            )
            key = Key(RATING.name, case_no)
            yield key, Stored(key, (Recorded(self.city.now, "rate", rated),))


@settings(max_examples=60)
@given(courses("keep", rounds=8), st.lists(st.tuples(RATE, courses("keep", rounds=1)), max_size=4))
def test_each_rating_is_on_its_case_once_and_the_case_stays_as_it_ended(actions, later):
    course = Rating()
    for action in actions:
        course.play(action)
    assert course.city.settle()
    for rate, more in later:
        course.play(rate)
        for action in more:
            course.play(action)
    course.city.aws.faults.clear()
    endings = {case_no: course.city.endings(case_no)[1] for case_no in course.given}
    with suppress(*OUTAGE):
        course.follow()
    assert course.city.settle()
    for case_no, code in course.given.items():
        told = [one.event for one in course.city.history("department", CASE, case_no)]
        assert [one.rating.code for one in told if isinstance(one, RatingReceived)] == [code]
        state = course.city.state("department", CASE, case_no)
        assert (state.rating, state.status) == (code, endings[case_no])
        assert course.city.state("intake", APPLICATION, case_no).is_at_rest
