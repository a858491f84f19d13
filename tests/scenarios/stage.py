"""The stage of the scenarios: every function of template.yaml as Lambda loads it, over one Kafka wire, with a clock set by hand.

What invokes what is read from the template, as the local runner reads it: topics with their filters, streams, schedules,
routes. Batches are built and answers understood by the runner's own rules (local.kafka_batch, local.stream_batch). Only
DynamoDB, KMS and HTTP between the systems are fakes.
"""

import copy
import json
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from urllib.parse import urlencode

from liangwang import clock as machine
from liangwang import working_calendar
from liangwang.aggregates import COLLABORATION, Key
from liangwang.catalogue import load
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeExchange
from liangwang.services.exchange import ExchangeApi
from liangwang.store import Store

from local import kafka_batch, stream_batch, template
from local.reconciliation import Tables
from tests.conftest import REPOSITORY
from tests.functional.functions import Functions, Outside, golden
from tests.scenarios.outsiders import outsiders

CATALOGUE = REPOSITORY / "layers" / "catalogue"
SYSTEMS = ("intake", "governance", "department")
OPENING = datetime(2027, 2, 11, 1, 0, tzinfo=UTC)
"""Nine o'clock in Shanghai on the Thursday after Spring Festival."""

BEFORE_MONDAY = 2
"""Day 0 is the Monday after the opening, six weeks before the next holiday; the two days before it are -2 and -1."""

TRIES = 8
"""How often a batch comes again before a scenario fails: nothing here is ever down."""

RESTLESS = 200
"""So many rounds of carrying have no end."""


@cache
def the_map():
    """template.yaml."""
    return template.load(REPOSITORY / "template.yaml")


def topics():
    """What Kafka has to hold."""
    return sorted({mapping.topic for mapping in the_map().kafka} | {"dead-letters"})


class OnTheWire(Outside):
    """Fakes for AWS; a real producer; the exchange at the stage's time."""

    def __init__(self, wire, clock):
        super().__init__()
        self._producer = wire
        self.clock = clock
        self._exchange = FakeExchange(ExchangeApi(Store(self._aws, "intake", patience=Patience())), clock=clock)


