"""`python -m local …` as people type it: real processes on ports and in state folders of their own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner
from liangwang.domain.case_no import is_valid

from local import demo, parts, processes
from local.config import from_environment
from tests.conftest import REPOSITORY
from tests.ports import own_ports
from tests.waiting import eventually

READY = "Ctrl-C stops it all."
SECONDS = 110


class Terminal:
    """Where one person types: an environment of their own, and what they started."""

    def __init__(self, state):
        self.state = state
        own = own_ports()
        foreign = ("LOCAL_", "AWS_", "KAFKA_", "PYTHONPATH")  # as in a fresh shell
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self.environment |= {"LOCAL_STATE_DIR": str(state)}
        self.environment |= {f"LOCAL_{name.upper()}": str(port) for name, port in own.items()}
        config = from_environment(self.environment)
        self.parts = parts.of(config)
        self.ports = [config.gateway_port, *(port for part in self.parts for port in part.ports.values())]

    def types(self, *words):
        """A command that ends by itself: (exit code, what it printed)."""
        done = subprocess.run(
            [sys.executable, "-m", "local", *words],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return done.returncode, done.stdout + done.stderr

    def starts(self, command):
        """A command that stays: it and the file it prints to, once everything is up."""
        printed = self.state / "printed.txt"
        with printed.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "local", command],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Shells start background jobs with SIGINT ignored, and that is inherited.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            eventually(
                lambda: READY in printed.read_text() or process.poll() is not None,
                seconds=SECONDS,
                what=f"`python -m local {command}` to be ready",
            )
            assert process.poll() is None, printed.read_text()
        except BaseException:
            end(process)
            raise
        return process, printed

    @property
    def open_ports(self):
        return [port for port in self.ports if not processes.port_is_free(port)]


def end(process):
    """Whatever a test left running; the stack goes with its starter."""
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """`python -m local run`, running: the terminal beside it and what it printed."""
    terminal = Terminal(tmp_path_factory.mktemp("run"))
    process, printed = terminal.starts("run")
    yield terminal, printed.read_text()
    end(process)
    eventually(lambda: not terminal.open_ports, what="the ports to be free again")


def test_run_shows_a_case_that_was_granted_and_where_everything_is(shown):
    terminal, printed = shown
    gateway = f"http://127.0.0.1:{terminal.ports[0]}"
    assert "准予" in printed and "当前：已办结" in printed
    assert f"gateway  {gateway}\n" in printed
    assert f"docs     {gateway}/docs\n" in printed
    with urllib.request.urlopen(f"{gateway}/docs", timeout=20) as page:
        assert page.status == 200


def test_the_three_lines_that_run_prints_work_when_pasted(shown):
    terminal, printed = shown
    lines = printed.partition("Paste these")[2].splitlines()[1:4]
    assert [line.split("=")[0] for line in lines[:2]] == ["TOKEN", "CASE"]
    typed = "\n".join([*lines, 'echo "typed $CASE"'])
    done = subprocess.run(["bash"], input=typed, capture_output=True, text=True, timeout=60, env=terminal.environment)
    assert (done.returncode, done.stderr) == (0, "")
    followed, _, case_no = done.stdout.rpartition("typed ")
    assert is_valid(case_no.strip())
    assert json.loads(followed)["case_no"] == case_no.strip()


def test_status_shows_processes_triggers_and_addresses(shown):
    terminal, _ = shown
    code, printed = terminal.types("status")
    assert code == 0
    assert all(str(port) in printed for port in [terminal.ports[0], *(part.port for part in terminal.parts)])
    for process in ("gateway", "runner", *(part.name for part in terminal.parts)):
        assert re.search(rf"{process} +│ running", printed)
    assert "AcceptanceFunction.Applications" in printed


def test_case_shows_one_case_and_tells_a_wrong_number(shown):
    terminal, printed = shown
    case_no = re.search(r"\d{8}-\d{9}-\w{12}-\w", printed)[0]
    code, timeline = terminal.types("case", case_no)
    assert code == 0
    assert case_no in timeline and "当前：已办结" in timeline
    assert one_error(terminal.types("case", case_no[:-1] + ("A" if case_no[-1] != "A" else "B")))


def test_a_second_start_in_the_same_folder_is_refused(shown):
    terminal, _ = shown
    assert "a stack runs here already" in one_error(terminal.types("run"))


def test_ctrl_c_stops_run_and_leaves_no_port_open(terminal):
    process, printed = terminal.starts("run")
    try:
        assert terminal.open_ports == terminal.ports
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        end(process)
    assert printed.read_text().endswith("stopped\n")
    assert terminal.open_ports == []


def test_down_stops_a_stack_of_another_terminal(terminal):
    process, printed = terminal.starts("up")
    try:
        assert terminal.types("down") == (0, "stopped\n")
        assert process.wait(60) == 0
    finally:
        end(process)
    assert "the stack was stopped" in printed.read_text()
    assert terminal.open_ports == []
    assert terminal.types("down") == (0, "nothing was running\n")
    assert "no stack runs in" in one_error(terminal.types("status"))


@pytest.mark.parametrize("command", ["run", "up", "demo"])
def test_a_busy_port_is_one_line_that_names_it(terminal, command):
    with socket.socket() as other:
        other.bind(("127.0.0.1", terminal.ports[0]))
        other.listen()
        line = one_error(terminal.types(command))
    assert str(terminal.ports[0]) in line and "LOCAL_GATEWAY_PORT" in line
    assert terminal.open_ports == []


def one_error(ended):
    """The one line of a command that ended with code 1."""
    code, printed = ended
    assert code == 1
    assert printed.startswith("error: ") and printed.count("\n") == 1, printed
    return printed


# ------------------------------------------------------------------ demo

PROMISED = {"cases", "outcomes", "collaborations", "lost", "stuck", "duplicated", "seconds", "cases_per_second"}


def test_demo_starts_a_stack_reconciles_it_and_writes_the_report(terminal):
    file = terminal.state / "report.json"
    code, printed = terminal.types("demo", "--cases", "30", "--json", str(file))
    assert code == 0, printed
    report = json.loads(file.read_text())
    assert {*PROMISED, "latency_ms"} <= set(report)
    assert (report["cases"], sum(report["outcomes"].values())) == (30, 30)
    assert (report["lost"], report["stuck"], report["duplicated"]) == (0, 0, 0)
    assert report["latency_ms"]["p95"] >= report["latency_ms"]["p50"] > 0
    assert report["seconds"] > 0 and report["cases_per_second"] > 0
    assert "reconciled" in printed
    assert terminal.open_ports == []


class NoStack:
    """Stands in for a stack where nothing is played."""

    def __init__(self, config):
        self.config = config

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def played(monkeypatch):
    """`demo` whose play only notes the lot and answers with what the test says went wrong."""

    def play(*words, **wrong):
        lots = []
        counted = {"lost": 0, "stuck": 0, "duplicated": 0, **wrong}

        def pretend(stack, lot, **_):
            lots.append([(wish.citizen, wish.place, wish.scenario) for wish in lot])
            return demo.Report(
                cases=len(lot),
                outcomes={"granted": len(lot)},
                collaborations=0,
                collaboration_paths={},
                seconds=1.0,
                cases_per_second=1.0,
                latency_ms={"p50": 1, "p95": 1},
                **counted,
            )

        monkeypatch.setattr(demo, "Stack", NoStack)
        monkeypatch.setattr(demo.accounts, "seed", lambda stack: 0)
        monkeypatch.setattr(demo, "play", pretend)
        result = CliRunner().invoke(demo.command, words)
        return result.exit_code, lots[0]

    return play


@pytest.mark.parametrize(
    ("wrong", "code"), [({}, 0), ({"stuck": 1}, 1), ({"lost": 1}, 1), ({"duplicated": 1}, 1)], ids=str
)
def test_demo_ends_with_1_when_a_case_did_not_end_once(played, wrong, code):
    assert played("--cases", "3", **wrong)[0] == code


@pytest.mark.parametrize("seed", ["0", "7"])
def test_a_seed_makes_the_lot_repeatable(played, seed):
    first, again = (played("--cases", "20", "--seed", seed)[1] for _ in range(2))
    assert first == again


def test_without_a_seed_every_lot_is_another(played):
    first, other = (played("--cases", "20")[1] for _ in range(2))
    assert first != other
