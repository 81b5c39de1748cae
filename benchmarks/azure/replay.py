"""The replay: MQTT, the real ingest, rules, detectors and tickets, day by day."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.azure import jobs
from benchmarks.azure.data import JUDGED_FROM, Sample, error_reports
from benchmarks.ingest.system import System, ingest, servers
from fleet import clock
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.errors import IronpulseError
from fleet.loader import load_catalogue, load_plan
from fleet.plan import Catalogue
from fleet.registry import Customer, NewMachine, Region, Registration, Station
from fleet.text import Text
from ingest.topics import faults_topic, telemetry_topic
from rules.live import teacher
from rules.live.worker import Worker
from store.connection import Connection, Database, connect
from store.machines import register
from store.migrate import migrate

ROOT = Path(__file__).parents[2]
PRODUCT = "azure_machine"
_PLACE = Text(en="Sample", zh="样例")
_PATIENCE_S = 60.0
_POLL_S = 0.01

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Visit:
    """A ticket that an alarm opened: machine, when (ms of the data's year), until when it was
    open, what was found, and the components it named."""

    machine: int
    opened: int
    done: int | None
    code: str | None
    named: tuple[str, ...]


def serial(machine: int) -> str:
    return f"AZM-{machine:03d}"


def azure_catalogue(limit: float | None = None) -> Catalogue:
    """The plan of the sample's machines, with what all products share; another `limit` of its
    detectors."""
    shared = load_catalogue(ROOT / "products")
    plan = load_plan(Path(__file__).parent / PRODUCT, ROOT / "products" / "common")
    if limit is not None:
        said = plan.model_dump()
        for rule in said["rules"]:
            if rule["normal"] is not None:
                rule["normal"]["limit"] = limit
        plan = type(plan).model_validate(said)
    return shared.model_copy(update={"plans": {PRODUCT: plan}})


def replay(
    sample: Sample, told: Callable[[float], None], limit: float | None = None
) -> list[Visit]:
    """All tickets that came of the sample. `told` hears which share of the time has passed;
    `limit` is tried instead of the plan's."""
    catalogue = azure_catalogue(limit)
    with servers() as stack:
        system = System(stack, stack.addresses.database_url, len(sample.models))
        migrate(system.database_url, catalogue)
        with connect(system.database_url) as connection:
            ids = register(connection, _registration(sample))
        with ingest(system, 1), Database(system.database_url) as database, _mqtt(system) as line:
            _Replay(sample, catalogue, ids, database, line).run(told)
        with connect(system.database_url) as connection:
            return _visits(connection, sample, _moved(sample))


class _Replay:
    """Days begin at six, when the data has components replaced: a job is done before what the
    machine said afterwards is judged."""

    def __init__(
        self,
        sample: Sample,
        catalogue: Catalogue,
        ids: dict[str, int],
        database: Database,
        line: mqtt.Client,
    ) -> None:
        self._sample, self._catalogue, self._ids = sample, catalogue, ids
        self._database, self._line = database, line
        self._shift = _moved(sample)
        self._worker = Worker(database, as_it_came=True)
        self._reports = list(error_reports(sample))
        self._sent = {"telemetry": 0, "faults": 0}

    def run(self, told: Callable[[float], None]) -> None:
        first, last = self._sample.span
        for begin in range(first, last + 1, MS_PER_DAY):
            self._jobs(begin)
            self._publish(begin, begin + MS_PER_DAY)
            self._until_stored()
            while self._worker.step():
                pass
            if begin + MS_PER_DAY <= JUDGED_FROM:
                with self._database.transaction() as connection:
                    teacher.teach_all(connection, self._catalogue, begin + MS_PER_DAY + self._shift)
            self._worker.forget_identities()
            told((begin - first) / (last - first))

    def _jobs(self, begin: int) -> None:
        """What was replaced since yesterday at this time, and the visits whose day has come."""
        sample, now_ms = self._sample, begin + self._shift
        day = range(begin - MS_PER_DAY + 1, begin + 1)
        done: dict[int, set[str]] = {}
        for one in [*sample.replacements, *sample.failures]:
            if one.at in day:
                done.setdefault(one.machine, set()).add(one.what)
        failed = {one.machine for one in sample.failures if one.at in day}
        ahead = range(begin + 1, begin + jobs.HORIZON_MS)
        failing = {serial(one.machine) for one in sample.failures if one.at in ahead}
        with self._database.transaction() as connection:
            for machine, parts in sorted(done.items()):
                name = serial(machine)
                jobs.replaced(
                    connection, self._catalogue, self._ids[name], name, parts,
                    machine in failed, now_ms,
                )  # fmt: skip
            jobs.looked_at(connection, self._catalogue, sorted(self._ids), failing, now_ms)

    def _publish(self, begin: int, end: int) -> None:
        batches: dict[int, list[Row]] = {}
        for machine, at, values in self._sample.telemetry:
            if begin <= at < end:
                row: Row = {"ts": at + self._shift, "values": values}
                batches.setdefault(machine, []).append(row)
        for machine, rows in batches.items():
            self._line.publish(telemetry_topic(serial(machine)), json.dumps(rows), qos=1)
            self._sent["telemetry"] += len(rows)
        for machine, at, codes in self._reports:
            if begin <= at < end:
                active = [{"code": code} for code in codes]
                said = json.dumps({"ts": at + self._shift, "active": active})
                self._line.publish(faults_topic(serial(machine)), said, qos=1)
                self._sent["faults"] += 1

    def _until_stored(self) -> None:
        deadline = clock.monotonic_s() + _PATIENCE_S
        while True:
            with self._database.connection() as connection:
                rows = connection.execute(
                    "select kind, sum(samples) as n from ingest_batch group by kind"
                ).fetchall()
            stored = {row["kind"]: int(row["n"]) for row in rows}
            if all(stored.get(kind, 0) >= sent for kind, sent in self._sent.items()):
                return
            if clock.monotonic_s() > deadline:
                raise IronpulseError(f"of {self._sent} only {stored} was stored")
            time.sleep(_POLL_S)  # between two real questions


def _moved(sample: Sample) -> int:
    """By how many ms the data's year is moved so that its last hour was an hour ago."""
    hours = (clock.now_ms() - sample.span[1]) // MS_PER_HOUR
    days = hours // 24
    return days * MS_PER_DAY


def _registration(sample: Sample) -> Registration:
    machines = tuple(
        NewMachine(
            serial(machine), PRODUCT, model, "sample", "sample", "standard", _PLACE, 0.0, 0.0,
            date(2014, 6, 1),
        )
        for machine, model in sorted(sample.models.items())
    )  # fmt: skip
    return Registration(
        [Region("sample", _PLACE)],
        [Customer("sample", _PLACE)],
        [Station("sample", "sample", _PLACE, 0.0, 0.0)],
        machines,
    )


@contextmanager
def _mqtt(system: System) -> Iterator[mqtt.Client]:
    where = system.publishers
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(where.user, where.password)
    client.max_queued_messages_set(0)
    client.connect(where.host, where.port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _visits(connection: Connection, sample: Sample, shift: int) -> list[Visit]:
    """The tickets with an alarm of the learned detector on them, by the moment of the first."""
    rows = connection.execute(
        "select machine.serial, min(alarm.raised_at) as opened, ticket.done_at,"
        " ticket.finding_code, array_agg(item.failure_modes::text) as named"
        " from ticket join machine on machine.id = ticket.machine_id"
        " join ticket_item item on item.ticket_id = ticket.id and item.kind = 'alarm'"
        " join finding on finding.id = item.finding_id"
        " join alarm on alarm.id = finding.alarm_id"
        " where item.source <> 'error_code'"
        " group by ticket.id, machine.serial order by opened"
    ).fetchall()
    numbers = {serial(machine): machine for machine in sample.models}
    return [
        Visit(
            numbers[row["serial"]],
            clock.to_ms(row["opened"]) - shift,
            None if row["done_at"] is None else clock.to_ms(row["done_at"]) - shift,
            row["finding_code"],
            tuple(sorted({n for text in row["named"] for n in text.strip("{}").split(",") if n})),
        )
        for row in rows
    ]
