"""Writing samples into the wide hypertables, and telling new moments from repeated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from fleet import clock
from fleet.batch import FloatColumn, SampleBatch
from fleet.plan import ProductPlan
from store import binary, implausible
from store.connection import Connection
from store.hypertables import table_name
from store.queries import load

STORED, MERGED, REPEATED = 0, 1, 2

_SQL = load("telemetry")
_PACKED = {"real": ">f4", "double": ">f8", "integer": ">i4", "smallint": ">i2"}

Outcome = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of each row of a batch, in its order: `outcome` (n,) holds STORED (a new
    moment), MERGED (added to or changed a moment that was there) or REPEATED (changed nothing)."""

    outcome: Outcome


def write(
    connection: Connection, plan: ProductPlan, batch: SampleBatch, batch_id: int
) -> WriteResult:
    """Write `batch` in one step and say what became of each row.

    Of rows with one key the later one's values win, and what it does not bring stays. Integer
    columns must hold whole numbers that fit. Raises what the driver raises, with nothing written.
    """
    if not len(batch):
        return WriteResult(np.empty(0, np.int8))
    rounded = as_stored(batch, plan)
    order = np.lexsort((rounded.measured_at, rounded.machine_id))
    in_order = rounded.take(order)
    single, group, outcome = merge_repetitions(in_order)
    crowded = np.flatnonzero(np.bincount(group) > 1)
    found, before = _write_single(connection, plan, single, batch_id, crowded)
    # The first row of a moment fares as the moment does; where the moment was there already with
    # everything the batch brings, none of its rows changed anything.
    firsts = np.r_[True, group[1:] != group[:-1]]
    fates = np.where(firsts | (found[group] == REPEATED), found[group], outcome)
    if before is not None:
        fates = _against(before, in_order, fates, found[group] == MERGED)
    result = np.empty(len(batch), np.int8)
    result[order] = fates
    if len(batch.implausible):
        _add_implausible(connection, batch, batch_id, result)
    return WriteResult(result)


def merge_repetitions(batch: SampleBatch) -> tuple[SampleBatch, NDArray[np.intp], Outcome]:
    """Make the keys of a batch ordered by machine and time single.

    Returns the merged batch, for each row the index of its moment there, and for each row what
    it did to the rows before it: MERGED or REPEATED, STORED for the first of its moment.
    """
    same = (np.diff(batch.machine_id) == 0) & (np.diff(batch.measured_at) == 0)
    firsts = np.r_[True, ~same]
    group = np.cumsum(firsts) - 1
    outcome: Outcome = np.zeros(len(batch), np.int8)
    if not same.any():
        return batch, group, outcome
    single = replace(batch.take(firsts), implausible=batch.implausible.moved(group))
    rank = np.arange(len(batch)) - np.flatnonzero(firsts)[group]
    by_rank = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[by_rank], np.arange(1, rank.max() + 2))
    for start, end in pairwise(bounds):
        rows = by_rank[start:end]
        old, new = single.values[group[rows]], batch.values[rows]
        changes = ~np.isnan(new) & (new != old)
        outcome[rows] = np.where(changes.any(axis=1), MERGED, REPEATED)
        single.values[group[rows]] = np.where(changes, new, old)
    return single, group, outcome


def as_stored(batch: SampleBatch, plan: ProductPlan) -> SampleBatch:
    """A copy of `batch` with values as the columns of the plan hold them, so that equal means
    equal."""
    values: FloatColumn = np.array(batch.values, np.float64, order="F")
    for number, key in enumerate(batch.signals):
        if plan.signal[key].type == "real":
            values[:, number] = values[:, number].astype(np.float32)
    return replace(batch, values=values)


def _against(
    before: SampleBatch, batch: SampleBatch, fates: Outcome, merged: NDArray[np.bool_]
) -> Outcome:
    """The fates of rows, those of `merged` moments judged by what was `before`: of several rows
    for one moment a repetition stays one, though another row changed the moment."""
    both = SampleBatch(
        batch.product,
        batch.signals,
        np.r_[before.machine_id, batch.machine_id],
        np.r_[before.measured_at, batch.measured_at],
        np.r_[before.received_at, batch.received_at],
        np.asfortranarray(np.r_[before.values, batch.values]),
    )
    order = np.lexsort((both.measured_at, both.machine_id))
    own = np.empty(len(both), np.int8)
    own[order] = merge_repetitions(both.take(order))[2]
    own = own[len(before) :]
    return np.where(merged & (own != STORED), own, fates)


def _add_implausible(
    connection: Connection, batch: SampleBatch, batch_id: int, fates: Outcome
) -> None:
    """Keep what came and cannot be true. To a moment that was there already and of which it was not
    known it is news: the moment is one of this batch from now on."""
    new = implausible.add(connection, batch)
    rows = np.unique(batch.implausible.row)
    moments = zip(batch.machine_id[rows].tolist(), batch.measured_at[rows].tolist(), strict=True)
    is_new = np.array([moment in new for moment in moments])
    told = rows[is_new & (fates[rows] == REPEATED)]
    if len(told):
        names = {"table": sql.Identifier(table_name(batch.product))}
        values = {**_moments(batch.take(told)), "batch": batch_id}
        connection.execute(sql.SQL(_SQL["touch"]).format(**names), values)
        fates[told] = MERGED


