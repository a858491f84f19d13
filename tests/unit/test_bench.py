"""What the benchmark makes of what it reads: CPU from /proc, py-spy's samples, medians and ratios of rounds."""

import os
import subprocess
import sys

import pytest

from bench import closed, cpu, figures, profile, rounds
from bench.figures import Lap
from bench.restate.setup import PACKAGE, VERSION, PeerError, install
from bench.rounds import Round, Rounds
from tests.waiting import eventually

STAT = "42 (a (strange) name) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 25 25 20 0 4 0 100 0 0"


# ------------------------------------------------------------------ CPU


def test_cpu_is_user_and_system_time_of_the_process_and_of_its_ended_children():
    stat = cpu.read_stat(STAT)
    assert stat.parent == 7
    assert stat.cpu == pytest.approx(250 / cpu.TICK)


def test_a_process_is_measured_with_everything_below_it():
    processes = {
        1: cpu.Stat(0, 1.0),
        2: cpu.Stat(1, 1.0),
        3: cpu.Stat(2, 1.0),
        4: cpu.Stat(1, 1.0),
        5: cpu.Stat(0, 1.0),
    }
    assert cpu.tree(2, processes) == {2, 3}
    assert cpu.tree(1, processes) == {1, 2, 3, 4}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_at_work_is_seen_to_use_cpu_and_its_threads_too():
    worker = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        eventually(lambda: cpu.seconds({"worker": worker.pid})["worker"] > 0.05)
        assert cpu.threads(worker.pid)[worker.pid] > 0
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_is_gone_counts_as_nothing():
    assert cpu.Meter({"gone": 2**22 + os.getpid()}).ms_each(10) == {"gone": 0}


# ------------------------------------------------------------------ figures


def lap(rate, **cpu_ms):
    return Lap(cases=100, seconds=100 / rate, latency_ms={"p50": 50.0, "p95": 95.0}, cpu_ms=cpu_ms)


def test_own_cpu_is_that_of_the_processes_with_our_functions():
    found = lap(10, gateway=4.0, runner=5.0, emulator=9.0)
    assert (found.rate, found.own_cpu_ms, found.all_cpu_ms) == (10, 9, 18)


def test_a_spread_is_the_median_with_its_range():
    assert figures.spread([3, 1, 2]).text() == "2 (1–3)"


def test_ratios_are_taken_within_a_round():
    found = rounds.conclude(
        Rounds(
            clients=8,
            rounds=[
                Round(open=lap(50), floor={"signed": 100.0}, closed=lap(40), peer={"one workflow": lap(20)}),
                Round(open=lap(10), floor={"signed": 20.0}, closed=lap(10), peer={"one workflow": lap(5)}),
            ],
        )
    )
    assert found.floor_ratio["signed"].text(1) == "0.5 (0.5–0.5)"
    assert found.peer_ratio["closed loop to one workflow"].text(1) == "2.0 (2.0–2.0)"
    assert found.figures["closed loop"]["cases_per_second"].median == 25


def test_without_a_peer_there_is_no_ratio_to_it():
    found = rounds.conclude(Rounds(clients=8, rounds=[Round(open=lap(50), floor={}, closed=lap(40))]))
    assert found.peer_ratio == {}
    assert set(found.figures) == {"open loop", "closed loop"}


def test_the_closed_loop_does_every_job_once_and_times_each():
    done = []
    found = closed.run(range(20), done.append, clients=4, meter=lambda: cpu.Meter({}))
    assert sorted(done) == list(range(20))
    assert found.cases == 20
    assert found.latency_ms["p50"] <= found.latency_ms["p95"]


def test_a_job_that_fails_ends_the_closed_loop():
    def fail(job):
        raise TimeoutError(job)

    with pytest.raises(TimeoutError):
        closed.run([1], fail, clients=1, meter=lambda: cpu.Meter({}))


# ------------------------------------------------------------------ profiles


def test_own_samples_are_of_the_innermost_function_and_a_recursion_counts_once():
    found = profile.read(['process 1:"python";thread (0x1);main;walk;walk 3', "thread (0x2);main;send 1", ""])
    assert found.total == 4
    assert found.own == {"walk": 3, "send": 1}
    assert found.cumulative == {"main": 4, "walk": 3, "send": 1}


# ------------------------------------------------------------------ the peer


def test_without_npm_the_peer_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PeerError, match=r"npm is missing: install Node\.js"):
        install(tmp_path)


def test_a_server_that_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    program = tmp_path / VERSION / "node_modules" / f"{PACKAGE}-linux-x64" / "bin" / "restate-server"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install(tmp_path) == program
