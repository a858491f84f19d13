"""A citizen's case on the deployed functions of intake: applied for, told of, ended; and the stream that follows it."""

import copy
import itertools
import json
from datetime import UTC, datetime, timedelta

from liangwang.aggregates import ACCOUNT, APPLICATION, MANDATE, Key
from liangwang.domain.account import Account
from liangwang.domain.mandate import Mandate
from liangwang.processing import Command, perform
from liangwang.wiring import shared

from tests.functional.functions import ENVIRONMENT, Functions, golden, init_phase

CITIZEN = {"subject": "zhang", "role": "citizen", "applicant_type": "1", "level": "2"}
STRANGER = {**CITIZEN, "subject": "li"}
GRANTED = ("case.decided", {"outcome": "granted"})
ACCEPTED = ("case.accepted", {"accept_doc_no": "A-1"})


class Citizens(Functions):
    """``follow`` gives the stream's new records to the function that follows; the department's word comes by ``tell``."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.followed = 0
        self._keys = itertools.count()

    def ask(self, function, route, caller, *, body=None, query=None, headers=None, **path):
        """The status and the document that a caller's request is answered with."""
        event = copy.deepcopy(golden("http_follow"))
        event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
        event["requestContext"]["authorizer"]["lambda"] = caller
        event["headers"] |= headers or {}
        if body is not None:
            event["body"] = json.dumps(body)
        return self.http(function, event)

    def apply(self, caller=CITIZEN, **changes):
        """A new case of the caller's; its number."""
        wish = {**json.loads(golden("http_apply")["body"]), **changes}
        key = {"idempotency-key": f"key-{next(self._keys)}"}
        status, view = self.ask("intake", "POST /api/applications", caller, body=wish, headers=key)
        assert status == 201, view
        return view["case_no"]

    def department(self, number):
        """The department that has the case."""
        key = Key(APPLICATION.name, number)
        return self.store("intake").load([key])[key].state.submitted.department

    def tell(self, number, *messages, first=1, at=None):
        """The department's messages (type, data), numbered from ``first``, as the centre hands them back.

        They are of one moment: ``at``, or now.
        """
        department = self.department(number)
        entries = [
            {
                "id": f"department/{number}/{sequence}",
                "type": kind,
                "case_no": number,
                "time": (at or datetime.now(UTC)).isoformat(),
                "data": {"type": kind, "case_no": number, "department": department, **data},
            }
            for sequence, (kind, data) in enumerate(messages, start=first)
        ]
        caller = {"subject": "governance", "role": "system"}
        status, receipt = self.ask("exchange", "POST /exchange/progress", caller, body={"progress": entries})
        assert (status, receipt["taken"]) == (200, len(entries)), receipt

    def follow(self, *, again=0):
        """Gives what is new in the stream to the function that follows, and ``again`` so many records before it."""
        event = self.aws.dynamodb.event("intake", start=max(0, self.followed - again))
        self.followed += len(event["Records"]) - min(again, self.followed)
        self.call("followup", event)

    def follow_all(self):
        """Until nothing new comes of it."""
        while self.followed < len(self.aws.dynamodb.streams.get("intake", ())):
            self.follow()

    def mandate(self, principal, agent, *, acts):
        """The principal lets the agent do these acts for an hour; in the place of a mandate before."""
        key, now = Key(MANDATE.name, f"{principal}.{agent}"), datetime.now(UTC)
        given = Mandate(principal=principal, agent=agent, acts=acts, given_at=now, expires_at=now + timedelta(hours=1))
        command = Command(key, f"seed/{next(self._keys)}", lambda state, at: [given])
        perform(self.store("intake"), [command], now)[0].stored()

    def register(self, person, **personal):
        """An account with these personal fields, sealed as identity seals them."""
        with init_phase(self.outside, {**ENVIRONMENT, "TABLE": "intake"}):
            sealed = shared.vault(self.aws).seal(person, personal)
        account = Account(role="citizen", password="-", personal=sealed)
        command = Command(Key(ACCOUNT.name, person), f"register/{person}", lambda state, at: [account])
        perform(self.store("intake"), [command], datetime.now(UTC))[0].stored()

    def send(self):
        """The notifier's schedule comes round. Answers what mail and text messages there are by then."""
        self.call("notifier", golden("schedule"))
        return [self.outside.providers[channel].sent for channel in ("mail", "sms")]

    def erase(self, person):
        """Destroys a person's keys; the functions start anew, so that none still has them in memory."""
        with init_phase(self.outside, {**ENVIRONMENT, "TABLE": "intake"}):
            shared.vault(self.aws).destroy(person)
        self._handlers.clear()

    def inbox(self, caller=CITIZEN, **query):
        """A caller's inbox."""
        status, document = self.ask("inbox", "GET /api/notifications", caller, query=query)
        assert status == 200, document
        return document

    def kinds(self, caller=CITIZEN):
        """What kinds of notifications a caller has, the oldest first."""
        return [one["kind"] for one in reversed(self.inbox(caller, limit="100")["notifications"])]

    def closed(self, caller=CITIZEN):
        """A case that has ended, told in full."""
        number = self.apply(caller)
        self.tell(number, ACCEPTED, GRANTED)
        return number
