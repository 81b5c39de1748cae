"""A whole Ironpulse for one test: its real processes on a real broker and a real database."""

from __future__ import annotations

import selectors
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from operator import le
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fleet import clock
from fleet.broker import BrokerAddress
from fleet.registry import NewMachine, Registration
from ironpulse.demo.registry import DEMO_PASSWORD
from ironpulse.settings import with_user
from ironpulse.stack import Credentials, StackAddresses
from ironpulse.stack.processes import free_port
from ironpulse.supervisor import Service, Supervisor
from simulators.device import Device, serve
from simulators.transport import PROFILES
from store.connection import connect
from store.machines import register
from tests.processes import until, until_none_in
from tests.scenarios.lives import Life, Sample

PROCESSES = ("ingest", "rules", "predict", "api")
_PATIENCE_S = 60.0
#: Status reports of one connection.
_HELLO_AND_GOODBYE = 2

Row = dict[str, Any]


@dataclass(frozen=True)
class System:
    """The running processes, and what a test does to them from outside."""

    addresses: StackAddresses
    supervisor: Supervisor
    api: httpx.Client  # the service manager, signed in
    told: Counter[str] = field(default_factory=Counter)

    def register(self, *machines: NewMachine) -> None:
        """Machines in the registry, with credentials at the broker."""
        with connect(self.addresses.database_url) as connection:
            register(connection, Registration(machines=machines))
        self.let_in(*(machine.serial for machine in machines))

    def let_in(self, *serials: str) -> None:
        """Credentials at the broker; a machine's password is `word-` and its serial."""
        where = self.addresses
        with Credentials(
            where.mqtt_url, where.mqtt_admin_user, where.mqtt_admin_password
        ) as credentials:
            credentials.add([(serial, password_of(serial)) for serial in serials])

    @contextmanager
    def device(self, serial: str) -> Iterator[SimulatedUnit]:
        """A machine's telematics unit, as the simulators have it."""
        unit = SimulatedUnit(self.addresses.mqtt_url, serial)
        try:
            yield unit
        finally:
            unit.close()

    def live(self, *lives: Life) -> None:
        """Let machines tell their lives one after the other, in order of time."""
        for life in lives:
            with self.device(life.serial) as unit:
                unit.tell(life)
            self.told[life.serial] += life.reports + _HELLO_AND_GOODBYE

    def get(self, path: str, **params: Any) -> Any:
        """The answer of the API, which must be a good one."""
        answer = self.api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ledger(self, serial: str) -> Row:
        """What came of everything a machine sent; it always balances."""
        found: Row = self.get(f"/machines/{serial}/ledger")
        ends = ("stored", "merged", "repeated", "rejected")
        assert found["received"] == sum(found[end] for end in ends), found
        return found

    def until_judged(self, *serials: str, patience_s: float = _PATIENCE_S) -> None:
        """Wait until all that these machines told is stored or rejected, judged and counted."""
        for serial in serials:
            received = partial(self._received, serial)
            until(received, partial(le, self.told[serial]), patience_s)
        until(self.behind, {"rules": 0, "predict": 0}.__eq__, patience_s)

    def _received(self, serial: str) -> int:
        return int(self.ledger(serial)["received"])

    def behind(self) -> dict[str, int]:
        """Commits that each consumer has not read yet."""
        return {one["consumer"]: one["behind"] for one in self.get("/ingest")["consumers"]}

    def alarms(self, serial: str) -> list[Row]:
        """All alarms a machine ever had, by the time they were raised."""
        found = self.get("/alarms", machine=serial, limit=200)["items"]
        return sorted(found, key=lambda alarm: (alarm["raised_at"], alarm["rule"]))

    def tickets(self, serial: str) -> list[Row]:
        """All tickets of a machine, whole."""
        queue = self.get("/tickets", machine=serial, limit=200)["items"]
        return [self.get(f"/tickets/{one['number']}") for one in queue]

    def until_tickets(self, serial: str, count: int) -> list[Row]:
        """Wait until a machine has so many tickets."""
        return until(lambda: self.tickets(serial), lambda found: len(found) == count)

    def rows(self, query: str) -> list[Row]:
        """What the store holds, where no route of the API shows it."""
        with connect(self.addresses.database_url) as connection:
            return connection.execute(query).fetchall()


