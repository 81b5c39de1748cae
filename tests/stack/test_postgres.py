"""The private database."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest

from ironpulse.stack import LocalStack, StackError
from ironpulse.stack.postgres import Postgres
from ironpulse.stack.processes import Account, free_port, require_reachable
from ironpulse.stack.programs import Programs


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
        ("timescaledb.telemetry_level", "off"),
        ("password_encryption", "scram-sha-256"),
        ("listen_addresses", "127.0.0.1"),
        ("max_connections", "100"),
    ],
)
def test_settings(empty_database: str, setting: str, value: str) -> None:
    with psycopg.connect(empty_database) as connection:
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row == (value,)


def test_a_fresh_database_takes_hypertables(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE t (at timestamptz NOT NULL, v real)")
        connection.execute("SELECT create_hypertable('t', 'at')")
        connection.execute("INSERT INTO t VALUES (now(), 1)")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_a_wrong_password_is_refused(stack: LocalStack) -> None:
    wrong = stack.addresses.database_url.replace("ironpulse:", "ironpulse:x", 1)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


def test_committed_rows_survive_kill_and_leftovers_are_ended(
    programs: Programs, server_folder: Path
) -> None:
    server = Postgres(programs, server_folder / "postgres", free_port(), "word")
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE t (v int)")
        connection.execute("INSERT INTO t VALUES (1)")
        fsync = connection.execute("SELECT current_setting('fsync')").fetchone()
        assert fsync == ("on",), "as the stack has it; the tests' shared server does without"
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    # As after a crash of the whole program: a new object, the old server still there.
    other = Postgres(programs, server_folder / "postgres", free_port(), "word")
    other.start()
    try:
        assert server.pid is None
        with psycopg.connect(other.url()) as connection:
            assert connection.execute("SELECT v FROM t").fetchone() == (1,)
    finally:
        other.stop()


def test_a_process_id_that_belongs_to_a_stranger_now_does_not_stop_the_start(
    programs: Programs, server_folder: Path
) -> None:
    server = Postgres(programs, server_folder / "postgres", free_port(), "word")
    server.start()
    pid_file = server_folder / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        server.start()
        assert stranger.poll() is None
        stranger.kill()
    server.stop()


def test_data_of_another_version_are_not_touched(programs: Programs, server_folder: Path) -> None:
    data = server_folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    server = Postgres(programs, server_folder / "postgres", free_port(), "word")
    with pytest.raises(StackError, match="are of PostgreSQL 9"):
        server.start()


def test_a_closed_parent_folder_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StackError, match=f"may not enter {closed}"):
        require_reachable(closed / "stack", Account(65534, 65534, "nobody"))
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
