"""The supervisor: what dies comes back, ever more slowly, and nothing outlives it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ironpulse import supervisor as module
from ironpulse.stack.processes import bound_to, free_port
from ironpulse.supervisor import Service, Supervisor
from tests.processes import processes_in, until, until_none_in

FAILING = Service("failing", ("products", "check", "/nowhere"))


def lasting() -> Service:
    """A service that stays until it is ended."""
    return Service("dashboard", ("dashboard", "--port", str(free_port())))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(module, "monotonic_s", found)
    return found


def test_what_was_not_started_yet_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    supervisor = Supervisor([FAILING, lasting()], tmp_path)
    for _ in range(3):
        assert supervisor.poll() == []
        clock.now_s += 60.0
    assert supervisor.pids() == {}


def test_what_keeps_dying_comes_back_ever_more_slowly(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Says its arguments and dies: seven starts of Python would take ten seconds.
    monkeypatch.setattr(sys, "executable", shutil.which("echo"))
    supervisor = Supervisor([FAILING], tmp_path)
    supervisor.start()
    pauses = []
    for _ in range(7):
        until(supervisor.pids, lambda pids: not pids)
        assert supervisor.poll() == [], "it is not started at once"
        died_s = clock.now_s
        while supervisor.poll() == []:
            clock.now_s += 0.25
        pauses.append(clock.now_s - died_s)
    supervisor.stop()
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert "/nowhere" in supervisor.last_words("failing"), "its log says why"


def test_a_killed_service_comes_back_and_ends_with_the_supervisor(tmp_path: Path) -> None:
    supervisor = Supervisor([lasting()], tmp_path)
    supervisor.start()
    first = supervisor.pids()["dashboard"]
    os.kill(first, signal.SIGKILL)
    until(supervisor.poll, ["dashboard"].__eq__)
    second = supervisor.pids()["dashboard"]
    assert second != first
    assert set(processes_in(tmp_path)) == {second}
    supervisor.stop()
    assert processes_in(tmp_path) == {}


def test_a_healthy_while_makes_the_next_pause_short_again(tmp_path: Path, clock: Clock) -> None:
    supervisor = Supervisor([lasting()], tmp_path)
    supervisor.start()
    try:
        for healthy_s, expected in ((1.0, 0.5), (1.0, 1.0), (31.0, 0.5)):
            clock.now_s += healthy_s
            assert supervisor.poll() == []
            os.kill(supervisor.pids()["dashboard"], signal.SIGKILL)
            until(supervisor.pids, lambda pids: not pids)
            supervisor.poll()
            clock.now_s += expected - 0.01
            assert supervisor.poll() == []
            clock.now_s += 0.02
            assert supervisor.poll() == ["dashboard"]
    finally:
        supervisor.stop()


SUPERVISES = """
import sys, time
from pathlib import Path
from ironpulse.supervisor import Service, Supervisor

supervisor = Supervisor([Service("dashboard", ("dashboard", "--port", sys.argv[2]))],
                        Path(sys.argv[1]))
supervisor.start()
print("started", flush=True)
time.sleep(600)
"""


def test_services_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISES, str(tmp_path), str(free_port())]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdout.readline() == "started\n"
    assert len(processes_in(tmp_path)) == 1
    parent.kill()
    parent.wait()
    until_none_in(tmp_path)


@pytest.mark.parametrize("alive", [True, False])
def test_nothing_begins_whose_parent_died_before_it_could_be_told(alive: bool) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    parent = os.getpid() if alive else gone.pid
    command = [*bound_to(parent, signal.SIGTERM), "echo", "it", "runs"]
    assert subprocess.run(command, capture_output=True).stdout == (b"it runs\n" if alive else b"")
