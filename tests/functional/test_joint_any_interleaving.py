"""Whatever happens on the way, every member of every joint application ends exactly once.

A random course of events: citizens apply and withdraw; departments decide; stream records come in parts, twice or never; calls
are refused, or are carried out and their answers lost, which is what dying between two writes comes to. Then the faults
end, the schedule runs, departments decide what is open, and the books must agree.
"""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import event, given, note, settings
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, JOINT, Key
from liangwang.aws import AwsError
from liangwang.blind import BlindIndex
from liangwang.catalogue import load
from liangwang.domain import application, joint_item
from liangwang.domain import messages as m
from liangwang.domain.errors import DomainError
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, Fault
from liangwang.http import Caller, Request
from liangwang.processing import Command, perform
from liangwang.sealing import Sealing
from liangwang.services.followup import FollowUp
from liangwang.services.intake import Intake
from liangwang.services.joint import JointApplications, JointApply, JointWithdrawal
from liangwang.services.joint_progress import JointFollowing, JointProgress
from liangwang.store import Conflict, Store
from liangwang.vault import Vault

from tests.conftest import REPOSITORY

CATALOGUE = load(REPOSITORY / "layers" / "catalogue")
MORNING = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)
OUTAGE = (AwsError, Conflict)
REACHED = {"granted", "denied", "refused", "withdrawn"}
NEVER = {"not_possible", "stopped"}


class Town:
    """Intake with joint applications over one fake AWS, and departments that answer when they are told to."""

    def __init__(self):
        self.now = MORNING
        self.aws = FakeAws()
        self.store = Store(self.aws, "intake", patience=Patience(), writers=1)
        self.keys = {}
        self.read = 0
        self.start()

    def start(self):
        """A new process: nothing in memory."""
        index = BlindIndex(lambda: b"0" * 32, digest="HMAC-SHA-256")
        vault = Vault(self.store, self.aws, key="alias/personal", index=index, clock=lambda: self.now)
        intake = Intake(self.store, CATALOGUE, Sealing(self.aws, key_prefix="alias/"))
        self.door = JointApplications(self.store, CATALOGUE, vault, intake)
        following = JointFollowing(self.store, JointProgress(self.store, CATALOGUE, vault, intake))
        self.following = FollowUp([following], clock=lambda: self.now)

    def ask(self, body, *, key="", **path):
        caller = Caller(subject="citizen", role="citizen", applicant_type="1", level=2)
        headers = {"idempotency-key": key} if key else {}
        return Request("route", caller, path, {}, headers, body, self.now)

    def apply(self, code, with_optional, key):
        joint = CATALOGUE.joint[code]
        members = joint_item.chosen(joint, [one.item for one in joint.members if one.optional and with_optional])
        fields = joint_item.form(members, CATALOGUE.items)["properties"]
        form = {name: joint.example.form[name] for name in fields}
        optional = tuple(one.item for one in members if one.optional)
        wish = JointApply(place="990101001", form=form, optional=optional, allow_duplicate=True)
        return self.door.apply(self.ask(wish, key=key, joint_code=code)).joint_no

    def withdraw(self, number, *items):
        self.door.withdraw(self.ask(JointWithdrawal(items=items), joint_no=number))

    def stream(self, count, *, fate):
        """Some records come: once, once more later, or never."""
        records = self.aws.dynamodb.event("intake", start=self.read, stop=self.read + count)
        if fate != "lose" and records["Records"]:
            self.following.handle(records)
        if fate != "keep":
            self.read += len(records["Records"])

    def cases(self):
        names = [Key.parse(name) for name in self.aws.dynamodb.tables.get("intake", {})]
        return self.store.load([key for key in names if key.kind == APPLICATION.name])

    def joints(self):
        names = [Key.parse(name) for name in self.aws.dynamodb.tables.get("intake", {})]
        return {key.id: one.state for key, one in self.store.load([k for k in names if k.kind == JOINT.name]).items()}

    def decide(self, case, outcome):
        """The department's last word on a case; the wish to withdraw counts where there is one."""
        submitted = case.state.submitted
        common = {"case_no": submitted.case_no, "department": submitted.department, "told": 1}
        withdrawing = case.state.status == "withdrawing"
        if outcome == "refused" and not withdrawing:
            word = m.CaseRefused(**common, refusal_doc_no="R", reasons=())
        else:
            number = f"C-{submitted.case_no}" if outcome == "granted" and not withdrawing else None
            word = m.CaseDecided(**common, outcome="withdrawn" if withdrawing else outcome, certificate_no=number)
        command = Command(
            case.key, "word", lambda state, now: application.progress(state, sequence=1, at=now, message=word)
        )
        perform(self.store, [command], self.now)[0].stored()

    def settle(self):
        """Faults are over: schedules run, departments decide, time passes."""
        self.aws.faults.clear()
        for _ in range(60):
            self.following.handle({})
            if all(state.has_ended for state in self.joints().values()):
                return True
            for case in self.cases().values():
                if not case.state.is_terminal:
                    self.decide(case, "granted")
            self.now += timedelta(hours=7)
        return False


