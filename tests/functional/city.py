"""The three systems in one process: real services and handlers' code, fakes outside, and a clock that is set by hand.

A ``City`` is driven one small step at a time (a few stream records, a few Kafka records of one partition, one sweep), so
that a test can interleave, repeat and lose whatever the wire could. ``settle`` then lets everything run its course.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from liangwang import working_calendar
from liangwang.aggregates import APPLICATION, CASE, COLLABORATION, LEDGER, TASK, Key
from liangwang.aws import AwsError
from liangwang.catalogue import load, load_responsibilities, load_supervision
from liangwang.consuming import consume
from liangwang.domain.approval import CompleteStep, ReturnStep
from liangwang.domain.course import waits_for_clerk
from liangwang.domain.errors import DomainError
from liangwang.domain.officer_acceptance import AcceptCase, AskedPoint, RequestSupplement, TransferCase
from liangwang.domain.patience import Patience
from liangwang.domain.procedures import AskForProcedure
from liangwang.domain.question import AskOthers, HandAsk, Wording
from liangwang.domain.steps import open_steps
from liangwang.domain.task import Report
from liangwang.domain.validity import NEWEST
from liangwang.exchange import ExchangeError
from liangwang.fakes import FakeAws, FakeExchange, FakeProducer, kafka_event
from liangwang.fakes.kafka import PARTITIONS
from liangwang.http import Caller, Request
from liangwang.intakes import IntakeSystem
from liangwang.rules import Rules
from liangwang.sealing import Sealing
from liangwang.services.acceptance_desk import AcceptanceDesk
from liangwang.services.approval import Approval
from liangwang.services.assistance import AskForExtension, Assistance, Decline
from liangwang.services.case_requests import CaseCollaboration, RequestReason
from liangwang.services.centre import Centre
from liangwang.services.decisions import Decisions
from liangwang.services.department import Department
from liangwang.services.exchange import ExchangeApi
from liangwang.services.handback import Handback
from liangwang.services.intake import Apply, Intake, Supplement, Withdrawal
from liangwang.services.intake_gates import Gate, Gates
from liangwang.services.orders import Orders
from liangwang.services.oversight import Oversight
from liangwang.services.own_cases import OwnCases
from liangwang.services.own_tasks import OwnTasks
from liangwang.services.procedures import ProcedureResult, Procedures, Rejection
from liangwang.services.publisher import Publisher
from liangwang.services.reconciler import Reconciler
from liangwang.services.redelivery import Redelivery
from liangwang.services.relay import NotCarried, Relay
from liangwang.services.requester import Requester
from liangwang.services.supervision import Supervision, wakers
from liangwang.store import Conflict, Store

CATALOGUE = Path(__file__).parents[2] / "layers" / "catalogue"
RULES = Rules()  # compiled expressions are worth keeping
CALENDAR = working_calendar.load(CATALOGUE)
SYSTEMS = ("intake", "governance", "department")
MORNING = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)
QUESTION, QUESTION_WITHIN = (
    AskOthers(asks=(HandAsk(capability=capability, question=Wording(zh="示例：是否符合要求？")),), days=2)
    for capability in ("site-verification", "fire-inspection")
)
"""What an officer asks in a case, and for a task; asked of who has the task itself it is refused as a circle."""

OUTAGE = (AwsError, Conflict, ExchangeError, NotCarried)
"""What a poller or a client answers by coming again."""


class City:
    """Intake, governance and department with one fake AWS (a table each), one fake Kafka and the exchange between."""

    def __init__(self) -> None:
        self.now = MORNING
        self.catalogue = load(CATALOGUE)
        self.aws = FakeAws()
        self.producer = FakeProducer()
        patience = Patience(first=timedelta(minutes=5), longest=timedelta(days=1))
        self.stores = {name: Store(self.aws, name, patience=patience, writers=1) for name in SYSTEMS}
        self.sealing = sealing = Sealing(self.aws, key_prefix="alias/")
        organisation = self.catalogue.organisation
        self.intake = Intake(self.stores["intake"], self.catalogue, sealing)
        self.exchange = FakeExchange(ExchangeApi(self.stores["intake"]), clock=self.clock)
        self.gates = Gates(
            self.stores["governance"],
            [Gate(IntakeSystem(name="intake"), self.exchange)],
            clock=self.clock,
            chance=lambda: 0.5,
        )
        self.relay = Relay(self.stores["governance"], self.gates, self.producer, clock=self.clock)
        self.reconciler = Reconciler(
            self.stores["governance"],
            self.gates,
            self.relay,
            CALENDAR,
            tolerance=timedelta(minutes=15),
            clock=self.clock,
        )
        self.department = Department(self.catalogue, RULES, CALENDAR)
        self.approval = Approval(OwnCases(self.stores["department"], self.department))
        self.acceptance = AcceptanceDesk(OwnCases(self.stores["department"], self.department), sealing)
        self.decisions = Decisions(OwnCases(self.stores["department"], self.department))
        self.orders = Orders(OwnCases(self.stores["department"], self.department), load_supervision(CATALOGUE))
        self.oversight = Oversight(self.stores["governance"], organisation)
        self.procedures = Procedures(OwnCases(self.stores["department"], self.department))
        self.assistance = Assistance(OwnTasks(self.stores["department"], organisation, CALENDAR))
        self.collaboration = CaseCollaboration(OwnCases(self.stores["department"], self.department))
        self.requester = Requester(self.stores["department"], self.department, sealing, clock=self.clock)
        self.centre = Centre(self.stores["governance"], load_responsibilities(CATALOGUE), CALENDAR)
        self.handback = Handback(self.stores["governance"], self.gates, organisation=organisation, clock=self.clock)
        self.redelivery = Redelivery(self.stores["governance"], self.gates, clock=self.clock)
        self.publisher = Publisher(self.producer)
        due = wakers(self.department, CATALOGUE)
        self.supervision = {
            name: Supervision(self.stores[name], due, clock=self.clock) for name in ("governance", "department")
        }
        self.consumers = {
            "applications": ("department", self.department.route, None),
            "collaboration-requests": ("governance", self.centre.route, None),
            "collaboration-tasks": ("department", self.assistance.route, None),
            "collaboration-reports": ("governance", self.centre.route, None),
            "collaboration-results": ("department", self.requester.route, self.requester.disclose),
            "acceptances": ("governance", self.handback.route, self.handback.deliver),
            "approvals": ("governance", self.handback.route, self.handback.deliver),
        }
        self.read = {(topic, partition): 0 for topic in self.consumers for partition in range(PARTITIONS)}
        self.streamed = dict.fromkeys(SYSTEMS, 0)

    def clock(self) -> datetime:
        """What time it is in the city."""
        return self.now

    def later(self, **by: float) -> None:
        """Moves the clock on."""
        self.now += timedelta(**by)

    # ------------------------------------------------------------------ the citizen

    def ask(self, subject, *, body=None, key="", case_no="", role="citizen", task_id="", department=""):
        """A request as a route gets it."""
        return Request(
            route=type(body).__name__,
            caller=Caller(subject=subject, role=role, department=department, applicant_type="2", level=2),
            path={"case_no": case_no, "task_id": task_id},
            query={},
            headers={"idempotency-key": key} if key else {},
            body=body,
            now=self.now,
        )

    def apply(
        self, task_code, *, place="990101001", form=None, without=(), more=(), promises=(), key="1", subject="citizen"
    ):
        """Applies as the item's example does, but for changes in the form and in the materials; the case number."""
        item = self.catalogue.items[task_code]
        wish = Apply(
            task_code=task_code,
            place=place,
            form={**item.example.form, **(form or {})},
            materials=(*(code for code in item.example.materials if code not in (*without, *promises)), *more),
            promises=promises,
            allow_duplicate=True,
        )
        request = self.ask(subject, body=wish, key=key)
        applicant_type = str(item.audience[0])
        request = request._replace(
            caller=Caller(subject=subject, role="citizen", applicant_type=applicant_type, level=2)
        )
        return self.intake.apply(request).case_no

    def supplement(self, case_no, *, form=None, materials=(), key="s", subject="citizen"):
        """Answers the supplement notice, as it must be: to the point."""
        wish = Supplement(form=form or {}, materials=tuple(materials))
        return self.intake.supplement(self.ask(subject, body=wish, key=key, case_no=case_no))

    def answer(self, case_no, *, key="s"):
        """Answers every point of the notice: fields as the item's example has them."""
        state = self.state("intake", APPLICATION, case_no)
        item = self.catalogue.items[state.submitted.task_code]
        asked = [point.field for point in state.notice.points] if state.notice else []
        codes = {material.code for material in item.materials}
        form = {name: item.example.form[name] for name in asked if name not in codes}
        return self.supplement(case_no, form=form, materials=[code for code in asked if code in codes], key=key)

    def keep_promises(self, case_no, *, key=""):
        """Hands in what was promised for later."""
        state = self.state("intake", APPLICATION, case_no)
        return self.supplement(case_no, materials=[one.material for one in state.promised], key=key)

    def withdraw(self, case_no, *, key="w", subject="citizen"):
        """Withdraws a case."""
        return self.intake.withdraw(
            self.ask(subject, body=Withdrawal(reason="changed plans"), key=key, case_no=case_no)
        )

    def follow(self, case_no, *, subject="citizen"):
        """The case as its applicant sees it."""
        return self.intake.follow(self.ask(subject, case_no=case_no))

    # ------------------------------------------------------------------ the clerks

    def open_tasks(self):
        """Task ids that wait for a supporting department."""
        return [key.id for key, state in self.states("department", TASK) if state.is_open]

    def open_cases(self):
        """Case numbers that wait for a clerk."""
        found = self.states("department", CASE)
        return [key.id for key, state in found if waits_for_clerk(state, self.department.item(state.application))]

    def received_cases(self):
        """Case numbers that wait for an officer's acceptance."""
        return [key.id for key, state in self.states("department", CASE) if state.status == "received"]

    def officer(self, case_no, act, body, *, clerk="officer", key="", department=""):
        """An officer of the case's department does one of what ``AcceptanceDesk`` can."""
        at = department or self.state("department", CASE, case_no).department
        request = self.ask(clerk, body=body, role="clerk", case_no=case_no, department=at, key=key)
        return getattr(self.acceptance, act)(request)

    def do_acceptance(self, case_no):
        """An officer accepts, whatever rules find."""
        return self.officer(case_no, "accept", AcceptCase(explanation="as the file says"))

    def do_transfer(self, case_no, *, key="", department=""):
        """An officer hands the case over to another department that handles the item: the next one in the city."""
        state = self.state("department", CASE, case_no)
        capability = self.department.item(state.application).capability
        able = [one.code for one in self.catalogue.organisation.departments if one.answers_for(capability, NEWEST)]
        at = department or state.department
        to = able[(able.index(at) + 1) % len(able)]
        return self.officer(case_no, "transfer", TransferCase(to=to, reason="theirs"), key=key, department=at)

    def do_notice(self, case_no, fields, *, arose_from=""):
        """An officer asks for a supplement of these fields and materials."""
        points = tuple(AskedPoint(field=name, reason="mend it", arose_from=arose_from) for name in fields)
        return self.officer(case_no, "request_supplement", RequestSupplement(points=points))

    def do_task(self, task_id, act, *, explanation="seen on site", question=QUESTION_WITHIN):
        """``act`` is sign, decline, agree, disagree, time (more of it) or task (ask others for it)."""
        department = self.state("department", TASK, task_id).task.department
        acts = {
            "sign": (self.assistance.sign, None),
            "decline": (self.assistance.decline, Decline(reason="not ours")),
            "time": (self.assistance.request_extension, AskForExtension(days=1, reason="示例：雨天")),
            "task": (self.assistance.ask, question),
        }
        route, body = acts.get(act) or (self.assistance.report, Report(opinion=act, explanation=explanation))
        return route(self.ask("helper", body=body, role="clerk", task_id=task_id, department=department))

    def ask_others(self, case_no, *, clerk="clerk-0", question=QUESTION):
        """An officer of the case asks others."""
        department = self.state("department", CASE, case_no).department
        request = self.ask(clerk, body=question, role="clerk", case_no=case_no, department=department)
        return self.collaboration.ask(request)

    def about_request(self, act, case_no, request_id, *, clerk="clerk-0"):
        """``act`` is urge or cancel, by an officer of the case."""
        department = self.state("department", CASE, case_no).department
        body = RequestReason(reason="示例")
        request = self.ask(clerk, body=body, role="clerk", case_no=case_no, department=department)
        path = {"case_no": case_no, "request_id": request_id}
        return getattr(self.collaboration, act)(request._replace(path=path, route=act))

    def do_step(self, case_no, opinion="agree"):
        """Who has the first open step in hand, or an officer who has not acted yet, completes it."""
        state = self.state("department", CASE, case_no)
        step = open_steps(state, self.department.item(state.application))[0]
        body = CompleteStep(step=step.key, opinion=opinion, explanation="as the file says")
        clerk = state.officers.get(step.key) or f"clerk-{len(state.steps)}"
        return self.approval.complete(
            self.ask(clerk, body=body, role=step.role or "clerk", case_no=case_no, department=state.department)
        )

    def go_back(self, case_no, step, to, *, subject, role="clerk"):
        """An officer returns a case from one step to another."""
        department = self.state("department", CASE, case_no).department
        body = ReturnStep(to=to, reason="示例：材料看错")
        request = self.ask(subject, body=body, role=role, case_no=case_no, department=department)
        return self.approval.go_back(request._replace(path={"case_no": case_no, "step": step}))

    def change_decision(self, act, case_no, body, *, subject="head", key=""):
        """A supervisor of the case's department does one of what ``Decisions`` can."""
        department = self.state("department", CASE, case_no).department
        request = self.ask(subject, body=body, role="supervisor", case_no=case_no, department=department, key=key)
        return getattr(self.decisions, act)(request)

    def procedure(self, act, case_no, *, number=1, kind="inspection", days=0, words="示例", subject="", key=""):
        """``act`` is ask, approve, reject or end, by whoever usually does it; the ledger after it."""
        state = self.state("department", CASE, case_no)
        region = self.catalogue.organisation.department[state.department].region
        head = {"role": "supervisor", "department": state.department}
        if act in ("approve", "reject") and any(one.kind == "extension" for one in state.asked):
            item = self.department.item(state.application)
            if item.extension.approved_by == "government":
                head = {"role": "operator", "region": region}
        officer = {"role": "clerk", "department": state.department}
        body, who = {
            "ask": (AskForProcedure(kind=kind, days=days, reason=words), officer),
            "approve": (None, head),
            "reject": (Rejection(reason=words), head),
            "end": (ProcedureResult(result=words), officer),
        }[act]
        request = self.ask(subject or who["role"], body=body, role=who["role"], case_no=case_no, key=key)
        caller = Caller(subject=subject or who["role"], **who)
        path = {"case_no": case_no, "procedure_id": f"{case_no}-T{number}"}
        route = f"{act} {path['procedure_id']}"
        return getattr(self.procedures, act)(request._replace(caller=caller, path=path, route=route))

    # ------------------------------------------------------------------ the wire

    def stream(self, system, count=1000, *, lose=False, keep=False):
        """Hands the next changes of a table to its function; ``lose`` skips them, ``keep`` delivers them again later."""
        start = self.streamed[system]
        records = self.aws.dynamodb.event(system, start=start, stop=start + count)["Records"]
        if not records:
            return 0
        done = len(records)
        if not lose:
            done = self._hand_over(system, records)
        if not keep:
            self.streamed[system] = start + done
        return done

    def _hand_over(self, system, records):
        if system == "intake":
            new = [record for record in records if "pending" in record["dynamodb"]["NewImage"]]
            try:
                if new:
                    self.relay.handle({"Records": new})
            except OUTAGE:
                return 0
            return len(records)
        failures = self.publisher.publish({"Records": records})["batchItemFailures"]
        sequences = [record["dynamodb"]["SequenceNumber"] for record in records]
        return sequences.index(failures[0]["itemIdentifier"]) if failures else len(records)

    def kafka(self, topic, partition, count=1000, *, lose=False, keep=False):
        """Hands the next records of a partition to the topic's function; ``lose`` and ``keep`` as for ``stream``."""
        start = self.read[topic, partition]
        records = self.producer.log(topic, partition)[start : start + count]
        if not records:
            return 0
        done = len(records)
        if not lose:
            system, route, then = self.consumers[topic]
            try:
                answer = consume(
                    kafka_event(records),
                    consumer=f"{system}/{topic}",
                    store=self.stores[system],
                    route=route,
                    then=then,
                    clock=self.clock,
                )
            except OUTAGE:
                return 0
            failed = [one["itemIdentifier"]["offset"] for one in answer["batchItemFailures"]]
            done = min(failed) - start if failed else len(records)
        if not keep:
            self.read[topic, partition] = start + done
        return done

    def wipe_broker(self):
        """Kafka starts empty; consumers begin at the first record again."""
        self.producer.wipe()
        self.read = dict.fromkeys(self.read, 0)

    def sweep(self, what):
        """One run of a schedule: ``relay``, ``redelivery``, ``reconciliation``, ``governance`` or ``department``."""
        with suppress(*OUTAGE):
            if what == "relay":
                self.relay.handle({})
            elif what == "reconciliation":
                self.reconciler.run({"reconcile": True})
            elif what == "redelivery":
                self.redelivery.sweep({})
            else:
                self.supervision[what].sweep({})

    def pump(self):
        """Carries what is on the way until nothing is."""
        self.flow(())

    def flow(self, fates):
        """Carries all that is on the way, hand-over by hand-over; the first ones meet these fates.

        A fate is ``deliver``, ``keep`` (delivered, and again later) or ``lose``.
        """
        waiting = list(fates)
        moved = True
        while moved:
            moved = False
            for place in (*SYSTEMS, *self.read):
                fate = waiting[0] if waiting else "deliver"
                settings = {"lose": fate == "lose", "keep": fate == "keep"}
                done = self.stream(place, **settings) if place in SYSTEMS else self.kafka(*place, **settings)
                if done and waiting:
                    waiting.pop(0)
                moved = moved or done > 0

    # ------------------------------------------------------------------ looking at it

    def states(self, system, kind):
        """(key, state) of all aggregates of a kind, in the order of their creation."""
        names = [Key.parse(name) for name in self.aws.dynamodb.tables.get(system, {})]
        wanted = [key for key in names if key.kind == kind.name]
        loaded = self.stores[system].load(wanted) if wanted else {}
        return [(key, loaded[key].state) for key in wanted]

    def history(self, system, kind, identity):
        """The recorded events of one aggregate."""
        key = Key(kind.name, identity)
        return self.stores[system].load([key])[key].history

    def state(self, system, kind, identity):
        """The state of one aggregate; None when it does not exist."""
        key = Key(kind.name, identity)
        return self.stores[system].load([key])[key].state

    def endings(self, case_no):
        """The terminal state of a case in the three systems; None where it has none."""
        views = (
            self.state("intake", APPLICATION, case_no),
            self.state("department", CASE, case_no),
            self.state("governance", LEDGER, case_no),
        )
        words = [getattr(view, "state", None) or getattr(view, "status", None) for view in views]
        return tuple(
            word if view is not None and view.is_terminal else None for view, word in zip(views, words, strict=True)
        )

    def is_settled(self):
        """Whether every case has ended everywhere and nobody works on anything any more."""
        cases = [key.id for key, _ in self.states("intake", APPLICATION)]
        concluded = all(state.conclusion for _, state in self.states("governance", COLLABORATION))
        waiting = [item for table in self.aws.dynamodb.tables.values() for item in table.values() if "wake" in item]
        return (
            concluded and not waiting and not self.open_tasks() and all(None not in self.endings(one) for one in cases)
        )

    def settle(self, *, rounds=40):
        """Faults are over: schedules run, people do their work, time passes. Answers whether everything ended."""
        self.aws.faults.clear()
        self.producer.faults.clear()
        self.exchange.faults.clear()
        for _ in range(rounds):
            for what in ("relay", "redelivery", "governance", "department"):
                self.sweep(what)
            self.pump()
            self._work()
            self.pump()
            if self.is_settled():
                return True
            self.later(hours=7)
        return False

    def _work(self):
        for case_no, state in [(key.id, state) for key, state in self.states("intake", APPLICATION)]:
            if state.status == "supplementing":
                with suppress(DomainError):
                    self.answer(case_no, key="")
            elif state.promised:
                with suppress(DomainError):
                    self.keep_promises(case_no)
        self.pump()
        for case_no in self.received_cases():
            self.do_acceptance(case_no)
        self.pump()
        for task_id in self.open_tasks():
            self.do_task(task_id, "agree")
        self.pump()
        for _ in range(3):
            for case_no in self.open_cases():
                self.do_step(case_no)
