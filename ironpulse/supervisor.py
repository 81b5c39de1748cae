"""Keeps processes of ours running: starts them, starts anew what dies, ends them."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from fleet.clock import monotonic_s
from ironpulse.stack.processes import Helper, Server

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_HEALTHY_S = 30.0
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Service:
    """A process of ours: `ironpulse` with these arguments."""

    name: str
    arguments: tuple[str, ...]


class Supervisor:
    """Runs services; one that dies comes back after a pause that grows while it keeps dying."""

    def __init__(self, services: Sequence[Service], folder: Path | None) -> None:
        """They work in `folder`, with a log of each there; without one, where this process does."""
        self._services = {service.name: service for service in services}
        self._servers = {name: _server(name, folder) for name in self._services}
        self._started: dict[str, float] = {}
        self._pause: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def start(self, *names: str) -> None:
        """Start these services, or all that were not started yet, in the order they were given."""
        for name in self._services:
            if name not in self._started and (not names or name in names):
                self._start(name)

    def pids(self) -> dict[str, int]:
        """Process ids of what runs now."""
        return {name: s.pid for name, s in self._servers.items() if s.pid is not None}

    def last_words(self, name: str) -> str:
        """The end of a service's log."""
        return self._servers[name].last_words()

    def poll(self) -> list[str]:
        """Start anew what was started and has died; returns the names of what came back. Call it
        every second."""
        now = monotonic_s()
        back = []
        for name, server in self._servers.items():
            if name not in self._started:
                continue
            if server.pid is not None:
                if now - self._started[name] > _HEALTHY_S:
                    self._pause[name] = _FIRST_PAUSE_S
                continue
            if name not in self._due:
                pause = self._pause.get(name, _FIRST_PAUSE_S)
                self._due[name] = now + pause
                self._pause[name] = min(pause * 2, _LONGEST_PAUSE_S)
                log.warning("A process has died.", process=name, words=server.last_words())
            elif now >= self._due[name]:
                del self._due[name]
                self._start(name)
                back.append(name)
        return back

    def stop(self) -> None:
        """End all services; the last started is asked first, and all finish at the same time."""
        servers = list(reversed(self._servers.values()))
        for server in servers:
            server.ask_to_stop()
        for server in servers:
            server.stop()

    def _start(self, name: str) -> None:
        command = [sys.executable, "-m", "ironpulse", *self._services[name].arguments]
        self._servers[name].start(command, None)
        self._started[name] = monotonic_s()


def _server(name: str, folder: Path | None) -> Server:
    if folder is None:
        return Helper(name)
    folder.mkdir(parents=True, exist_ok=True)
    return Server(name, folder, folder / f"{name}.log", signal.SIGTERM)


def keep_running(services: Sequence[Service], stop: threading.Event) -> None:
    """Keep services running until `stop` is set; they write where this process writes."""
    supervisor = Supervisor(services, None)
    supervisor.start()
    try:
        while not stop.wait(_LOOK_S):
            supervisor.poll()
    finally:
        supervisor.stop()