def _write_single(
    connection: Connection,
    plan: ProductPlan,
    batch: SampleBatch,
    batch_id: int,
    crowded: NDArray[np.intp],
) -> tuple[Outcome, SampleBatch | None]:
    """Write a batch of single keys: straight into the table, and only where a key is there
    already by way of a staging table; then also what was there of the `crowded` rows."""
    used = np.flatnonzero(~np.isnan(batch.values).all(axis=0))
    keys = [batch.signals[number] for number in used]
    columns = [
        (">i4", batch.machine_id),
        (">i8", binary.to_timestamps(batch.measured_at)),
        (">i8", np.full(len(batch), batch_id)),
        *((_PACKED[plan.signal[batch.signals[n]].type], batch.values[:, n]) for n in used),
    ]
    data = binary.pack(columns)
    names = {
        "table": sql.Identifier(table_name(batch.product)),
        "columns": _list(["machine_id", "measured_at", "batch_id", *keys]),
    }
    try:
        with connection.transaction():
            _copy(connection, data, names)
    except psycopg.errors.UniqueViolation:
        with connection.transaction():
            connection.execute(_SQL["drop_staging"])
            connection.execute(sql.SQL(_SQL["make_staging"]).format(**names))
            staging = sql.SQL("pg_temp.staging")
            _copy(connection, data, {**names, "table": staging})
            moments = _moments(batch.take(crowded))
            claimed = _claim(connection, moments, batch_id, names)
            before = _read_before(connection, batch, moments, keys, names)
            found = _merge_staging(connection, batch, keys, names)
            found[crowded[claimed]] = STORED
            return found, as_stored(before, plan)
    return np.full(len(batch), STORED, np.int8), None


def _moments(batch: SampleBatch) -> dict[str, list[Any]]:
    return {
        "machines": batch.machine_id.tolist(),
        "times": [clock.to_datetime(each) for each in batch.measured_at.tolist()],
    }


def _claim(
    connection: Connection, moments: dict[str, list[Any]], batch_id: int, names: dict[str, Any]
) -> list[int]:
    """Make rows of these moments where there are none, waiting for others who are about to; returns
    the places of those that were made. From here on what is there of them holds."""
    statement = sql.SQL(_SQL["claim"]).format(**names)
    rows = connection.execute(statement, {**moments, "batch": batch_id}).fetchall()
    made = {(row["machine_id"], row["measured_at"]) for row in rows}
    pairs = zip(moments["machines"], moments["times"], strict=True)
    return [place for place, moment in enumerate(pairs) if moment in made]


def _read_before(
    connection: Connection,
    batch: SampleBatch,
    moments: dict[str, list[Any]],
    keys: Sequence[str],
    names: dict[str, Any],
) -> SampleBatch:
    """What the table has of these moments, in the columns of the batch."""
    rows = connection.execute(sql.SQL(_SQL["before"]).format(**names), moments).fetchall()
    values = np.full((len(rows), len(batch.signals)), np.nan, order="F")
    for number, key in enumerate(batch.signals):
        if key in keys:
            values[:, number] = [np.nan if row[key] is None else row[key] for row in rows]
    machine = np.array([row["machine_id"] for row in rows], np.int64)
    times = np.array([clock.to_ms(row["measured_at"]) for row in rows], np.int64)
    return SampleBatch(batch.product, batch.signals, machine, times, times, values)


def _copy(connection: Connection, data: bytes, names: dict[str, Any]) -> None:
    statement = sql.SQL(_SQL["copy_in"]).format(**names)
    with connection.cursor().copy(statement) as copy:
        copy.write(data)


def _merge_staging(
    connection: Connection, batch: SampleBatch, keys: Sequence[str], names: dict[str, Any]
) -> Outcome:
    block = _SQL["merge_staging"] if keys else _SQL["add_staging"]
    merged = [
        sql.SQL("{0} = coalesce(excluded.{0}, old.{0})").format(sql.Identifier(key)) for key in keys
    ]
    differs = [
        sql.SQL("(excluded.{0} is not null and excluded.{0} is distinct from old.{0})").format(
            sql.Identifier(key)
        )
        for key in keys
    ]
    statement = sql.SQL(block).format(
        **names, merged=sql.SQL(", ").join(merged), differs=sql.SQL(" or ").join(differs)
    )
    rows = connection.execute(statement).fetchall()
    outcome: Outcome = np.full(len(batch), REPEATED, np.int8)
    moments = zip(batch.machine_id.tolist(), batch.measured_at.tolist(), strict=True)
    places = {moment: place for place, moment in enumerate(moments)}
    for row in rows:
        place = places[row["machine_id"], clock.to_ms(row["measured_at"])]
        outcome[place] = STORED if row["stored"] else MERGED
    return outcome


def _list(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
