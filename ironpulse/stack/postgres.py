"""A private PostgreSQL with TimescaleDB in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import psycopg
from psycopg import sql

from fleet import clock
from ironpulse.stack.errors import StackError
from ironpulse.stack.processes import (
    Account,
    Server,
    end_leftovers,
    own_folder,
    require_reachable,
    run_as,
    servers_account,
)
from ironpulse.stack.programs import Programs

USER = "ironpulse"
DATABASE = "ironpulse"
_READY_S = 60.0
_SOCKET_LIMIT = 90  # bytes; the kernel takes 107 and PostgreSQL adds the port


class Postgres:
    """One cluster below `folder`, listening on 127.0.0.1 and a socket in the folder.

    Survives kill -9 at any moment: the next start ends what was left and recovers.
    """

    def __init__(self, programs: Programs, folder: Path, port: int, password: str) -> None:
        self.port = port
        self._bin = programs.postgres_bin
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._password = password
        self._account: Account | None = servers_account(self._folder)
        log = self._folder.parent / "log" / "postgres.log"
        self._server = Server("postgres", self._data, log, signal.SIGINT)  # fast shutdown

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._server.pid

    def url(self, database: str = DATABASE) -> str:
        """Connection address of a database, password included."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster if there is none, start it, return when it answers queries.

        Raises StackError with the end of the log where it does not come up.
        """
        self._make()
        self._configure()
        end_leftovers(self._data, "postgres")
        # Whoever the old process id belongs to now, it is no server of this cluster.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._server.log.parent.mkdir(exist_ok=True)
        self._server.start([str(self._bin / "postgres"), "-D", str(self._data)], self._account)
        self._wait_until_ready()
        self._make_database()

    def stop(self) -> None:
        """End all sessions and shut down; open transactions are rolled back."""
        self._server.stop()

    def _make(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return self._require_same_version()
        require_reachable(self._folder.parent, self._account)
        own_folder(self._folder, self._account)
        draft, secret = self._folder / "data.draft", self._folder / "password"
        shutil.rmtree(draft, ignore_errors=True)  # of an interrupted initdb
        secret.touch(mode=0o600)
        secret.write_text(self._password, encoding="utf-8")
        if self._account is not None:
            os.chown(secret, self._account.uid, self._account.gid)
        try:
            run_as(self._initdb(draft, secret), self._account, self._folder)
        finally:
            secret.unlink()
        draft.rename(self._data)
        return None

    def _initdb(self, draft: Path, secret: Path) -> list[str]:
        options = f"--username={USER} --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8"
        return [
            str(self._bin / "initdb"),
            *options.split(),
            f"--pwfile={secret}",
            "--no-instructions",
            "--set=max_connections=100",
            f"--pgdata={draft}",
        ]

    def _require_same_version(self) -> None:
        major = (self._data / "PG_VERSION").read_text().strip()
        here = self._bin.parent.name
        if major != here:
            raise StackError(
                f"The data in {self._data} are of PostgreSQL {major}, the unpacked server is "
                f"{here}. Dump them with the old server, or begin anew with --fresh."
            )

    def _configure(self) -> None:
        main = self._data / "postgresql.conf"
        include = "include 'ironpulse.conf'"
        text = main.read_text(encoding="utf-8")
        if include not in text:
            main.write_text(f"{text}\n{include}\n", encoding="utf-8")
        lines = [f"{name} = {value}" for name, value in self._settings().items()]
        ours = self._data / "ironpulse.conf"
        ours.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _settings(self) -> dict[str, str]:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
        buffers = min(512, max(64, memory // 16))
        short = len(os.fsencode(self._data)) <= _SOCKET_LIMIT
        return {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": "'.'" if short else "''",
            "max_connections": "100",
            "password_encryption": "'scram-sha-256'",
            "shared_preload_libraries": "'timescaledb'",
            "timescaledb.telemetry_level": "off",
            "timescaledb.max_background_workers": "16",
            "max_worker_processes": "32",
            "max_locks_per_transaction": "256",  # one per chunk that a query touches
            "shared_buffers": f"'{buffers}MB'",
            "work_mem": "'16MB'",
            "maintenance_work_mem": "'128MB'",
            "effective_cache_size": f"'{max(256, memory // 2)}MB'",
            "synchronous_commit": "on",
            "checkpoint_timeout": "'15min'",
            "max_wal_size": "'2GB'",
            "jit": "off",  # costs more than it gains on short queries
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "lc_messages": "'C'",
            "log_line_prefix": "'%m [%p] %d '",
            "logging_collector": "off",
        }

    def _wait_until_ready(self) -> None:
        deadline = clock.monotonic_s() + _READY_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                reason = str(error).strip()
            if self._server.pid is None or clock.monotonic_s() > deadline:
                words = self._server.last_words()
                self._server.stop()
                raise StackError(
                    f"PostgreSQL in {self._data} does not answer ({reason}). Its log "
                    f"{self._server.log} ends with: {words}"
                )
            time.sleep(0.02)  # between two real attempts to connect

    def _make_database(self) -> None:
        make_database(self.url("postgres"), DATABASE)
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")


def make_database(admin_url: str, name: str, template: str = "template0") -> None:
    """Create a database on the server of `admin_url` unless it is there.

    From template0 by default, as nobody can be connected to it: TimescaleDB looks into every
    other database at start, and one in use cannot be copied.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is None:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
