"""The Community edition's share of a hypertable, as far as an Apache server can tell.

It refuses these statements for their licence only after it has understood them: a wrong name or
argument is refused differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from fleet.clock import to_datetime
from store import hypertables
from store.connection import Connection, connect
from tests import small
from tests.store.samples import START

Step = Callable[[Connection], object]
SQL = hypertables._SQL


@pytest.fixture
def community(small_store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(hypertables, "edition", lambda _: "community")
    with connect(small_store) as connection:
        yield connection


STEPS: dict[str, Step] = {
    "the columnstore": lambda c: hypertables._set_policies(c, "telemetry_pump", fresh=True),
    "its policy": lambda c: c.execute(
        SQL["columnstore_policy"],
        {"table": "telemetry_pump", "after": hypertables.COMPRESS_AFTER},
    ),
    "retention": lambda c: c.execute(
        SQL["retention_policy"], {"table": "telemetry_pump", "after": hypertables.KEEP}
    ),
    "the hourly aggregate": lambda c: hypertables._make_hourly(c, "pump"),
    "its policy of refreshing": lambda c: c.execute(
        SQL["refresh_hourly_part"], {"part": "hourly_pump"}
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_server_understands_what_only_community_does(name: str, community: Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="license"):
        STEPS[name](community)


def test_parts_of_the_hourly_aggregate_join_to_one_relation(community: Connection) -> None:
    community.execute("drop view hourly_pump")
    community.execute("create table hourly_pump_1 (hour int, machine_id int, a_avg real)")
    community.execute("create table hourly_pump_2 (hour int, machine_id int, b_avg real)")
    community.execute("insert into hourly_pump_1 values (1, 1, 5), (2, 1, 6)")
    community.execute("insert into hourly_pump_2 values (2, 1, 7)")
    parts = {
        "hourly_pump_1": ["hour", "machine_id", "a_avg"],
        "hourly_pump_2": ["hour", "machine_id", "b_avg"],
    }
    view = {"view": psycopg.sql.Identifier("hourly_pump")}
    hypertables._run(community, "join_hourly_parts", **view, **hypertables._join(parts))
    rows = community.execute("select * from hourly_pump order by hour").fetchall()
    assert [tuple(row.values()) for row in rows] == [(1, 1, 5, None), (2, 1, 6, 7)]


def test_community_drops_by_its_own_policy(community: Connection) -> None:
    row = community.execute("select now() as at").fetchone()
    assert row is not None
    assert hypertables.drop_expired(community, [small.product_plan().product], row["at"]) == 0


@pytest.fixture
def grown(small_store: str) -> Iterator[Connection]:
    """A chunk that was written as machines report, one row of each after the other."""
    with connect(small_store) as connection:
        connection.execute(
            "insert into telemetry_pump (machine_id, measured_at, batch_id)"
            " select machine, %s + second * interval '1 second', second"
            " from generate_series(1, 500) second, generate_series(1, 40) machine"
            " order by second, machine",
            (to_datetime(START),),
        )
        connection.execute("analyze telemetry_pump")
        yield connection


def tighten(connection: Connection, days: int) -> str | None:
    now = to_datetime(START + days * 86_400_000)
    return hypertables.tighten(connection, "pump", now, least_bytes=0)


def keys(connection: Connection) -> list[tuple[bool, int]]:
    """Of each key of a chunk, and of what is left of one: whether it is valid, bytes per entry."""
    rows = connection.execute(
        "select indisvalid as valid, pg_relation_size(indexrelid) / 20000 as bytes from pg_index"
        " where indrelid in (select show_chunks('telemetry_pump')) and indisunique order by 1"
    ).fetchall()
    return [(row["valid"], row["bytes"]) for row in rows]


def test_the_key_of_a_chunk_that_ended_is_packed_once(grown: Connection) -> None:
    ((_, before),) = keys(grown)
    assert before > 40
    assert tighten(grown, days=0) is None  # it is still written
    assert tighten(grown, days=9) in str(
        grown.execute("select show_chunks('telemetry_pump')").fetchall()
    )
    ((valid, after),) = keys(grown)
    assert valid and after < 34
    assert tighten(grown, days=9) is None


def test_what_an_interrupted_packing_left_is_dropped(grown: Connection, small_store: str) -> None:
    with connect(small_store) as other, other.transaction(force_rollback=True):
        other.execute("update telemetry_pump set batch_id = 0 where machine_id = 1")
        grown.execute("set statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            tighten(grown, days=9)  # waits for the other transaction
    grown.execute("set statement_timeout = 0")
    assert len(keys(grown)) == 2
    assert tighten(grown, days=9) is not None
    ((valid, after),) = keys(grown)
    assert valid and after < 34