COUNT = st.sampled_from((1, 2, 1000))
FATE = st.sampled_from(("deliver", "deliver", "keep", "lose"))
OUTCOME = st.sampled_from(("granted", "granted", "granted", "denied", "refused"))
FAULT = st.builds(
    Fault,
    st.sampled_from(("PutItem", "PutItem", "PutItem", "BatchGetItem", "Query", "GenerateDataKey", "Decrypt")),
    st.sampled_from(("refused", "lost")),
)
ACTION = st.one_of(
    st.tuples(st.just("stream"), COUNT, FATE),
    st.tuples(st.just("stream"), COUNT, FATE),
    st.tuples(st.just("decide"), st.integers(0, 9), OUTCOME),
    st.tuples(st.just("decide"), st.integers(0, 9), OUTCOME),
    st.tuples(st.just("withdraw"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("fault"), st.lists(FAULT, min_size=1, max_size=3)),
    st.tuples(st.just("again"), st.integers(0, 2)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("sweep"), st.sampled_from((1, 6, 60 * 30))),
)
WISHES = st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE.joint)), st.booleans()), min_size=1, max_size=3)


class Course:
    """Plays actions on a town."""

    def __init__(self, wishes):
        self.town = Town()
        self.wishes = [(code, optional, f"key-{position}") for position, (code, optional) in enumerate(wishes)]

    def play(self, action):
        name, *values = action
        with suppress(DomainError, *OUTAGE):
            getattr(self, name)(*values)

    def stream(self, count, fate):
        self.town.stream(count, fate=fate)

    def decide(self, number, outcome):
        open_cases = [case for case in self.town.cases().values() if not case.state.is_terminal]
        if open_cases:
            self.town.decide(open_cases[number % len(open_cases)], outcome)

    def withdraw(self, number, which):
        joints = list(self.town.joints().items())
        if joints:
            joint_no, state = joints[number % len(joints)]
            codes = [member.task_code for member in state.members]
            self.town.withdraw(joint_no, *(codes[which : which + 1]))

    def fault(self, faults):
        self.town.aws.faults.extend(faults)

    def again(self, number):
        """A client that had no answer sends its wish again, within the day that a key counts for."""
        if self.town.now < MORNING + timedelta(hours=20):
            self.town.apply(*self.wishes[number % len(self.wishes)])

    def restart(self):
        self.town.start()

    def sweep(self, minutes):
        self.town.now += timedelta(minutes=minutes)
        self.town.following.handle({})


def submitted_before_its_time(state, cases):
    """Members that were submitted although a member before them was not granted."""
    by_code = {member.task_code: member for member in state.members}
    for member in state.members:
        case = cases.get(Key(APPLICATION.name, member.case_no))
        for before in member.after if case is not None else ():
            first = cases[Key(APPLICATION.name, by_code[before].case_no)].state
            if first.status != "granted":
                yield member.task_code


@settings(max_examples=150, deadline=None)
@given(wishes=WISHES, faults=st.lists(FAULT, max_size=6), actions=st.lists(ACTION, max_size=25))
def test_every_member_of_every_joint_application_ends_exactly_once(wishes, faults, actions):
    course = Course(wishes)
    town = course.town
    town.aws.faults.extend(faults)  # the first writes fail too
    for wish in course.wishes:
        for _ in range(8):  # a client tries until it has an answer
            with suppress(*OUTAGE):
                town.apply(*wish)
                break
        else:
            town.aws.faults.clear()
            town.apply(*wish)
    for action in actions:
        course.play(action)
    assert town.settle(), {number: state.members for number, state in town.joints().items()}
    cases, joints = town.cases(), town.joints()
    assert len(joints) == len(course.wishes)
    planned = Counter(member.case_no for state in joints.values() for member in state.members)
    assert set(planned.values()) == {1} and {key.id for key in cases} <= set(planned), "no case beside the plan"
    for state in joints.values():
        note(str([(member.task_code, member.state) for member in state.members]))
        for member in state.members:
            case = cases.get(Key(APPLICATION.name, member.case_no))
            assert (member.state in REACHED) == (case is not None), member
            assert member.state in REACHED | NEVER
            if case is not None:
                assert case.state.status == member.state
                assert sum(isinstance(one.event, m.ApplicationSubmitted) for one in case.history) == 1
        assert list(submitted_before_its_time(state, cases)) == []
        assert state.tokens == {} and state.look_at is None
        assert state.has_ended
        event(state.status)
    firsts = [case.state.joint for case in cases.values() if case.state.joint_first]
    assert sorted(firsts) == sorted(joints), "each counts once in the applicant's list"


def test_what_no_record_of_the_stream_tells_the_schedule_finds():
    """The way without any stream at all."""
    town = Town()
    number = town.apply("open-a-restaurant", True, "k")
    for _ in range(3):
        for case in town.cases().values():
            if not case.state.is_terminal:
                town.decide(case, "granted")
        town.now += timedelta(minutes=6)
        town.following.handle({})
    assert [member.state for member in town.joints()[number].members] == ["granted"] * 3


def test_dying_after_any_write_loses_nothing_and_makes_nothing_twice():
    """Each write in turn is carried out, and whoever made it dies before it knows."""
    for position in range(12):
        town = Town()
        died = 0
        writes = {"left": position}
        carry_out = town.aws.call

        def call(service, operation, request, *, writes=writes, carry_out=carry_out):
            answer = carry_out(service, operation, request)
            if operation == "PutItem":
                writes["left"] -= 1
                if writes["left"] == -1:
                    raise AwsError("Unreachable", "died here")
            return answer

        town.aws.call = call
        for _ in range(6):
            try:
                town.apply("open-a-restaurant", False, "k")
                town.stream(1000, fate="deliver")
                for case in town.cases().values():
                    if not case.state.is_terminal:
                        town.decide(case, "granted")
            except AwsError:
                died += 1
                town.start()
        assert town.settle(), position
        assert [member.state for state in town.joints().values() for member in state.members] == ["granted"] * 2
        assert len(town.cases()) == 2 and died <= 1
