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
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fleet.loader import load_catalogue
from fleet.registry import Registration
from ironpulse.demo import registry
from ironpulse.settings import PRODUCTS, with_user
from ironpulse.stack import LocalStack
from ironpulse.stack.processes import Server
from store.connection import StoreUnavailable, connect, our_errors
from store.machines import register
from store.migrate import migrate
from tests import small
from tests.chaos.proxy import Proxy
from tests.processes import until
from tests.scenarios.lives import registered
from tests.scenarios.system import password_of
from tests.simulators.world import fleet

CLIENT = "chaos-ingest"
ILL = (("truck_crane", "CR-F13"), ("tower_crane", "CR-F15"))
_PATIENCE_S = 60.0
_PAUSE_S = 0.05


class World:
    """What runs, kept alive: a process that dies is started again."""

    def __init__(
        self,
        stack: LocalStack,
        folder: Path,
        database: Proxy,
        broker: Proxy,
        *,
        rules: bool,
        workers: int,
    ) -> None:
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
        ingest = [*python, "tests.chaos.ingest_process", near, mqtt, CLIENT, str(workers)]
        self._workers = [f"ingest {number + 1}" for number in range(workers)]
        self._turns = cycle(self._workers)
        self._commands = {name: [*ingest, name.split()[1]] for name in self._workers}
        if rules:
            self._commands["rules"] = [*python, "ironpulse", "rules"]
        self.environment = {"IRONPULSE_DATABASE_URL": near}
        self._servers = {
            name: Server(name, folder, folder / f"{name}.log", signal.SIGTERM)
            for name in self._commands
        }
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="keeper")
        self.ways: dict[str, Callable[[], None]] = {
            "ingest": lambda: self._kill(next(self._turns)),
            "between commit and acknowledgement": lambda: self._kill(
                next(self._turns), signal.SIGUSR1
            ),
            "PostgreSQL": lambda: self._kill("postgres"),
            "broker": lambda: self._kill("mosquitto"),
            "connections to the broker cut": self.broker.cut,
            "connections to the database cut": self._database.cut,
        }
        if rules:
            self.ways["rules"] = lambda: self._kill("rules")

    def start(self) -> None:
        self._thread.start()
        self.until_subscribed()

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

    def until_subscribed(self) -> None:
        """Wait until the database answers and an ingest takes messages."""
        until(self._subscribed, bool, _PATIENCE_S)

    def _subscribed(self) -> bool:
        try:
            with connect(self.stack.addresses.database_url) as connection, our_errors():
                found = connection.execute(
                    "select 1 from process_beat where detail @> '{\"subscribed\": true}'"
                ).fetchall()
        except StoreUnavailable:
            return False  # killed just now; the caller's patience bounds the wait
        return len(found) >= len(self._workers)


@contextmanager
def running_world(
    folder: Path, serials: list[str], *, alarms: bool, workers: int = 1
) -> Iterator[World]:
    """Everything on servers of its own in `folder`, with so many workers of the ingest, which are
    brought down in turn; `serials` are machines of the small plan.
    With `alarms` the rules run beside it, and for each of ILL there is a machine to fall ill and
    its twin."""
    with ExitStack() as closing:
        stack = closing.enter_context(LocalStack(folder))
        _fill(stack, serials, alarms=alarms)
        where = stack.addresses
        proxies = [
            closing.enter_context(Proxy("127.0.0.1", urlsplit(url).port or 0))
            for url in (where.database_url, where.mqtt_url)
        ]
        log = folder / "log"
        log.mkdir(exist_ok=True)
        world = World(stack, log, *proxies, rules=alarms, workers=workers)
        patch = closing.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        for name, value in world.environment.items():
            patch.setenv(name, value)
        closing.callback(world.stop)
        world.start()
        yield world


def _fill(stack: LocalStack, serials: list[str], *, alarms: bool) -> None:
    """Plans and machines, those that fall ill with credentials at the broker."""
    database_url = stack.addresses.database_url
    catalogue = small.catalogue()
    if alarms:
        real = load_catalogue(PRODUCTS)
        plans = {**real.plans, **catalogue.plans}
        catalogue = real.model_copy(update={"plans": plans})
    migrate(database_url, catalogue)
    tier = next(iter(catalogue.tiers))
    with connect(database_url) as connection:
        machines = [small.new_machine(serial, tier=tier) for serial in serials]
        register(connection, small.registration(*machines))
    if not alarms:
        return
    registry.register(database_url, fleet(5))
    ill = [registered(serial, product) for (product, _), pair in zip(ILL, ill_serials(),
           strict=True) for serial in pair]  # fmt: skip
    with connect(database_url) as connection:
        register(connection, Registration(machines=tuple(ill)))
    with stack.credentials() as credentials:
        credentials.add((machine.serial, password_of(machine.serial)) for machine in ill)


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