class SimulatedUnit:
    """Drives a device of the simulators, which keeps what the broker has not acknowledged."""

    def __init__(self, mqtt_url: str, serial: str) -> None:
        self._selector = selectors.DefaultSelector()
        self.device = Device(
            serial,
            password_of(serial),
            BrokerAddress.of(mqtt_url),
            self._selector,
            np.random.default_rng(1),
            PROFILES["clean"],
        )

    def tell(self, life: Life) -> None:
        """Say everything, and return when the broker has it."""
        for at_ms, codes in life.faults:
            self.device.faults(at_ms, codes)
        self.say(*life.samples)

    def say(self, *samples: Sample) -> None:
        """Say samples, and return when the broker has them."""
        wanted = self.device.acknowledged + self.device.waiting + len(samples)
        for at_ms, values in samples:
            self.device.sample(at_ms, values)
        until(self._turned, lambda done: done >= wanted and self.idle)

    @property
    def idle(self) -> bool:
        """Whether everything said was acknowledged or refused, fault lists and status too."""
        return self.device.idle

    def turn(self) -> None:
        """Do what is to be done now."""
        self.device.turn(time.monotonic(), clock.now_ms(), covered=True)
        serve(self._selector, 0.02)

    def close(self) -> None:
        self.device.close(clock.now_ms())
        self._selector.close()

    def _turned(self) -> int:
        self.turn()
        return self.device.acknowledged + self.device.refused


def password_of(serial: str) -> str:
    """A machine's password at the broker."""
    return f"word-{serial}"


@contextmanager
def running_system(
    addresses: StackAddresses,
    folder: Path,
    processes: Sequence[str] = PROCESSES,
    environment: dict[str, str] | None = None,
) -> Iterator[System]:
    """Ironpulse's processes on the servers at `addresses`; nothing of them is left afterwards."""
    port = free_port()
    extra = {"api": ("--port", str(port))}
    services = [Service(name, (name, *extra.get(name, ()))) for name in processes]
    ingest = (addresses.mqtt_ingest_user, addresses.mqtt_ingest_password)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRONPULSE_DATABASE_URL", addresses.database_url)
        patch.setenv("IRONPULSE_MQTT_URL", with_user(addresses.mqtt_url, *ingest))
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        supervisor = Supervisor(services, folder)
        base = f"http://127.0.0.1:{port}/api/v1"
        try:
            supervisor.start()
            with httpx.Client(base_url=base, timeout=20.0) as api:
                _sign_in(api, supervisor)
                system = System(addresses, supervisor, api)
                until(lambda: _up(system), lambda up: up >= set(processes), _PATIENCE_S)
                yield system
        finally:
            supervisor.stop()
    until_none_in(folder)


def _sign_in(api: httpx.Client, supervisor: Supervisor) -> None:
    said = {"name": "manager", "password": DEMO_PASSWORD}
    answer = until(
        lambda: asked(lambda: api.post("/session", json=said)),
        lambda answer: answer is not None or "api" not in supervisor.pids(),
        _PATIENCE_S,
    )
    assert answer is not None and answer.status_code == 201, supervisor.last_words("api")
    api.headers["Authorization"] = f"Bearer {answer.json()['token']}"


def asked(question: Callable[[], httpx.Response]) -> httpx.Response | None:
    """The answer; None where nobody listens."""
    try:
        return question()
    except httpx.TransportError:
        return None  # not yet or no longer there; the caller's deadline bounds the wait


def _up(system: System) -> set[str]:
    """The processes that are at work; the ingest once the broker sends it everything."""
    beats = system.get("/ingest")["beats"]
    return {b["process"] for b in beats if b["detail"].get("subscribed", True)}
