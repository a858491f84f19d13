"""`python -m local esm` on the shop of docs/event-sources.md: functions in the process, and at an endpoint."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from local import esm
from local.config import REPOSITORY
from tests.waiting import eventually, free_ports

from .kafka_broker import broker_for_tests

SHOP = Path(__file__).parent / "orders" / "template.yaml"
ORDERS = [
    {"customer": "Ada", "total": 19900, "state": "paid"},
    {"customer": "Bob", "total": 500, "state": "open"},
    {"customer": "", "total": 100, "state": "paid"},
    {"customer": "Cem", "total": 1250, "state": "paid"},
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with broker_for_tests(tmp_path_factory.mktemp("broker")) as running:
        yield running


class Command:
    """The command in a process of its own."""

    def __init__(self, folder, *arguments):
        self._output = folder / f"{uuid.uuid4()}.log"
        self.status_file = folder / "status.json"
        started = [sys.executable, "-m", "local", "esm", "--status-file", str(self.status_file), *arguments]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(started, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)

    @property
    def said(self):
        return self._output.read_text()

    def status(self):
        return json.loads(self.status_file.read_bytes()) if self.status_file.exists() else {"ready": False}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_the_shop_s_invoices_are_written_and_its_broken_order_is_set_aside(broker, tmp_path):
    topic, invoices = broker.topic(), tmp_path / "invoices"
    broker.send(topic, *(json.dumps(order).encode() for order in ORDERS))
    arguments = [
        "--template",
        str(SHOP),
        "--bootstrap",
        broker.address,
        "--in-process",
        "--only",
        "Invoicing.PaidOrders",
    ]
    given = [f"--parameter={name}={value}" for name, value in (("Orders", topic), ("Invoices", invoices))]
    broker.create("lost-orders")
    with Command(tmp_path, *arguments, *given) as running:
        eventually(lambda: broker.lag("invoicing", topic) == 0, seconds=40, what="every order done")
        running.process.send_signal(signal.SIGUSR1)
        eventually(lambda: "given up 1  lag 0" in running.said, what=f"the report in {running.said}")
        assert running.status()["sources"]["Invoicing.PaidOrders"]["group"] == "invoicing"
        assert running.stop() == 0
        assert "passed by: Invoicing.Health: Api is not a Kafka event source" in running.said
        assert f"Invoicing.PaidOrders: topic {topic}, group invoicing, from TRIM_HORIZON" in running.said
    assert set(invoices.read_text().splitlines()) == {"Ada: 199.00 EUR", "Cem: 12.50 EUR"}
    lost = json.loads(broker.read("lost-orders", 1)[0])
    (record,) = next(iter(lost["payload"]["records"].values()))
    assert json.loads(base64.b64decode(record["value"]))["customer"] == ""
    assert lost["payload"]["eventSource"] == "SelfManagedKafka"
    assert lost["payload"]["bootstrapServers"] == "kafka.shop.example:9092"


class Endpoint(ThreadingHTTPServer):
    """The Lambda API's Invoke, with the events it was given; answers null."""

    def __init__(self):
        self.invoked = []
        super().__init__(("127.0.0.1", 0), Invoke)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Invoke(BaseHTTPRequestHandler):
    """POST /2015-03-31/functions/NAME/invocations."""

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.invoked.append((self.path.split("/")[3], event))
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"null")

    def log_message(self, *_):
        pass


def test_a_function_in_any_language_is_invoked_at_the_endpoint(broker, tmp_path):
    topic, endpoint = broker.topic(), Endpoint()
    arguments = ["--template", str(SHOP), "--bootstrap", broker.address, "--endpoint", endpoint.url]
    given = ["--parameter", f"Orders={topic}", "--only", "Audit.AllOrders", "--function-name", "Audit=shop-audit"]
    with Command(tmp_path, *arguments, *given) as running:
        # LATEST: what is sent before the source stands at the end would be passed over.
        eventually(lambda: running.status()["ready"], seconds=40)
        eventually(lambda: broker.lag("Audit.AllOrders", topic) == 0, seconds=40)
        broker.send(topic, b"an order")
        eventually(lambda: endpoint.invoked)
        assert running.stop() == 0
    endpoint.shutdown()
    (name, event), *_ = endpoint.invoked
    assert (name, event["eventSourceArn"]) == ("shop-audit", "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/1")


@pytest.fixture
def unchanged_process():
    """What the command changes for its own process is put back."""
    environment, path = dict(os.environ), list(sys.path)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environment)


@pytest.mark.usefixtures("unchanged_process")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say where the functions run: --in-process or --endpoint URL"),
        (["--in-process"], "Audit: a nodejs22.x function cannot run in this process; use --endpoint"),
        (
            ["--in-process", "--only", "F.E"],
            "has not F.E; its Kafka event sources: Invoicing.PaidOrders, Audit.AllOrders",
        ),
        (["--in-process", "--parameter", "Orders"], "Orders: expected NAME=VALUE"),
        (
            ["--in-process", "--parameter", "Orders=a b"],
            "Invoicing.Events.PaidOrders.Topics: a b is not a topic's name",
        ),
        (["--in-process", "--only", "Invoicing.PaidOrders"], "no Kafka cluster answers at"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(arguments, said):
    (port,) = free_ports(1)
    given = ["--template", str(SHOP), "--bootstrap", f"127.0.0.1:{port}", *arguments]
    result = CliRunner().invoke(esm.command, given)
    assert result.exit_code != 0
    assert said in result.output


def test_a_destination_s_arn_has_the_name_that_parameters_make():
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Stage}-lost"}}}
    document = {"Parameters": {"Stage": {"Type": "String", "Default": "test"}}, "Resources": {"Lost": queue}}
    options = esm.Options(template=SHOP, bootstrap="b:9092", region="eu-central-1", parameters={"Stage": "prod"})
    arn = esm.resolver(document, options).value({"Fn::GetAtt": ["Lost", "Arn"]})
    assert arn == "arn:aws:sqs:eu-central-1:000000000000:prod-lost"


@pytest.mark.usefixtures("unchanged_process")
def test_two_functions_that_need_different_things_of_one_process_are_told_apart(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text("def handler(event, context): pass\n")
        (tmp_path / name / "shared.py").write_text("")
    event = "{Type: MSK, Properties: {Stream: arn, Topics: [t], StartingPosition: LATEST}}"
    (tmp_path / "t.yaml").write_text(
        "Globals: {Function: {Runtime: python3.12}}\nResources:\n"
        + "".join(
            f"  {name}: {{Type: 'AWS::Serverless::Function', Properties: {{CodeUri: {name}, Events: {{E: {event}}}}}}}\n"
            for name in ("a", "b")
        )
    )
    result = CliRunner().invoke(
        esm.command, ["--template", str(tmp_path / "t.yaml"), "--bootstrap", "x:1", "--in-process"]
    )
    assert "a and b both have a module shared; run one of them with --only" in result.output
