"""Servers, ingest and rules of one chaos run, and the ways in which they are brought down."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fleet.loader import load_catalogue
from ironpulse.demo import registry
from ironpulse.settings import PRODUCTS, with_user
from ironpulse.stack import LocalStack
from ironpulse.stack.processes import Server
from store.connection import connect
from store.machines import register
from store.migrate import migrate
from tests import small
from tests.chaos.proxy import Proxy
from tests.processes import until
from tests.scenarios.lives import registered
from tests.simulators.world import fleet

CLIENT = "chaos-ingest"
ILL = (("truck_crane", "CR-F13"), ("tower_crane", "CR-F15"))
_PATIENCE_S = 60.0
_PAUSE_S = 0.05


class World:
    """What runs, kept alive: a process that dies is started again."""

    def __init__(self, stack: LocalStack, folder: Path, database: Proxy, broker: Proxy) -> None:
        self.stack = stack
        self.broker = broker
        self._database = database
        where = stack.addresses
        address = urlsplit(where.database_url)
        login = f"{address.username}:{address.password}"
        near = address._replace(netloc=f"{login}@127.0.0.1:{database.port}").geturl()
        mqtt = with_user(
            f"mqtt://127.0.0.1:{broker.port}", where.mqtt_ingest_user, where.mqtt_ingest_password
        )
        python = [sys.executable, "-m"]
        self._commands = {
            "ingest": [*python, "tests.chaos.ingest_process", near, mqtt, CLIENT],
            "rules": [*python, "ironpulse", "rules"],
        }
        self.environment = {"IRONPULSE_DATABASE_URL": near}
        self._servers = {
            name: Server(name, folder, folder / f"{name}.log", signal.SIGTERM)
            for name in self._commands
        }
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="keeper")
        self.ways: dict[str, Callable[[], None]] = {
            "ingest": lambda: self._kill("ingest"),
            "between commit and acknowledgement": lambda: self._kill("ingest", signal.SIGUSR1),
            "PostgreSQL": lambda: self._kill("postgres"),
            "broker": lambda: self._kill("mosquitto"),
            "rules": lambda: self._kill("rules"),
            "connections to the broker cut": self.broker.cut,
            "connections to the database cut": self._database.cut,
        }

    def start(self) -> None:
        self._thread.start()
        until(self._subscribed, bool, _PATIENCE_S)

    def stop(self) -> None:
        self._end.set()
        self._thread.join(60)
        for server in self._servers.values():
            server.stop()

    def pids(self) -> dict[str, int]:
        found = {name: s.pid for name, s in self._servers.items() if s.pid is not None}
        return self.stack.pids | found

    def last_words(self) -> str:
        """The ends of all logs, for a run that fails."""
        return "\n".join(f"{n}: {s.last_words()}" for n, s in self._servers.items())

    def _kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process; returns when another one has taken its place."""
        pid = until(lambda: self.pids().get(name), bool, _PATIENCE_S)
        assert pid is not None
        os.kill(pid, how)
        until(lambda: self.pids().get(name), lambda now: now not in (None, pid), _PATIENCE_S)

    def _keep_alive(self) -> None:
        while True:
            self.stack.poll()
            for name, server in self._servers.items():
                if server.pid is None:
                    server.start(self._commands[name], None)
            if self._end.wait(_PAUSE_S):
                return

    def _subscribed(self) -> bool:
        with connect(self.stack.addresses.database_url) as connection:
            found = connection.execute(
                "select 1 from process_beat where detail @> '{\"subscribed\": true}'"
            ).fetchall()
        return bool(found)


@contextmanager
def running_world(folder: Path, serials: list[str]) -> Iterator[World]:
    """Everything on servers of its own in `folder`; `serials` are machines of the small plan,
    beside them a machine to fall ill and its twin for each of ILL."""
    with ExitStack() as closing:
        stack = closing.enter_context(LocalStack(folder))
        where = stack.addresses
        real = load_catalogue(PRODUCTS)
        plans = {**real.plans, "pump": small.product_plan()}
        migrate(where.database_url, real.model_copy(update={"plans": plans}))
        registry.register(where.database_url, fleet(5))
        tier = next(iter(real.tiers))
        machines = [small.new_machine(serial, tier=tier) for serial in serials]
        ill = [registered(serial, p) for (p, _), pair in zip(ILL, ill_serials(), strict=True)
               for serial in pair]  # fmt: skip
        with connect(where.database_url) as connection:
            register(connection, small.registration(*machines))
            register(connection, small.registration(*ill))
        with stack.credentials() as credentials:
            credentials.add((machine.serial, f"word-{machine.serial}") for machine in ill)
        database_port = urlsplit(where.database_url).port
        mqtt_port = urlsplit(where.mqtt_url).port
        assert database_port is not None and mqtt_port is not None
        proxies = [
            closing.enter_context(Proxy("127.0.0.1", port)) for port in (database_port, mqtt_port)
        ]
        log = folder / "log"
        log.mkdir(exist_ok=True)
        world = World(stack, log, *proxies)
        patch = closing.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        for name, value in world.environment.items():
            patch.setenv(name, value)
        closing.callback(world.stop)
        world.start()
        yield world


def ill_serials() -> list[tuple[str, str]]:
    """For each of ILL the machine that falls ill in the storm, and its twin that does so later."""
    return [(f"STORM-{number}", f"CALM-{number}") for number in range(len(ILL))]


def storm(
    world: World, kills: int, rng: random.Random, ways: list[str], told: Callable[[int], None]
) -> dict[str, int]:
    """Bring things down `kills` times, each way about as often; returns how often each was taken.

    `told` is called with the number of kills done. Pauses are random: some strike what is barely
    up again.
    """
    chosen = [ways[number % len(ways)] for number in range(kills)]
    rng.shuffle(chosen)
    for number, way in enumerate(chosen):
        world.ways[way]()
        told(number + 1)
        time.sleep(rng.uniform(0.05, 1.5))
    return {way: chosen.count(way) for way in ways}
