"""Writing and reading samples: nothing twice, nothing mistaken, everything as it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import ingest_log, reading, telemetry
from store.connection import Connection, connect
from store.telemetry import MERGED, REPEATED, STORED
from tests import small
from tests.processes import until
from tests.store.samples import SIGNALS, START, Row, batch

PLAN = small.product_plan()


@pytest.fixture
def connection(small_store: str) -> Iterator[Connection]:
    with connect(small_store) as opened:
        yield opened


def write(connection: Connection, *rows: Row, batch_id: int = 1) -> list[int]:
    return list(telemetry.write(connection, PLAN, batch(rows), batch_id).outcome)


def stored(connection: Connection) -> dict[tuple[int, int], dict[str, float]]:
    rows = connection.execute("select * from telemetry_pump").fetchall()
    return {
        (row["machine_id"], round(row["measured_at"].timestamp()) - START // 1000): {
            key: row[key] for key in SIGNALS if row[key] is not None
        }
        for row in rows
    }


def test_what_is_written_reads_back_in_every_column_type(connection: Connection) -> None:
    values = {
        "oil_temp_c": 61.5,
        "fuel_pct": 40.4,
        "eng_hours_h": 123456.789012345,
        "filter_sw": 1.0,
        "pto_state": 5.0,
        "stroke_count": 1_999_999_999.0,
    }
    result = telemetry.write(connection, PLAN, batch([(1, 0, values), (2, 0, {})]), 7)
    assert result.outcome.tolist() == [STORED, STORED]
    back = reading.read_range(connection, PLAN, [1, 2], START, START + 1)
    assert back.machine_id.tolist() == [1, 2]
    found = dict(zip(SIGNALS, back.values[0].tolist(), strict=True))
    assert found.pop("fuel_pct") == pytest.approx(40.4, rel=1e-6)
    assert np.isnan(found.pop("eng_speed_rpm"))
    assert found == {key: value for key, value in values.items() if key != "fuel_pct"}
    assert np.isnan(back.values[1]).all()


def test_a_repeated_row_changes_nothing(connection: Connection) -> None:
    assert write(connection, (1, 0, {"fuel_pct": 40.4})) == [STORED]
    assert write(connection, (1, 0, {"fuel_pct": 40.4}), batch_id=2) == [REPEATED]
    assert write(connection, (1, 0, {}), batch_id=2) == [REPEATED]
    rows = connection.execute("select batch_id from telemetry_pump").fetchall()
    assert rows == [{"batch_id": 1}]


def test_two_different_messages_of_one_moment_merge(connection: Connection) -> None:
    write(connection, (1, 0, {"fuel_pct": 40, "oil_temp_c": 60}))
    assert write(connection, (1, 0, {"oil_temp_c": 61, "filter_sw": 1}), batch_id=2) == [MERGED]
    assert stored(connection) == {(1, 0): {"fuel_pct": 40, "oil_temp_c": 61, "filter_sw": 1}}
    rows = connection.execute("select batch_id from telemetry_pump").fetchall()
    assert rows == [{"batch_id": 2}], "a consumer of the later batch sees the merged row"


def test_one_collision_does_not_touch_the_other_rows(connection: Connection) -> None:
    write(connection, (1, 0, {"fuel_pct": 40}))
    rows: list[Row] = [(1, second, {"fuel_pct": 40}) for second in (2, 0, 1)]
    assert write(connection, *rows, batch_id=2) == [STORED, REPEATED, STORED]
    assert len(stored(connection)) == 3


def test_repetitions_inside_a_batch(connection: Connection) -> None:
    outcome = write(
        connection,
        (1, 5, {"fuel_pct": 40}),
        (2, 5, {"fuel_pct": 41}),
        (1, 5, {"fuel_pct": 40}),
        (1, 5, {"oil_temp_c": 50}),
        (1, 5, {"fuel_pct": 42}),
        (1, 5, {"oil_temp_c": 50}),
    )
    assert outcome == [STORED, STORED, REPEATED, MERGED, MERGED, REPEATED]
    assert stored(connection) == {
        (1, 5): {"fuel_pct": 42, "oil_temp_c": 50},
        (2, 5): {"fuel_pct": 41},
    }
    assert write(connection, (1, 5, {"fuel_pct": 42}), (1, 5, {"oil_temp_c": 50}), batch_id=2) == [
        REPEATED,
        REPEATED,
    ]


def test_a_batch_that_cannot_be_written_leaves_nothing(connection: Connection) -> None:
    connection.execute("alter table telemetry_pump add check (fuel_pct <> 66)")
    with pytest.raises(psycopg.errors.CheckViolation):
        write(connection, (1, 0, {"fuel_pct": 40}), (2, 0, {"fuel_pct": 66}))
    assert stored(connection) == {}


def test_an_empty_batch_is_no_batch(connection: Connection) -> None:
    assert write(connection) == []


#: Two moments in parts that come as messages of their own, one of them twice.
PARTS: list[Row] = [
    (1, 0, {"fuel_pct": 40.1}),
    (1, 0, {"oil_temp_c": 60.0}),
    (1, 0, {"stroke_count": 7.0}),
    (1, 0, {"oil_temp_c": 60.0}),
    (2, 0, {"fuel_pct": 41.0, "filter_sw": 1.0}),
    (2, 0, {"oil_temp_c": 61.0}),
]

rows_of_few_moments = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.integers(0, 2),
        st.dictionaries(st.sampled_from(["fuel_pct", "stroke_count"]), st.integers(0, 2)),
    ),
    max_size=12,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=rows_of_few_moments, cut=st.integers(0, 12))
def test_however_rows_are_cut_the_table_is_that_of_a_dictionary(
    connection: Connection, rows: list[Row], cut: int
) -> None:
    connection.execute("truncate telemetry_pump")
    outcome = [
        *write(connection, *rows[:cut]),
        *write(connection, *rows[cut:], batch_id=2),
    ]
    expected: dict[tuple[int, int], dict[str, float]] = {}
    for machine, second, values in rows:
        expected.setdefault((machine, second), {}).update(values)
    assert stored(connection) == expected
    assert outcome.count(STORED) == len(expected)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=st.permutations(PARTS), cut=st.integers(0, len(PARTS)), again=st.integers(0, 5))
def test_a_repetition_is_none_of_the_merges_however_rows_are_cut(
    connection: Connection, parts: list[Row], cut: int, again: int
) -> None:
    """Rows that never contradict each other: each counts once, whatever comes with it."""
    connection.execute("truncate telemetry_pump")
    first, second = parts[:cut], [*parts[:cut][-again:], *parts[cut:]]
    outcome = write(connection, *first) + write(connection, *second, batch_id=2)
    distinct = {(machine, second, *values.items()) for machine, second, values in parts}
    assert outcome.count(STORED) == 2
    assert outcome.count(MERGED) == len(distinct) - 2


def log(connection: Connection, *rows: Row, received_at: int = START + 777) -> ingest_log.LogEntry:
    """Write rows as the ingest does and return their entry of the log."""
    given_batch = batch(rows)
    with connection.transaction():
        batch_id = ingest_log.next_id(connection)
        telemetry.write(connection, PLAN, given_batch, batch_id)
        oldest, newest = int(given_batch.measured_at.min()), int(given_batch.measured_at.max())
        entry = ingest_log.NewEntry(
            batch_id, "telemetry", "pump", len(rows), oldest, newest, received_at
        )
        ingest_log.append(connection, [entry])
    return ingest_log.follow(connection, "nobody", most=1000)[-1]


def test_a_batch_reads_back_by_its_entry(connection: Connection) -> None:
    log(connection, (1, 0, {"fuel_pct": 1}))
    entry = log(connection, (2, 3, {"fuel_pct": 2}), (1, 9, {"fuel_pct": 3}))
    back = reading.read_batches(connection, PLAN, [entry], ["fuel_pct"])
    assert back.machine_id.tolist() == [1, 2]
    assert back.measured_at.tolist() == [START + 9000, START + 3000]
    assert back.received_at.tolist() == [START + 777] * 2
    assert back.values.tolist() == [[3.0], [2.0]]
    assert back.values.flags.f_contiguous


@pytest.mark.parametrize("rows_at_once", [1, 50_000])
def test_entries_are_read_together(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(reading, "_ROWS_AT_ONCE", rows_at_once)
    day = 86_400
    entries = [
        log(connection, (2, 3, {"fuel_pct": 2}), received_at=START + 1),
        log(connection, (1, -20 * day, {"fuel_pct": 0}), received_at=START + 2),
        log(connection, (1, 9, {"fuel_pct": 3}), (2, 1, {"fuel_pct": 4}), received_at=START + 3),
    ]
    log(connection, (2, 4, {"fuel_pct": 5}))
    back = reading.read_batches(connection, PLAN, entries, ["fuel_pct"])
    assert back.machine_id.tolist() == [1, 1, 2, 2]
    assert back.measured_at.tolist() == [START + s * 1000 for s in (-20 * day, 9, 1, 3)]
    assert back.received_at.tolist() == [START + n for n in (2, 3, 3, 1)]
    assert back.values[:, 0].tolist() == [0.0, 3.0, 4.0, 2.0]
    odd = reading.read_batches(connection, PLAN, entries, ["fuel_pct"], partitions=[1])
    assert odd.machine_id.tolist() == [1, 1]
    assert len(reading.read_batches(connection, PLAN, [], ["fuel_pct"])) == 0


def test_a_range_knows_when_its_rows_were_received(connection: Connection) -> None:
    log(connection, (1, 0, {"fuel_pct": 1}))
    write(connection, (1, 1, {"fuel_pct": 1}), batch_id=10**6)
    back = reading.read_range(connection, PLAN, [1, 3], START, START + 2000, ["fuel_pct"])
    assert back.received_at.tolist() == [START + 777, START + 1000]
    assert len(reading.read_range(connection, PLAN, [1], START + 5000, START + 9000)) == 0
    assert len(reading.read_range(connection, PLAN, [], START, START + 9000)) == 0


def test_a_short_series_is_its_samples(connection: Connection) -> None:
    write(connection, (1, 0, {"fuel_pct": 1}), (1, 1, {"oil_temp_c": 7}), (1, 2, {"filter_sw": 1}))
    found = reading.series(connection, PLAN, 1, ["fuel_pct", "oil_temp_c"], START, START + 60_000)
    assert found.step_s is None
    assert found.times.tolist() == [START, START + 1000], "a moment without either is no point"
    np.testing.assert_equal(found.average["oil_temp_c"], [np.nan, 7])


def test_a_long_series_is_buckets(connection: Connection) -> None:
    write(connection, *((1, second, {"fuel_pct": second % 10}) for second in range(5000)))
    found = reading.series(connection, PLAN, 1, ["fuel_pct"], START, START + 5_000_000)
    assert found.step_s == 5
    assert len(found.times) == 1000
    assert found.times[1] - found.times[0] == 5000
    assert found.low["fuel_pct"][:2].tolist() == [0, 5]
    assert found.high["fuel_pct"][:2].tolist() == [4, 9]
    assert found.average["fuel_pct"][:2].tolist() == [2, 7]


def test_a_step_that_makes_too_many_points_is_lengthened() -> None:
    day = 86_400_000
    assert reading.bucket_s(day, 60) == 60
    assert reading.bucket_s(90 * day, 60) == 7200
    assert reading.bucket_s(3650 * day, None) == 172800


def test_the_hourly_relation_sums_up(connection: Connection) -> None:
    write(connection, (1, 0, {"fuel_pct": 1}), (1, 1, {"fuel_pct": 3}), (2, 0, {}))
    rows = connection.execute(
        "select machine_id, fuel_pct_avg, fuel_pct_min, fuel_pct_max from hourly_pump order by 1"
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [(1, 2, 1, 3), (2, None, None, None)]


def test_what_another_writer_commits_meanwhile_is_there_before(
    connection: Connection, small_store: str
) -> None:
    """Two workers get one moment at once: of two messages the one that was stored already, by the
    other worker, is a repetition."""
    write(connection, (1, 0, {"fuel_pct": 40.0}))
    with connect(small_store) as other, ThreadPoolExecutor(1) as pool:
        with other.transaction():
            write(other, (1, 5, {"oil_temp_c": 50.0}), batch_id=2)
            both = (1, 5, {"fuel_pct": 41.0}), (1, 5, {"oil_temp_c": 50.0})
            writing = pool.submit(write, connection, (1, 0, {"fuel_pct": 40.0}), *both, batch_id=3)
            until(lambda: waiting(other), bool, 10.0)
        assert writing.result() == [REPEATED, MERGED, REPEATED]
    assert stored(connection)[1, 5] == {"fuel_pct": 41.0, "oil_temp_c": 50.0}


def waiting(connection: Connection) -> int:
    """How many sessions of this database wait for another one."""
    query = (
        "select 1 from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    return len(connection.execute(query).fetchall())
