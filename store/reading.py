"""Reading samples back from the wide hypertables: as batches, and as series for charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from psycopg import sql

from fleet import clock
from fleet.batch import (
    NOTHING_IMPLAUSIBLE,
    FloatColumn,
    Implausible,
    IntColumn,
    SampleBatch,
)
from fleet.plan import ProductPlan
from store import binary, implausible
from store.binary import Column
from store.connection import Connection
from store.hypertables import AGGREGATES, table_name
from store.ingest_log import LogEntry
from store.queries import load

#: A chart shows no more points than this; a longer range is averaged into buckets.
MOST_POINTS = 2000

_SQL = load("telemetry")
_KEY_TYPES = (">i4", ">i8", ">i8")
#: Commits are read together up to so many rows, which the server puts together in its memory, and
#: no further apart than this, which says what chunks of the table are looked into.
_ROWS_AT_ONCE = 50_000
_TOGETHER_MS = clock.MS_PER_DAY
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


def read_batches(
    connection: Connection,
    plan: ProductPlan,
    entries: Sequence[LogEntry],
    signals: Sequence[str] | None = None,
    partitions: Sequence[int] | None = None,
) -> SampleBatch:
    """The samples of entries of the ingest log of one product, ordered by machine and time.

    `received_at` is that of each row's entry. `signals` defaults to all of the plan, `partitions`
    (see store.partitions) to all machines. Who reads all signals also gets
    what was implausible. Many small commits are read in one statement: a statement for each would
    cost more than its rows.
    """
    shared = {"partitions": None if partitions is None else list(partitions)}
    asked = [
        {
            **shared,
            "batches": [entry.id for entry in group],
            "oldest": clock.to_datetime(min(entry.oldest for entry in group)),
            "newest": clock.to_datetime(max(entry.newest for entry in group)),
        }
        for group in _groups(entries)
    ]
    batch, batch_ids = _read(connection, plan, "read_batches", signals, asked)
    ids = np.array(sorted(entry.id for entry in entries), np.int64)
    received = {entry.id: entry.received_at for entry in entries}
    times = np.array([received[batch_id] for batch_id in ids.tolist()], np.int64)
    return replace(
        batch,
        received_at=times[np.searchsorted(ids, batch_ids)],
        implausible=_implausible(connection, batch, signals),
    )


def _groups(entries: Sequence[LogEntry]) -> Iterator[list[LogEntry]]:
    """Entries to read together: so many rows at most, and no more of the past than is needed."""
    group: list[LogEntry] = []
    rows = 0
    for entry in sorted(entries, key=lambda entry: entry.oldest):
        newest = max((one.newest for one in group), default=entry.newest)
        apart = max(newest, entry.newest) - (group or [entry])[0].oldest > _TOGETHER_MS
        if group and (apart or rows + entry.samples > _ROWS_AT_ONCE):
            yield group
            group, rows = [], 0
        group.append(entry)
        rows += entry.samples
    if group:
        yield group


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
    where the log no longer knows that batch. `signals` defaults to all of the plan; who reads all
    also gets what was implausible.
    """
    values = {
        "machines": [int(machine_id) for machine_id in machine_ids],
        "since": clock.to_datetime(since_ms),
        "until": clock.to_datetime(until_ms),
    }
    batch, batch_ids = _read(connection, plan, "read_range", signals, [values])
    ids, positions = np.unique(batch_ids, return_inverse=True)
    rows = connection.execute(_SQL["received"], {"ids": ids.tolist()}).fetchall()
    known = {row["id"]: clock.to_ms(row["received_at"]) for row in rows}
    received = np.array([known.get(batch_id, -1) for batch_id in ids.tolist()], np.int64)
    received_at = received[positions]
    return replace(
        batch,
        received_at=np.where(received_at < 0, batch.measured_at, received_at),
        implausible=_implausible(connection, batch, signals),
    )


def _implausible(
    connection: Connection, batch: SampleBatch, signals: Sequence[str] | None
) -> Implausible:
    return NOTHING_IMPLAUSIBLE if signals is not None else implausible.of(connection, batch)


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
    asked: Sequence[dict[str, Any]],
) -> tuple[SampleBatch, IntColumn]:
    """The batch, its `received_at` not yet filled, and the batch id of each row; `asked` are the
    values of one statement each."""
    chosen = tuple(plan.signal_keys if signals is None else signals)
    types = tuple(
        ">f4" if plan.signal[key].type in ("real", "smallint") else ">f8" for key in chosen
    )
    statement = _statement(block, table_name(plan.product), chosen, types)
    found: list[list[Column]] = [[] for _ in range(len(_KEY_TYPES) + len(types))]
    for values in asked:
        cursor = connection.cursor(binary=True)
        cursor.execute(statement, values)
        result = cursor.pgresult
        assert result is not None
        for number, dtype in enumerate((*_KEY_TYPES, *types)):
            found[number] += [
                binary.unpack_array(result.get_value(row, number), dtype)
                for row in range(result.ntuples)
            ]
    columns = [
        np.concatenate(parts or [np.empty(0, dtype)])
        for parts, dtype in zip(found, (*_KEY_TYPES, *types), strict=True)
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


@lru_cache
def _statement(block: str, table: str, signals: tuple[str, ...], types: tuple[str, ...]) -> bytes:
    """Kept once made: putting a hundred columns together takes longer than reading a few rows."""
    return (
        sql.SQL(_SQL[block])
        .format(
            table=sql.Identifier(table),
            signals=sql.SQL(", ").join(map(_as_array, signals, types)),
        )
        .as_bytes()
    )


def _as_array(key: str, dtype: str) -> sql.Composed:
    name = sql.SQL("real" if dtype == ">f4" else "double precision")
    return sql.SQL("array_agg(coalesce({}::{}, 'NaN'))").format(sql.Identifier(key), name)


def _times(rows: Sequence[dict[str, Any]]) -> IntColumn:
    return np.array([clock.to_ms(row["at"]) for row in rows], np.int64)


def _floats(rows: Sequence[dict[str, Any]], column: str) -> FloatColumn:
    return np.array([row[column] for row in rows], np.float64)
