"""The deployed functions themselves: each ``app.py`` loaded as Lambda loads it, with fakes for what lies outside."""

import importlib.util
import itertools
import json
import os
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from liangwang import outside as real
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, FakeExchange, FakeObjects, FakeProducer, FakeSender
from liangwang.services.exchange import ExchangeApi
from liangwang.store import Store
from liangwang.wiring import shared

from tests.conftest import REPOSITORY

EVENTS = REPOSITORY / "tests" / "events" / "functions"
NUMBERS = itertools.count()
ENVIRONMENT = {
    "CATALOGUE_DIR": str(REPOSITORY / "layers" / "catalogue"),
    "TOKEN_KEY": "alias/liangwang/token",
    "GOVERNANCE_KEY": "alias/liangwang/governance",
    "CERTIFICATE_KEY": "alias/liangwang/certificate",
    "DOCUMENT_KEYS": "alias/liangwang/document",
    "TOKEN_ISSUER": "https://liangwang.example",
    "DEPARTMENT_KEY_PREFIX": "alias/liangwang/department/",
    "LIMITS_TABLE": "limits",
    "SOURCE_REQUESTS_PER_MINUTE": "3000",
    "ACCOUNT_REQUESTS_PER_MINUTE": "600",
    "SYSTEM_REQUESTS_PER_MINUTE": "60000",
    "PERSONAL_KEY": "alias/liangwang/personal",
    "BLIND_INDEX_SECRET": "blind-index",
    "FORGET_DECIDED_AFTER_DAYS": "365",
    "FORGET_WITHDRAWN_AFTER_DAYS": "90",
    "MATERIALS_BUCKET": "materials",
    "ASK_AGAIN_SECONDS": "300",
    "AUDIT_TABLE": "audit",
    "OUTSIDE_KEY": "alias/liangwang/outside",
    "AUDIT_KEY": "alias/liangwang/audit",
    "GOVERNANCE_TABLE": "governance",
    "DEPARTMENT_TABLE": "department",
    "STATISTICS_TABLE": "statistics",
}
TABLE = {
    "identity": "intake",
    "authorizer": "intake",
    "users": "intake",
    "intake": "intake",
    "documents": "intake",
    "verification": "intake",
    "joint": "intake",
    "mandates": "intake",
    "inbox": "intake",
    "feedback": "intake",
    "materials": "intake",
    "privacy": "intake",
    "drafts": "intake",
    "exchange": "intake",
    "relay": "governance",
    "reconciliation": "governance",
    "collaboration": "governance",
    "routing": "governance",
    "coordination": "governance",
    "handback": "governance",
    "mailbox": "governance",
    "outside": "governance",
    "grid": "governance",
    "acceptance": "department",
    "approval": "department",
    "decisions": "department",
    "procedures": "department",
    "examination": "department",
    "steps": "department",
    "statistics": "department",
    "orders": "department",
    "assistance": "department",
    "followup": "intake",
    "notifier": "intake",
}


def golden(name):
    """An event as AWS makes it, from tests/events/functions."""
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


class Outside(real.Outside):
    """Fakes for AWS, Kafka and the exchange."""

    def __init__(self):
        self._aws, self._producer, self._objects = FakeAws(), FakeProducer(), FakeObjects()
        self.others = {}
        self.providers = {"mail": FakeSender(), "sms": FakeSender()}
        self._exchange = FakeExchange(ExchangeApi(Store(self._aws, "intake", patience=Patience())))

    def aws(self):
        return self._aws

    def aws_at_once(self):
        return self._aws

    def objects(self):
        return self._objects

    def senders(self):
        return {channel: self.providers[channel] for channel in real.channels()}

    def producer(self):
        return self._producer

    def exchange(self, system=None):
        """Our own intake's, unless the system that is configured is somebody else's (``others``, by name)."""
        return self._exchange if system is None or not system.url else self.others[system.name]


class Functions:
    """All functions over one set of fakes. ``call`` gives an event to a handler; ``settings`` are further variables."""

    def __init__(self, **settings):
        self._environment = {**ENVIRONMENT, **settings}
        self.outside = Outside()
        self.aws, self.producer = self.outside.aws(), self.outside.producer()
        self.objects = self.outside.objects()
        self._handlers = {}

    def call(self, name, event, *, table=""):
        """The handler's answer; JSON in and out, as between Lambda and whoever invokes it."""
        table = table or TABLE.get(name, "")
        if (name, table) not in self._handlers:
            self._handlers[name, table] = self._load(name, table)
        return json.loads(json.dumps(self._handlers[name, table](json.loads(json.dumps(event)), None)))

    def http(self, name, event):
        """The status and the document that an HTTP event is answered with."""
        answer = self.call(name, event)
        return answer["statusCode"], json.loads(answer["body"])

    def store(self, table):
        """A system's table, for looking into."""
        return Store(self.aws, table, patience=Patience(first=timedelta(minutes=5)))

    def _load(self, name, table):
        path = REPOSITORY / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"functions_under_test_{next(NUMBERS)}", path)
        module = importlib.util.module_from_spec(spec)
        with init_phase(self.outside, {**self._environment, **({"TABLE": table} if table else {})}):
            spec.loader.exec_module(module)
        return module.handler


@contextmanager
def init_phase(outside, environment):
    """What a function sees while it is imported."""
    before, shared.outside = shared.outside, outside
    try:
        with mock.patch.dict(os.environ, environment):
            yield
    finally:
        shared.outside = before
