"""The registry: machines come with their fitted parts, and what does not fit is refused whole."""

from __future__ import annotations

import pytest

from store import machines
from store.connection import StoreError, connect
from store.migrate import migrate
from tests import small


def test_a_machine_reads_back_with_names_and_parts(small_store: str) -> None:
    with connect(small_store) as connection:
        machine = machines.get_machine(connection, "P-1")
        parts = connection.execute(
            "select part, position, fitted_at::date::text as day from fitted_part"
            " where machine_id = %s order by part, position",
            (machine.id if machine else None,),
        ).fetchall()
    assert machine is not None
    assert (machine.product, machine.region, machine.station_name) == ("pump", "south", small.TEXT)
    assert [(row["part"], row["position"]) for row in parts] == [
        ("filter", "only"),
        ("seal", "left"),
        ("seal", "right"),
    ]
    assert {row["day"] for row in parts} == {"2024-05-01"}


def test_registering_again_changes_the_machine_and_adds_no_parts(small_store: str) -> None:
    with connect(small_store) as connection:
        before = machines.of_serials(connection, small.SERIALS)
        moved = small.new_machine("P-1", lat=30.0)
        ids = machines.register(connection, small.registration(moved))
        machine = machines.get_machine(connection, "P-1")
        parts = connection.execute("select count(*) as n from fitted_part").fetchone()
    assert ids == {"P-1": before["P-1"][0]}
    assert machine is not None and machine.lat == 30.0
    assert parts == {"n": 9}


def test_misfits_are_named_all_at_once_and_nothing_is_written(small_store: str) -> None:
    given = [
        small.new_machine("N-1", model="P99"),
        small.new_machine("N-2", product="boat"),
        small.new_machine("N-3", tier="tin"),
        small.new_machine("N-4"),
    ]
    with connect(small_store) as connection:
        with pytest.raises(StoreError) as caught:
            machines.register(connection, small.registration(*given))
        known = machines.of_serials(connection, [machine.serial for machine in given])
    text = str(caught.value)
    assert "N-1: pump has no model P99; it has P20" in text
    assert "N-2: there is no product boat; there are pump" in text
    assert "N-3: there is no service tier tin; there are gold" in text
    assert known == {}


def test_a_machine_keeps_its_product(small_store: str) -> None:
    migrate(small_store, small.catalogue(small.product_plan(), small.product_plan("crane")))
    with connect(small_store) as connection, pytest.raises(StoreError, match="as a pump already"):
        changed = small.new_machine("P-1", product="crane")
        machines.register(connection, small.registration(changed))


def test_a_part_that_joins_the_plan_is_fitted_to_every_machine(small_store: str) -> None:
    parts = [small.wear_part(part, "only") for part in ("filter", "valve")]
    done = migrate(small_store, small.catalogue(small.product_plan(version="2", parts=parts)))
    assert "Registered 3 fitted parts that the plans newly name." in done
    with connect(small_store) as connection:
        rows = connection.execute(
            "select count(*) as n from fitted_part where part = 'valve'"
        ).fetchone()
    assert rows == {"n": 3}


def test_a_model_has_no_part_that_its_plan_leaves_out(small_store: str) -> None:
    models = [{"id": "P20", "name": small.NAME}, {"id": "P20E", "name": small.NAME,
                                                  "without": ["seal"]}]  # fmt: skip
    migrate(small_store, small.catalogue(small.product_plan(version="2", models=models)))
    with connect(small_store) as connection:
        given = small.new_machine("P-9", model="P20E"), small.new_machine("P-10", model="P20")
        machines.register(connection, small.registration(*given))
        rows = connection.execute(
            "select serial, part, position from fitted_part join machine on machine.id = machine_id"
            " where serial in ('P-9', 'P-10') order by serial, part, position"
        ).fetchall()
    assert [tuple(row.values()) for row in rows] == [
        ("P-10", "filter", "only"),
        ("P-10", "seal", "left"),
        ("P-10", "seal", "right"),
        ("P-9", "filter", "only"),
    ]


def test_listeners_hear_of_new_machines(small_store: str) -> None:
    with connect(small_store) as listener, connect(small_store) as connection:
        listener.execute(f"listen {machines.CHANNEL}")
        machines.register(connection, small.registration(small.new_machine("P-9")))
        heard = list(listener.notifies(timeout=10, stop_after=1))
    assert [note.channel for note in heard] == ["machine"]
