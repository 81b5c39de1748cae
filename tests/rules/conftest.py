"""A database with the small product's rules, and a hand that brings samples into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fleet import clock
from fleet.batch import FaultCode, FaultReport, SampleBatch
from ingest import quality
from ironpulse.stack import LocalStack
from rules.live.worker import Worker
from store import ingest_log, ledger, machines, reports, telemetry
from store.connection import Connection, Database, connect
from store.ingest_log import NewEntry
from store.migrate import migrate
from tests import small
from tests.conftest import close_template, copied_database, make_template
from tests.rules.plans import plan

Row = tuple[int, int, dict[str, float]]


@pytest.fixture(scope="session")
def rules_template(stack: LocalStack, empty_template: str) -> str:
    """Name of a database with the plan of tests/rules/plans.py and three machines."""
    name = "rules_template"
    url = make_template(stack, name, empty_template)
    migrate(url, small.catalogue(plan()))
    with connect(url) as connection:
        machines.register(connection, small.registration())
    close_template(stack, name)
    return name


@pytest.fixture
def rules_store(stack: LocalStack, rules_template: str) -> Iterator[str]:
    """Address of a new database with the product of tests/rules/plans.py."""
    yield from copied_database(stack, rules_template)


@dataclass
class Bench:
    """A database, a worker on it, and what a test brings in. Rows are (machine, ms, values)."""

    database: Database
    connection: Connection

    def worker(self) -> Worker:
        return Worker(self.database)

    def bring(self, rows: Sequence[Row], received_at: int | None = None) -> None:
        """Commit samples as ingest does."""
        keys = plan().signal_keys
        values = np.full((len(rows), len(keys)), np.nan, order="F")
        for place, (_, _, given) in enumerate(rows):
            for key, value in given.items():
                values[place, keys.index(key)] = value
        times = np.array([time for _, time, _ in rows], np.int64)
        ids = np.array([machine for machine, _, _ in rows], np.int64)
        at = clock.now_ms() if received_at is None else received_at
        batch = SampleBatch("pump", keys, ids, times, np.full(len(rows), at), values)
        batch, _ = quality.judged(batch, quality.limits_of(plan()))
        with self.connection.transaction():
            number = ingest_log.next_id(self.connection)
            telemetry.write(self.connection, plan(), batch, number)
            self._account(ids.tolist(), times.tolist(), at)
            self._append(number, "telemetry", times.tolist(), at)

    def bring_faults(self, machine: int, at: int, *active: dict[str, Any]) -> None:
        """Commit one fault report as ingest does."""
        report = FaultReport(machine, at, at, tuple(FaultCode(**code) for code in active))
        with self.connection.transaction():
            number = ingest_log.next_id(self.connection)
            reports.write_faults(self.connection, [report], number)
            self._account([machine], [at], clock.now_ms())
            self._append(number, "faults", [at], clock.now_ms())

    def _account(self, ids: list[int], times: list[int], at: int) -> None:
        tallies: dict[int, ledger.Tally] = {}
        for machine, time in zip(ids, times, strict=True):
            tally = tallies.setdefault(machine, ledger.Tally(at))
            tally.saw(time, time)
            tally.stored += 1
        ledger.add(self.connection, tallies)

    def _append(self, number: int, kind: Any, times: list[int], at: int) -> None:
        entry = NewEntry(number, kind, "pump", len(times), min(times), max(times), at)
        ingest_log.append(self.connection, [entry])

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.connection.execute(query).fetchall()

    def alarms(self, *fields: str) -> list[tuple[Any, ...]]:
        """The alarms that are not withdrawn, by machine, rule and time."""
        found = self.rows(
            "select * from alarm where state <> 'withdrawn' "
            "order by machine_id, rule, component, raised_at"
        )
        return [tuple(row[field] for field in fields) for row in found]


@pytest.fixture
def bench(rules_store: str) -> Iterator[Bench]:
    with Database(rules_store, max_size=3) as database, connect(rules_store) as connection:
        yield Bench(database, connection)


@pytest.fixture
def run_all() -> Callable[[Worker], None]:
    """Let a worker judge everything there is."""

    def run(worker: Worker) -> None:
        while worker.step():
            pass

    return run
