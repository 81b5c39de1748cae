"""What came and cannot be true, beside the samples: kept once, found again with its moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from fleet.batch import Implausible, SampleBatch
from store import ingest_log, reading, telemetry
from store.connection import Connection, connect
from store.ingest_log import NewEntry
from store.telemetry import MERGED, REPEATED, STORED
from tests import small
from tests.store.samples import SIGNALS, START, Row, batch

PLAN = small.product_plan()
OIL, FUEL = SIGNALS.index("oil_temp_c"), SIGNALS.index("fuel_pct")
SPEED = {"eng_speed_rpm": 1500.0}


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


def with_wild(rows: list[Row], *wild: tuple[int, int, float]) -> SampleBatch:
    """Rows, and (row, signal, value) of what came there and cannot be true."""
    row, signal, value = zip(*wild, strict=True) if wild else ((), (), ())
    return replace(
        batch(rows),
        implausible=Implausible(np.array(row, int), np.array(signal, int), np.array(value, float)),
    )


def write(connection: Connection, number: int, given: SampleBatch) -> list[int]:
    fates = telemetry.write(connection, PLAN, given, number).outcome.tolist()
    moments = given.measured_at
    entry = NewEntry(
        number, "telemetry", "pump", len(given), int(moments.min()), int(moments.max()), START
    )
    ingest_log.append(connection, [entry])
    return fates


def found(back: SampleBatch) -> list[tuple[int, int, str, float]]:
    own = back.implausible
    return [
        (int(back.machine_id[row]), int(back.measured_at[row] - START) // 1000, SIGNALS[key], value)
        for row, key, value in zip(own.row, own.signal, own.value.tolist(), strict=True)
    ]


def everything(connection: Connection) -> SampleBatch:
    return reading.read_range(connection, PLAN, [1, 2, 3], START, START + 1_000_000)


def test_it_comes_back_with_the_row_it_came_in(connection: Connection) -> None:
    rows: list[Row] = [(2, 20, SPEED), (1, 10, SPEED), (1, 0, {}), (3, 0, SPEED)]
    given = with_wild(rows, (0, OIL, 3276.7), (2, FUEL, -9.0), (2, OIL, float("inf")))
    assert write(connection, 1, given) == [STORED] * 4
    expected = [
        (1, 0, "fuel_pct", -9.0), (1, 0, "oil_temp_c", float("inf")), (2, 20, "oil_temp_c", 3276.7)
    ]  # fmt: skip
    assert found(everything(connection)) == expected
    entries = ingest_log.between(connection, 0, None)
    assert found(reading.read_batches(connection, PLAN, entries)) == expected
    assert found(reading.read_batches(connection, PLAN, entries, ["oil_temp_c"])) == []


def test_the_same_again_changes_nothing_and_what_is_new_makes_the_moment_new(
    connection: Connection,
) -> None:
    good = [(1, 0, SPEED)]
    assert write(connection, 1, with_wild(good)) == [STORED]
    wild = with_wild(good, (0, OIL, 999.0))
    assert write(connection, 2, wild) == [MERGED]
    assert write(connection, 3, wild) == [REPEATED]
    (entry,) = [one for one in ingest_log.between(connection, 0, None) if one.id == 2]
    assert found(reading.read_batches(connection, PLAN, [entry])) == [(1, 0, "oil_temp_c", 999.0)]


def test_rows_of_one_moment_in_one_batch_keep_what_any_of_them_brought(
    connection: Connection,
) -> None:
    rows: list[Row] = [(1, 0, SPEED), (1, 0, {"fuel_pct": 5.0}), (1, 0, {})]
    fates = write(connection, 1, with_wild(rows, (2, OIL, 999.0), (1, OIL, 888.0)))
    assert fates == [STORED, MERGED, MERGED]
    assert found(everything(connection))[0][:3] == (1, 0, "oil_temp_c")
    merged, _, _ = telemetry.merge_repetitions(with_wild(rows, (2, OIL, 999.0)))
    assert (len(merged), merged.implausible.row.tolist()) == (1, [0])
