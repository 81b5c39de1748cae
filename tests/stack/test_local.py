"""The stack as a whole: reuse, attach, and no orphan whatever dies."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from ironpulse.stack import LocalStack, StackError
from ironpulse.stack.cli import app
from ironpulse.stack.local import running_state

RUN = """
import sys, threading
from pathlib import Path
from ironpulse.stack import LocalStack
stack = LocalStack(Path(sys.argv[1]))
# From a thread that ends: the servers must belong to the process and not to it.
starter = threading.Thread(target=stack.start)
starter.start()
starter.join()
print(*stack.pids.values(), flush=True)
sys.stdin.read()
"""


def _until(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(folder: Path) -> list[str]:
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [n for n in done.stdout.splitlines() if str(folder) in n and " -c " not in n[:40]]


def test_a_second_start_reuses_data_ports_and_passwords(server_folder: Path) -> None:
    with LocalStack(server_folder) as stack:
        first = stack.addresses
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE TABLE t (v int)")
    with LocalStack(server_folder) as stack:
        assert stack.addresses == first
        with psycopg.connect(first.database_url) as connection:
            connection.execute("SELECT * FROM t")
    assert stat.S_IMODE((server_folder / "stack.json").stat().st_mode) == 0o600


def test_a_second_stack_in_the_same_folder_attaches(server_folder: Path) -> None:
    with LocalStack(server_folder) as owner:
        with LocalStack(server_folder) as guest:
            assert guest.addresses == owner.addresses
            assert owner.owned and not guest.owned
        psycopg.connect(owner.addresses.database_url).close()  # the guest ended nothing


def test_two_stacks_run_side_by_side(stack: LocalStack, server_folder: Path) -> None:
    with LocalStack(server_folder) as other:
        assert other.addresses.mqtt_port != stack.addresses.mqtt_port
        assert other.addresses.database_url != stack.addresses.database_url


@pytest.mark.parametrize("name", ["postgres", "mosquitto"])
def test_a_killed_server_comes_back(server_folder: Path, name: str) -> None:
    with LocalStack(server_folder) as stack:
        assert stack.poll() == []
        killed = stack.pids[name]
        os.kill(killed, signal.SIGKILL)
        _until(lambda: name not in stack.pids)
        assert stack.poll() == [name]
        assert stack.pids[name] != killed
        psycopg.connect(stack.addresses.database_url).close()
        stack.credentials().close()


def test_nothing_outlives_a_killed_parent_and_the_next_start_works(server_folder: Path) -> None:
    command = [sys.executable, "-c", RUN, str(server_folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(n) for n in parent.stdout.readline().split()]
        assert len(pids) == 2
        time.sleep(0.5)  # long enough for a signal at the starter thread's end to show
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        parent.kill()
    _until(lambda: not _alive(server_folder))
    assert running_state(server_folder) is None
    with LocalStack(server_folder) as stack:
        psycopg.connect(stack.addresses.database_url).close()


def test_a_damaged_state_file_is_named(server_folder: Path) -> None:
    (server_folder / "stack.json").write_text("{")
    with pytest.raises(StackError, match=r"stack\.json is damaged"):
        LocalStack(server_folder).start()


def test_status_says_where(stack: LocalStack, server_folder: Path) -> None:
    result = CliRunner().invoke(app, ["status", "--json", "--dir", str(stack.directory)])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["running"] and told["mqtt_url"] == stack.addresses.mqtt_url
    result = CliRunner().invoke(app, ["status", "--dir", str(server_folder)])
    assert result.exit_code == 1
    assert "No stack runs" in result.stdout


def test_up_stays_until_interrupted_and_leaves_nothing(server_folder: Path) -> None:
    command = [sys.executable, "-m", "typer", "ironpulse.stack.cli", "run", "up", "--dir"]
    with subprocess.Popen([*command, str(server_folder)], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b"Database")
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    assert not _alive(server_folder)
