"""Migrations: once, in order, unchanged; and one hypertable per plan that only ever grows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from store import hypertables, plans
from store.connection import StoreError, StoreUnavailable, connect
from store.migrate import MIGRATIONS, MigrationError, migrate, read_migrations
from tests import small


def columns(url: str, relation: str) -> dict[str, str]:
    with connect(url) as connection:
        rows = connection.execute(
            "select column_name, data_type from information_schema.columns where table_name = %s",
            (relation,),
        ).fetchall()
    return {row["column_name"]: row["data_type"] for row in rows}


def test_the_second_time_there_is_nothing_to_do(empty_database: str) -> None:
    first = migrate(empty_database, small.catalogue())
    assert "Made telemetry_pump with 7 signals." in first
    assert migrate(empty_database, small.catalogue()) == []


def test_the_hypertable_has_the_columns_of_the_plan(small_store: str) -> None:
    assert columns(small_store, "telemetry_pump") == {
        "machine_id": "integer",
        "measured_at": "timestamp with time zone",
        "batch_id": "bigint",
        "oil_temp_c": "real",
        "fuel_pct": "real",
        "eng_speed_rpm": "real",
        "eng_hours_h": "double precision",
        "filter_sw": "smallint",
        "pto_state": "smallint",
        "stroke_count": "integer",
    }
    with connect(small_store) as connection:
        row = connection.execute(
            "select hypertable_name from timescaledb_information.hypertables"
        ).fetchone()
    assert row == {"hypertable_name": "telemetry_pump"}


def test_a_new_signal_becomes_a_column_and_a_dropped_one_stays(small_store: str) -> None:
    signals = [small.signal(**given) for given in small.SIGNALS if given["key"] != "fuel_pct"]
    signals.append(small.signal(key="boom_bar", unit="bar", range=(0, 400)))
    changed = small.product_plan(version="2", signals=signals)
    done = migrate(small_store, small.catalogue(changed))
    assert done == [
        "Loaded the plan of pump (version 2).",
        "Added boom_bar to telemetry_pump.",
    ]
    after = columns(small_store, "telemetry_pump")
    assert after["boom_bar"] == after["fuel_pct"] == "real"
    assert {"boom_bar_avg", "boom_bar_min", "fuel_pct_max"} <= set(
        columns(small_store, "hourly_pump")
    )


def test_a_signal_that_changes_its_type_is_refused(small_store: str) -> None:
    changed = [
        small.signal(**(given | ({"type": "double"} if given["key"] == "oil_temp_c" else {})))
        for given in small.SIGNALS
    ]
    with pytest.raises(StoreError, match="oil_temp_c is double precision in the plan and real in"):
        migrate(small_store, small.catalogue(small.product_plan(version="2", signals=changed)))
    with connect(small_store) as connection:
        assert plans.versions(connection) == {"pump": "1"}, "nothing of it stays"


def test_names_that_cannot_be_columns_are_refused(empty_database: str) -> None:
    taken = [*small.product_plan().signals, small.signal(key="hour", unit="count", range=(0, 1))]
    with pytest.raises(StoreError, match="hour is a column of every product already"):
        migrate(empty_database, small.catalogue(small.product_plan(signals=taken)))
    with pytest.raises(StoreError, match="shorten the product's"):
        migrate(empty_database, small.catalogue(small.product_plan("p" * 60)))


def test_a_changed_migration_is_refused(empty_database: str, tmp_path: Path) -> None:
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    core = tmp_path / "0001_core.sql"
    migrate(empty_database, small.catalogue(), tmp_path)
    core.write_text(core.read_text() + "\n-- later thought\n")
    with pytest.raises(MigrationError, match=r"0001_core\.sql was changed after it was applied"):
        migrate(empty_database, small.catalogue(), tmp_path)


def test_a_further_migration_is_applied_and_an_older_program_refused(
    empty_database: str, tmp_path: Path
) -> None:
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    migrate(empty_database, small.catalogue(), tmp_path)
    number = f"{len(read_migrations()) + 1:04}"
    (tmp_path / f"{number}_more.sql").write_text("create table more (id integer);")
    assert migrate(empty_database, small.catalogue(), tmp_path) == [
        f"Applied migration {number} (more)."
    ]
    (tmp_path / f"{number}_more.sql").unlink()
    with pytest.raises(MigrationError, match="use a newer Ironpulse"):
        migrate(empty_database, small.catalogue(), tmp_path)


def test_a_gap_in_the_numbers_is_refused(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "0002_more.sql").write_text("select 1;")
    with pytest.raises(MigrationError, match="do not count 1, 2, 3"):
        migrate(empty_database, small.catalogue(), tmp_path)


def test_plans_read_back_as_they_were_loaded(small_store: str) -> None:
    with connect(small_store) as connection:
        assert plans.load_catalogue(connection) == small.catalogue()


def test_a_database_without_plans_says_what_to_do(empty_database: str) -> None:
    migrate(empty_database, small.catalogue())
    with connect(empty_database) as connection:
        connection.execute("delete from catalogue")
        with pytest.raises(StoreError, match="run `ironpulse migrate` first"):
            plans.load_catalogue(connection)


def test_a_server_that_does_not_answer(stack: object) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        migrate("postgresql://nobody@127.0.0.1:9/none", small.catalogue())


def test_expired_chunks_are_dropped_without_the_community_edition(small_store: str) -> None:
    with connect(small_store) as connection:
        assert hypertables.edition(connection) == "apache"
        connection.execute(
            "insert into telemetry_pump (machine_id, measured_at, batch_id)"
            " values (1, '2020-01-01', 1), (1, '2026-01-01', 1)"
        )
        row = connection.execute("select timestamptz '2026-01-02' as at").fetchone()
        assert row is not None
        assert hypertables.drop_expired(connection, ["pump"], row["at"]) == 1
        left = connection.execute("select count(*) as n from telemetry_pump").fetchone()
    assert left == {"n": 1}


def test_the_first_tables_lose_their_reference_to_machine(small_store: str) -> None:
    found = "select count(*) as n from pg_constraint where conrelid = 'telemetry_pump'::regclass"
    with connect(small_store) as connection:
        connection.execute(
            "alter table telemetry_pump add foreign key (machine_id) references machine"
        )
    migrate(small_store, small.catalogue())
    with connect(small_store) as connection:
        row = connection.execute(f"{found} and contype = 'f'").fetchone()
    assert row == {"n": 0}
