"""The measurement: alarms at scripted moments while a fleet reports, seen through the API."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import paho.mqtt.client as mqtt
from rich.progress import Progress

from benchmarks.alarm_latency.load import messages
from benchmarks.alarm_latency.publisher import Publisher, connected
from benchmarks.ingest.system import System, ingest, servers
from fleet import clock
from fleet.clock import MS_PER_S
from fleet.errors import IronpulseError
from fleet.loader import load_catalogue
from ingest.topics import telemetry_topic
from ironpulse.demo import registry
from ironpulse.stack.processes import free_port
from rules.worker import Worker
from simulators.fleet import FleetMachine, demo_fleet
from store.connection import Database, connect
from store.migrate import migrate

ROOT = Path(__file__).parents[2]
#: A crane that lifts more than it may: raised by the first sample that says so.
RULE = "moment_alarm"
_CRANE = "truck_crane"
_LIFTING = {
    "eng_speed_rpm": 1500.0, "veh_speed_kmh": 0.0, "out_state": 2.0, "hoist_stick_pct": 60.0,
    "lmi_load_t": 12.0, "lmi_rated_t": 11.0,
}  # fmt: skip
_OVERLOADED = _LIFTING | {"lmi_moment_pct": 106.0}
_EASY = _LIFTING | {"lmi_moment_pct": 60.0}
#: The API is asked this often while an alarm is awaited; it is part of what is measured.
POLL_S = 0.02
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Offer:
    """`machines` report in turn, `rate` messages a second for `seconds`; `alarms` of others."""

    machines: int
    rate: float
    seconds: float
    alarms: int


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds from publishing to the API's answer, of each alarm that was seen; messages a
    second that were published; samples that waited for the rules when the load ended; and samples
    a second that the rules judge when they have a backlog."""

    latencies_ms: tuple[float, ...]
    awaited: int
    rate: float
    behind: int
    rules_rate: float

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.latencies_ms, share))


def measure(offer: Offer, progress: Progress) -> Result:
    """One run on new servers, with the product's own processes."""
    task = progress.add_task("starting", total=offer.seconds)
    catalogue = load_catalogue(ROOT / "products")
    fleet = demo_fleet(catalogue.plans, offer.machines, today=datetime(2026, 6, 1).date())
    cranes = [machine for machine in fleet.machines if machine.product == _CRANE]
    if len(cranes) <= offer.alarms:
        raise IronpulseError(f"{offer.machines} machines have too few truck cranes to alarm")
    alarming = cranes[: offer.alarms]
    apart = {machine.serial for machine in alarming}
    others = [machine for machine in fleet.machines if machine.serial not in apart]
    said = messages(catalogue.plans, others)
    with servers() as stack:
        system = System(stack, stack.addresses.database_url, offer.machines)
        migrate(system.database_url, catalogue)
        registry.register(system.database_url, fleet)
        with ingest(system, 1):
            with process(system, "rules"), api_of(system) as api:
                progress.update(task, description="publishing")
                with Publisher(system.publishers, said, offer.rate) as publisher:
                    step = partial(progress.update, task)
                    found, rate = _under_load(offer, system, api, publisher, alarming, step)
                    behind = _behind(system)
                _until(lambda: _behind(system) == 0)
            progress.update(task, description="the rules with a backlog")
            with Publisher(system.publishers, said, offer.rate) as publisher:
                publisher.begin()
                time.sleep(offer.seconds / 3)  # the backlog's own length
            rules_rate = _caught_up(system)
    return Result(tuple(found), offer.alarms, rate, behind, rules_rate)


@contextmanager
def process(system: System, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`ironpulse NAME` as it runs in production."""
    own = {"IRONPULSE_DATABASE_URL": system.database_url, "IRONPULSE_MQTT_URL": system.mqtt_url}
    command = [sys.executable, "-m", "ironpulse", name, *arguments]
    running = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(_PATIENCE_S)


@contextmanager
def api_of(system: System) -> Iterator[httpx.Client]:
    """The API, and a service manager who is signed in."""
    port = free_port()
    with (
        process(system, "api", "--port", str(port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=20.0) as client,
    ):
        said = {"name": "manager", "password": registry.DEMO_PASSWORD}
        _until(lambda: _answers(client))
        answer = client.post("/session", json=said).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/machines").status_code == 401
    except httpx.TransportError:
        return False  # it does not listen yet


def _behind(system: System) -> int:
    """Samples that are stored and wait for the rules."""
    with connect(system.database_url) as connection:
        row = connection.execute(
            "select coalesce(sum(samples), 0) as n from ingest_batch where position >"
            " (select min(position) from rule_partition)"
        ).fetchone()
    assert row is not None
    return int(row["n"])


def _caught_up(system: System) -> float:
    """Samples a second that one worker judges when it has a backlog."""
    with Database(system.database_url) as database:
        worker = Worker(database)
        began = clock.monotonic_s()
        while worker.step():
            pass
        return float(worker.detail["samples"]) / (clock.monotonic_s() - began)


def _until(true: Callable[[], bool]) -> None:
    deadline = clock.monotonic_s() + _PATIENCE_S
    while not true():
        if clock.monotonic_s() > deadline:
            raise IronpulseError(f"what was awaited did not come within {_PATIENCE_S:g} s")
        time.sleep(POLL_S)  # between two real questions


def _under_load(
    offer: Offer,
    system: System,
    api: httpx.Client,
    publisher: Publisher,
    alarming: Sequence[FleetMachine],
    step: Callable[..., None],
) -> tuple[list[float], float]:
    """Milliseconds of each alarm, and the rate that was published."""
    line = connected(system.publishers, "bench-alarms")
    rng = random.Random(1)
    try:
        for machine in alarming:
            _say(line, machine.serial, _EASY)
        publisher.begin()
        began = clock.monotonic_s()
        found = []
        for number, machine in enumerate(alarming):
            # The first fifth of the time is for warming up.
            share = 0.2 + 0.75 * (number + rng.random() / 2) / offer.alarms
            _sleep_until(began + share * offer.seconds)
            at = clock.monotonic_s()
            _say(line, machine.serial, _OVERLOADED)
            found.append(_seen(api, machine.serial, at))
            step(completed=clock.monotonic_s() - began)
        took = clock.monotonic_s() - began
        return found, publisher.sent.value / took
    finally:
        line.disconnect()
        line.loop_stop()


def _say(line: mqtt.Client, serial: str, values: Mapping[str, float]) -> None:
    said = json.dumps({"ts": clock.now_ms(), "values": values})
    line.publish(telemetry_topic(serial), said, qos=1)


def _sleep_until(moment: float) -> None:
    """Until the next scripted moment; at once where that is over."""
    time.sleep(max(0.0, moment - clock.monotonic_s()))


def _seen(api: httpx.Client, serial: str, since: float) -> float:
    """Milliseconds until the API's answer has the alarm."""
    while True:
        answer = api.get("/alarms", params={"machine": serial, "rule": RULE, "limit": 1})
        answer.raise_for_status()
        now = clock.monotonic_s()
        if answer.json()["items"]:
            return (now - since) * MS_PER_S
        if now - since > _PATIENCE_S:
            raise IronpulseError(f"the alarm of {serial} did not come within {_PATIENCE_S:g} s")
        time.sleep(POLL_S)  # between two real questions
