"""The local stack: a private TimescaleDB and a private Mosquitto in one directory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from fleet import clock
from ironpulse.stack.broker import Broker, Tls
from ironpulse.stack.certificates import Authority
from ironpulse.stack.credentials import Credentials
from ironpulse.stack.errors import StackError
from ironpulse.stack.packages import Progress, say
from ironpulse.stack.postgres import Postgres
from ironpulse.stack.processes import free_port, require_reachable, servers_account
from ironpulse.stack.programs import server_programs
from ironpulse.stack.security import ADMIN, INGEST
from ironpulse.stack.state import StackAddresses, State, StateFile

_ATTACH_S = 300.0  # the other process may be fetching packages over a slow line

log = structlog.get_logger(__name__)


def default_directory(name: str = "default") -> Path:
    """Where a stack keeps its data: root's in /var/lib, as its servers cannot enter root's home."""
    if os.geteuid() == 0:
        return Path("/var/lib/ironpulse") / name
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base).absolute() / "ironpulse" / name


class LocalStack:
    """PostgreSQL and Mosquitto of one directory; data, ports and passwords are kept there.

    The first process to start a directory owns its servers, and they end with it, kill -9
    included. A second one attaches: it gets the same addresses and its stop() ends nothing.
    With `tls` the broker speaks nothing else, with certificates of an authority in `tls/`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        database_port: int | None = None,
        mqtt_port: int | None = None,
        tls: bool = False,
        progress: Progress = say,
    ) -> None:
        self.directory = directory.absolute()
        self._ports = (database_port, mqtt_port)
        self._tls = tls
        self._progress = progress
        self._file = StateFile(self.directory)
        self._changing = threading.RLock()  # stop() and poll() come from different threads
        self._servers: dict[str, Postgres | Broker] = {}
        self._addresses: StackAddresses | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def owned(self) -> bool:
        """Whether this object started the servers and ends them."""
        return bool(self._servers)

    @property
    def addresses(self) -> StackAddresses:
        """Where the servers are; StackError before start()."""
        if self._addresses is None:
            raise StackError(f"The stack in {self.directory} is not started: call start() first.")
        return self._addresses

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the servers that this object runs."""
        return {name: s.pid for name, s in self._servers.items() if s.pid is not None}

    def start(self) -> StackAddresses:
        """Start the servers, or attach to those of a live owner; returns their addresses.

        Fetches the servers' packages first where they are not in the cache. Raises StackError.
        """
        with self._changing:
            if self._addresses is None:
                self._make_directory()
                self._addresses = self._attach() or self._start_servers()
            return self._addresses

    def stop(self) -> None:
        """End the servers this object started; data stay. Does nothing when attached."""
        with self._changing:
            servers, self._servers, self._addresses = self._servers, {}, None
            if servers:
                _together([server.stop for server in servers.values()])
                self._file.change(_forget_addresses)
            self._file.unlock()

    def poll(self) -> list[str]:
        """Start anew what has died since the last call; returns the names of what came back.

        Call it about once a second. What cannot be started is logged and tried at the next call.
        """
        restarted = []
        with self._changing:
            for name, server in self._servers.items():
                if server.pid is None and self._revive(name, server):
                    restarted.append(name)
            if restarted:
                self._remember_running()
        return restarted

    def credentials(self) -> Credentials:
        """A connection that adds and revokes device credentials; close it after use."""
        where = self.addresses
        return Credentials(where.mqtt_url, where.mqtt_admin_user, where.mqtt_admin_password)

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"The stack's folder {self.directory} cannot be made ({error.strerror}). Choose "
                "one you may write."
            ) from error
        require_reachable(self.directory, servers_account(self.directory / "postgres"))

    def _attach(self) -> StackAddresses | None:
        """None where we own the directory now, else the addresses of the live owner's servers."""
        deadline = clock.monotonic_s() + _ATTACH_S
        while not self._file.lock():
            state = self._file.read()
            if state.addresses is not None:
                found = StackAddresses(**state.addresses)
                if self._tls and found.authority is None:
                    raise StackError(
                        f"The stack in {self.directory} runs without TLS. End it first, or choose "
                        "another folder."
                    )
                return found
            if clock.monotonic_s() > deadline:
                raise StackError(
                    f"Another process holds {self.directory} and has not finished starting its "
                    f"servers for {_ATTACH_S:.0f} s. End it, or choose another folder."
                )
            time.sleep(0.05)  # the owner's file is the only sign there is
        return None

    def _start_servers(self) -> StackAddresses:
        try:
            state, postgres, broker = self._prepare()
            self._servers = {"postgres": postgres, "mosquitto": broker}
            _together([postgres.start, broker.start])
        except BaseException:
            self.stop()
            raise
        self._addresses = StackAddresses(
            postgres.url(), broker.url, ADMIN, state.admin_password, INGEST, state.ingest_password,
            broker.certificate_url, str(self._authority_folder) if self._tls else None,
        )  # fmt: skip
        self._remember_running()
        return self._addresses

    def _prepare(self) -> tuple[State, Postgres, Broker]:
        programs = server_programs(self._progress)
        require_reachable(programs.root, servers_account(self.directory / "postgres"))
        state = self._file.change(self._choose_ports)
        assert state.database_port is not None and state.mqtt_port is not None
        postgres = Postgres(
            programs, self.directory / "postgres", state.database_port, state.database_password
        )
        broker = Broker(
            programs,
            self.directory / "broker",
            state.mqtt_port,
            state.admin_password,
            state.ingest_password,
            self._tls_of(state),
        )
        return state, postgres, broker

    @property
    def _authority_folder(self) -> Path:
        return self.directory / "tls"

    def _tls_of(self, state: State) -> Tls | None:
        if not self._tls:
            return None
        assert state.certificate_port is not None
        return Tls(Authority(self._authority_folder), state.certificate_port)

    def _choose_ports(self, state: State) -> None:
        _forget_addresses(state)  # of a run that was killed
        database, mqtt = self._ports
        state.database_port = database or free_port(state.database_port)
        state.mqtt_port = mqtt or free_port(state.mqtt_port, state.database_port)
        if self._tls:
            taken = (state.database_port, state.mqtt_port)
            state.certificate_port = free_port(state.certificate_port, *taken)

    def _remember_running(self) -> None:
        def edit(state: State) -> None:
            state.addresses = asdict(self.addresses)
            state.owner_pid = os.getpid()
            state.pids = self.pids

        self._file.change(edit)

    def _revive(self, name: str, server: Postgres | Broker) -> bool:
        log.warning("A server of the stack has died and is started again.", server=name)
        try:
            server.start()
        except StackError as error:
            log.error("A server of the stack does not start.", server=name, reason=str(error))
            return False
        return True


def running_state(directory: Path) -> State | None:
    """The state of a directory whose servers run now under a live owner, None where none do."""
    file = StateFile(directory.absolute())
    if not file.path.exists() or file.lock():
        file.unlock()
        return None
    state = file.read()
    return state if state.addresses is not None else None


def _forget_addresses(state: State) -> None:
    state.addresses, state.owner_pid, state.pids = None, None, {}


def _together(calls: Sequence[Callable[[], None]]) -> None:
    """Run all at once to the end; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
    for future in futures:
        future.result()
