"""Writing samples of the pump into the store as ingest does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fleet.batch import SampleBatch
from fleet.clock import MS_PER_DAY
from store import ingest_log, telemetry
from store.connection import Connection
from store.ingest_log import NewEntry
from tests.predict.plans import pump

PLAN = pump()
SIGNALS = PLAN.signal_keys
START = 20_500 * MS_PER_DAY
Row = tuple[int, float, float, float, float, float]
"""(machine, hours after START, bar, strokes/min, m3, operating hours)."""


def samples(rows: Sequence[Row]) -> SampleBatch:
    """Rows as a batch."""
    times = np.array([START + round(row[1] * 3_600_000) for row in rows], np.int64)
    values = np.array([row[2:] for row in rows], dtype=float).reshape(len(rows), 4)
    machine = np.array([row[0] for row in rows], np.int64)
    return SampleBatch("pump", SIGNALS, machine, times, times, np.asfortranarray(values))


def write(connection: Connection, rows: Sequence[Row]) -> None:
    """One commit of ingest."""
    batch = samples(rows)
    with connection.transaction():
        batch_id = ingest_log.next_id(connection)
        telemetry.write(connection, PLAN, batch, batch_id)
        oldest, newest = int(batch.measured_at.min()), int(batch.measured_at.max())
        entry = NewEntry(batch_id, "telemetry", "pump", len(batch), oldest, newest, newest)
        ingest_log.append(connection, [entry])


def working(machine: int, start_h: float, stop_h: float, *, volume: float = 0.0) -> list[Row]:
    """A machine that pumps 10 m3 an hour at normal pressure, a sample every minute."""
    minutes = range(round(start_h * 60), round(stop_h * 60))
    return [(machine, m / 60, 150.0, 20.0, volume + m / 6, 100 + m / 60) for m in minutes]


def days_of_work(machine: int, days: int) -> list[Row]:
    """Four hours of pumping at 25 m3 an hour every day, a sample every two minutes; the hour
    meter stands at 2010 in the beginning."""
    rows: list[Row] = []
    hours, rate = 4, 25.0
    steps = hours * 30
    for day in range(days):
        for step in range(steps + 1):
            worked = day * hours + step / 30
            rows.append((machine, day * 24 + step / 30, 150.0, 20.0, worked * rate, 2010 + worked))
    return rows
