"""Reading samples back from the wide hypertables: as batches, and as series for charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from psycopg import sql

from fleet import clock
from fleet.batch import FloatColumn, IntColumn, SampleBatch
from fleet.plan import ProductPlan
from store import binary
from store.connection import Connection
from store.hypertables import AGGREGATES, table_name
from store.ingest_log import LogEntry
from store.queries import load

#: A chart shows no more points than this; a longer range is averaged into buckets.
MOST_POINTS = 2000

_SQL = load("telemetry")
_KEY_TYPES = (">i4", ">i8", ">i8")
#: Lengths of buckets that people read easily, in seconds.
_STEPS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Series:
    """Signals of one machine over time: `times` (n,) milliseconds since 1970 UTC, and per signal
    three columns (n,), NaN where nothing is known.

    `step_s` is the length of the buckets that begin at `times`; None means single samples, whose
    `average`, `low` and `high` are the same.
    """

    signals: tuple[str, ...]
    step_s: float | None
    times: IntColumn
    average: dict[str, FloatColumn]
    low: dict[str, FloatColumn]
    high: dict[str, FloatColumn]


def read_batch(
    connection: Connection,
    plan: ProductPlan,
    entry: LogEntry,
    signals: Sequence[str] | None = None,
    partitions: Sequence[int] | None = None,
) -> SampleBatch:
    """The samples of one entry of the ingest log, ordered by machine and time.

    `received_at` is the entry's. `signals` defaults to all of the plan, `partitions` (see
    store.partitions) to all machines.
    """
    values = {
        "partitions": None if partitions is None else list(partitions),
        "batch": entry.id,
        "oldest": clock.to_datetime(entry.oldest),
        "newest": clock.to_datetime(entry.newest),
    }
    batch, _ = _read(connection, plan, "read_batch", signals, values)
    return replace(batch, received_at=np.full(len(batch), entry.received_at, np.int64))


def read_range(
    connection: Connection,
    plan: ProductPlan,
    machine_ids: Sequence[int],
    since_ms: int,
    until_ms: int,
    signals: Sequence[str] | None = None,
) -> SampleBatch:
    """The samples of machines in [since, until), ordered by machine and time.

    `received_at` is that of the batch which brought the row last, or the time of measurement
    where the log no longer knows that batch. `signals` defaults to all of the plan.
    """
    values = {
        "machines": [int(machine_id) for machine_id in machine_ids],
        "since": clock.to_datetime(since_ms),
        "until": clock.to_datetime(until_ms),
    }
    batch, batch_ids = _read(connection, plan, "read_range", signals, values)
    ids, positions = np.unique(batch_ids, return_inverse=True)
    rows = connection.execute(_SQL["received"], {"ids": ids.tolist()}).fetchall()
    known = {row["id"]: clock.to_ms(row["received_at"]) for row in rows}
    received = np.array([known.get(batch_id, -1) for batch_id in ids.tolist()], np.int64)
    received_at = received[positions]
    return replace(batch, received_at=np.where(received_at < 0, batch.measured_at, received_at))


def series(
    connection: Connection,
    plan: ProductPlan,
    machine_id: int,
    signals: Sequence[str],
    since_ms: int,
    until_ms: int,
    step_s: float | None = None,
) -> Series:
    """The course of `signals` in [since, until): single samples where they are few and no step
    is asked for, else averages, lowest and highest values of buckets, never more than MOST_POINTS.
    """
    values: dict[str, Any] = {
        "machine": machine_id,
        "since": clock.to_datetime(since_ms),
        "until": clock.to_datetime(until_ms),
    }
    names = {
        "table": sql.Identifier(table_name(plan.product)),
        "columns": sql.SQL(", ").join(map(sql.Identifier, signals)),
    }
    if step_s is None:
        statement = sql.SQL(_SQL["raw_series"]).format(**names)
        rows = connection.execute(statement, {**values, "most": MOST_POINTS + 1}).fetchall()
        if len(rows) <= MOST_POINTS:
            single = {key: _floats(rows, key) for key in signals}
            return Series(tuple(signals), None, _times(rows), single, single, single)
    step = bucket_s(until_ms - since_ms, step_s)
    aggregates = sql.SQL(", ").join(
        sql.SQL("{}({}) as {}").format(
            sql.SQL(function), sql.Identifier(key), sql.Identifier(f"{key}_{function}")
        )
        for key in signals
        for function in AGGREGATES
    )
    statement = sql.SQL(_SQL["bucketed_series"]).format(**names, aggregates=aggregates)
    rows = connection.execute(statement, {**values, "step": timedelta(seconds=step)}).fetchall()
    average, low, high = (
        {key: _floats(rows, f"{key}_{function}") for key in signals} for function in AGGREGATES
    )
    return Series(tuple(signals), step, _times(rows), average, low, high)


def bucket_s(range_ms: int, asked_s: float | None) -> float:
    """The length of a bucket, in seconds: as asked, or longer where MOST_POINTS demand it."""
    least = range_ms / clock.MS_PER_S / MOST_POINTS
    if asked_s is not None and asked_s >= least:
        return asked_s
    fitting = [float(step) for step in _STEPS if step >= least]
    return fitting[0] if fitting else float(-(-least // _STEPS[-1]) * _STEPS[-1])


def _read(
    connection: Connection,
    plan: ProductPlan,
    block: str,
    signals: Sequence[str] | None,
    values: dict[str, Any],
) -> tuple[SampleBatch, IntColumn]:
    """The batch, its `received_at` not yet filled, and the batch id of each row."""
    chosen = tuple(plan.signal_keys if signals is None else signals)
    types = [">f4" if plan.signal[key].type in ("real", "smallint") else ">f8" for key in chosen]
    statement = sql.SQL(_SQL[block]).format(
        table=sql.Identifier(table_name(plan.product)),
        signals=sql.SQL(", ").join(map(_as_array, chosen, types)),
    )
    cursor = connection.cursor(binary=True)
    cursor.execute(statement, values)
    result = cursor.pgresult
    assert result is not None
    columns = [
        np.concatenate(
            [
                binary.unpack_array(result.get_value(row, number), dtype)
                for row in range(result.ntuples)
            ]
            or [np.empty(0, dtype)]
        )
        for number, dtype in enumerate((*_KEY_TYPES, *types))
    ]
    measured_at = binary.from_timestamps(columns[1])
    order = np.lexsort((measured_at, columns[0]))
    matrix: FloatColumn = np.empty((len(order), len(chosen)), np.float64, order="F")
    for number in range(len(chosen)):
        matrix[:, number] = columns[3 + number][order]
    machine_id = columns[0][order].astype(np.int64)
    measured_at = measured_at[order]
    batch = SampleBatch(plan.product, chosen, machine_id, measured_at, measured_at, matrix)
    return batch, columns[2][order].astype(np.int64)


def _as_array(key: str, dtype: str) -> sql.Composed:
    name = sql.SQL("real" if dtype == ">f4" else "double precision")
    return sql.SQL("array_agg(coalesce({}::{}, 'NaN'))").format(sql.Identifier(key), name)


def _times(rows: Sequence[dict[str, Any]]) -> IntColumn:
    return np.array([clock.to_ms(row["at"]) for row in rows], np.int64)


def _floats(rows: Sequence[dict[str, Any]], column: str) -> FloatColumn:
    return np.array([row[column] for row in rows], np.float64)