class Stage(Functions):
    """Three systems, one bus, one clock. ``carry`` moves what is on the way; ``passes`` lets time pass."""

    def __init__(self, wire, manner, catalogue=CATALOGUE):
        super().__init__(CATALOGUE_DIR=str(catalogue))
        self.now = self.opened = OPENING
        self.wire, self.manner = wire, manner
        self.outside = OnTheWire(wire, self.clock)
        self.aws, self.objects = self.outside.aws(), self.outside.objects()
        self.catalogue = load(catalogue)
        self.calendar = working_calendar.load(catalogue)
        self.tables = Tables(**{name: self.store(name) for name in SYSTEMS})
        self.outsiders = outsiders(self)
        self.links, self.told, self.files = {}, {}, {}
        self._routes = {route.key: route.function for route in the_map().routes}
        self._read = dict.fromkeys((mapping.name for mapping in the_map().streams), 0)
        self._waiting = {mapping.name: [] for mapping in the_map().kafka}

    def clock(self):
        """What time it is on the stage."""
        return self.now

    # ------------------------------------------------------------------ the functions

    def invoke(self, function, event):
        """A function of the template's, by its logical id."""
        defined = the_map().functions[function]
        table = defined.environment.get("TABLE", {}).get("Ref", "").removesuffix("Table").lower()
        return self.call(defined.folder.removeprefix("functions/"), event, table=table)

    def _load(self, name, table):
        """Hands the stage's clock to whatever in a function asks for the machine's."""
        handler = super()._load(name, table)
        for word, thing in list(handler.__globals__.items()):
            if word in ("serve", "consume"):
                handler.__globals__[word] = partial(thing, clock=self.clock)
            elif getattr(thing, "_clock", None) is machine.utc:
                thing._clock = self.clock
        return handler

    def ask(self, caller, route, path, body=None, query=None):
        """A request over HTTP as the authorizer lets it through: the status and the document."""
        event = copy.deepcopy(golden("http_follow"))
        event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
        event["rawQueryString"] = urlencode(query or {})
        event["requestContext"]["authorizer"]["lambda"] = caller
        if body is not None:
            event["body"] = json.dumps(body)
        answer = self.invoke(self._routes[route], event)
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else {}

    # ------------------------------------------------------------------ the wire

    def carry(self):
        """Carries what is on the way until nothing is. What never comes to rest is a fault."""
        moved, rounds = True, 0
        while moved:
            moved, rounds = False, rounds + 1
            assert rounds < RESTLESS, "messages go round and round"
            for mapping in the_map().streams:
                moved |= self._stream(mapping)
            self._arrive(self.wire.arrivals())
            for mapping in the_map().kafka:
                moved |= self._kafka(mapping)
            for outsider in self.outsiders.values():
                moved |= outsider.calls()

    def _arrive(self, records):
        for mapping in the_map().kafka:
            wanted = [one for one in records if one.topic == mapping.topic]
            wanted = [one for one in wanted if kafka_batch.wanted(mapping.patterns, one)]
            self._waiting[mapping.name] += [(record, 0) for record in wanted]
        for outsider in self.outsiders.values():
            outsider.reads(records)

    def _stream(self, mapping):
        """What is new on a table's stream, for one of its readers."""
        table = mapping.stream_arn["Fn::GetAtt"][0].removesuffix("Table").lower()
        stream = self.aws.dynamodb.streams.get(table, [])
        records = stream[self._read[mapping.name] :]
        self._read[mapping.name] = len(stream)
        wanted = [record for record in records if stream_batch.wanted(mapping.patterns, record)]
        for batch in self.manner.of_stream(wanted, mapping):
            event = stream_batch.event(
                batch, stream_arn=f"arn:aws:dynamodb:cn-north-1:000000000000:table/{table}/stream/0"
            )
            outcome = stream_batch.interpret(batch, self.invoke(mapping.function, event), report_failures=True)
            assert outcome.done == len(batch), (mapping.name, outcome)
        return bool(records)

    def _kafka(self, mapping):
        """What waits for one reader of a topic. What it reports comes again, as the runner has it come."""
        waiting, self._waiting[mapping.name] = self._waiting[mapping.name], []
        tries = dict(waiting)
        for batch in self.manner.of_topic([record for record, _ in waiting], mapping):
            event = kafka_batch.payload(batch, self.wire.cluster)
            answer = self.invoke(mapping.function, event)
            outcome = kafka_batch.interpret(batch, answer, report_failures=mapping.report_failures)
            again = [record for those in outcome.failed.values() for record in those]
            self._waiting[mapping.name] += [(record, tries.get(record, 0) + 1) for record in again]
            assert all(tries.get(record, 0) < TRIES for record in again), (mapping.name, outcome)
        return bool(waiting)

    # ------------------------------------------------------------------ time

    def sweep(self):
        """Every schedule comes round once."""
        for schedule in the_map().schedules:
            self.invoke(schedule.function, {**golden("schedule"), "time": self.now.isoformat()})
        self.carry()

    def passes(self, until):
        """Time passes until a moment, and the schedules with it."""
        self.now = max(self.now, until)
        self.sweep()
        for minutes in self.manner.patience:
            self.now += timedelta(minutes=minutes)
            self.sweep()

    def moment(self, day, at="09:00"):
        """A time of day (Shanghai) on a working day."""
        found = self.calendar.after(self.calendar.day_of(OPENING), day + BEFORE_MONDAY)
        hours, minutes = map(int, at.split(":"))
        return datetime.combine(found, OPENING.timetz()) + timedelta(hours=hours - 9, minutes=minutes)

    # ------------------------------------------------------------------ looking at it

    def states(self, table, kind):
        """(id, state) of all aggregates of a kind, in the order of their creation."""
        names = [Key.parse(name) for name in self.aws.dynamodb.tables.get(table, {})]
        wanted = [key for key in names if key.kind == kind.name]
        loaded = self.store(table).load(wanted) if wanted else {}
        return [(key.id, loaded[key].state) for key in wanted]

    def state(self, table, kind, identity):
        """The state of one aggregate; None when it does not exist."""
        key = Key(kind.name, identity)
        return self.store(table).load([key])[key].state

    def events_of(self, case_no):
        """The ids of a case's collaboration events, in the order they were raised; those of one moment by name."""
        names = [name for name, state in self.states("governance", COLLABORATION) if state.request.case_no == case_no]
        loaded = self.store("governance").load(Key(COLLABORATION.name, name) for name in names)
        return sorted(names, key=lambda name: (loaded[Key(COLLABORATION.name, name)].history[0].at, name))
