"""Shelves filled up between two plans: as a plan would, once for every count of stock."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.clock import now_ms, to_datetime
from ironpulse.stock_import import import_parts
from predict.plan import Held, base_stocks_at
from predict.plan.moves import Shelves, moves, shelves, shifts
from predict.plan.network import Network
from predict.plan.refill import RefillError, refill, run_refill
from predict.plan.run import run_plan
from predict.worker import refill_if_due
from store import refills, stock
from store.connection import Connection, Database, connect
from store.plans import load_catalogue
from tests.predict.test_plan_levels import COSTS, SUPPLY, tree
from tests.predict.test_plan_run import NOW, prepared, table

NET = Network(("hq", "r0", "r1"), (None, 0, 0), (0.0, 3.0, 3.0), (None, "a", "b"), {}, {})


def lines(own: tuple[int, ...], a_day: float, most: int) -> dict[str, dict[str, Any]]:
    """What a plan says of one article: `most` pieces in every place hardly ever exceeded."""
    return {
        id_: {"number": "N", "own_level": level, "expected": 10 * a_day, "cover_days": 10.0,
              "reasons": {"most": most}}
        for id_, level in zip(NET.ids, own, strict=True)
    }  # fmt: skip


def counted(*held: Held) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (id_, "N"): {"on_hand": each.on_hand, "inbound": each.inbound, "owed": each.owed}
        for id_, each in zip(NET.ids, held, strict=True)
    }


def said(*held: Held, most: int = 100) -> list[tuple[str, str, int, str]]:
    found = refill(NET, lines((2, 3, 3), 0.2, most), counted(*held))
    return [(m["source"], m["target"], m["quantity"], m["kind"]) for m in found]


def test_the_shelf_that_lasts_least_is_filled_first() -> None:
    assert said(Held(2), Held(2), Held(0, 0, 1)) == [("hq", "r1", 2, "now")]
    (first, *_) = refill(NET, lines((2, 3, 3), 0.2, 100), counted(Held(9), Held(2), Held(0, 0, 1)))
    assert (first["target"], first["position"], first["level"]) == ("r1", -1, 3)
    assert first["lasts_days"] == -5.0, "a machine waits"


def test_what_is_on_its_way_is_passed_on_when_it_arrives() -> None:
    assert said(Held(0, 4), Held(3), Held(1)) == [("hq", "r1", 2, "arrival")]
    assert said(Held(0, 1), Held(2), Held(1)) == [("hq", "r0", 1, "arrival")]


def test_what_nobody_needs_goes_back_where_it_is_short() -> None:
    assert said(Held(0), Held(9), Held(3), most=5) == [("r0", "hq", 2, "back")]
    assert said(Held(2), Held(9), Held(3), most=5) == [], "nobody is short: it is surplus"
    assert said(Held(0), Held(9), Held(3), most=9) == [], "it may be needed yet"


held_anyhow = st.builds(Held, st.integers(0, 9), st.integers(0, 5), st.integers(0, 4))


@settings(max_examples=25, deadline=None)
@given(held=st.lists(held_anyhow, min_size=3, max_size=3))
def test_a_refill_moves_what_the_plan_would_move(held: list[Held]) -> None:
    net = tree(0.3, 1.0)
    (levels,) = base_stocks_at(net, COSTS, [1.0])
    by_plan = moves(net, levels, held, SUPPLY).transfers
    places = shelves(net, levels)
    again = shifts(
        Shelves(list(NET.sources), levels.stock, places.a_day, places.most), held
    ).transfers
    assert again == by_plan
    for place, each in enumerate(held):
        given_away = sum(t.quantity for t in again if t.source == place)
        assert given_away <= max(each.on_hand - each.owed, 0)


def test_shelves_are_looked_at_once_for_every_count(pump_store: str, tmp_path: Path) -> None:
    with connect(pump_store) as connection, connection.transaction():
        catalogue = load_catalogue(connection)
        with pytest.raises(RefillError, match="plan run"):
            run_refill(connection, catalogue, NOW, "test")
        prepared(connection, tmp_path)
        plan = run_plan(connection, catalogue, now(), "test")
        with pytest.raises(RefillError, match="not counted since"):
            run_refill(connection, catalogue, now(), "test")
        count(connection, tmp_path)
        number = run_refill(connection, catalogue, now(), "mia")
        (kept,) = refills.refills(connection, 5)
        assert (kept["id"], kept["run_id"], kept["made_by"]) == (number, plan, "mia")
        found = refills.moves(connection, number)
        assert len(found) == kept["moves"] > 0
        assert found[0]["target_name"]["en"] and found[0]["number"] == "N-valve"
        with pytest.raises(RefillError, match="not counted since"):
            run_refill(connection, catalogue, now(), "test")


def test_the_process_looks_once_a_week(pump_store: str, tmp_path: Path) -> None:
    going = threading.Event()
    with Database(pump_store, max_size=1) as database:
        with database.transaction() as connection:
            catalogue = load_catalogue(connection)
            prepared(connection, tmp_path)
            run_plan(connection, catalogue, now() - timedelta(days=6), "test")
        assert refill_if_due(database, catalogue, going) is None, "six days ago somebody looked"
        with database.transaction() as connection:
            connection.execute("update plan_run set as_of = as_of - interval '2 days'")
        number = refill_if_due(database, catalogue, going)
        assert number is not None
        assert refill_if_due(database, catalogue, going) is None, "just looked"


def now() -> Any:
    return to_datetime(now_ms())


def count(connection: Connection, folder: Path) -> None:
    """The stock as it is counted anew: the depot has none."""
    text = "warehouse,number,on_hand\nsouth,N-valve,6\nhq,N-valve,9\ndepot,N-valve,0\n"
    import_parts(connection, "stock", table(folder, text))
    assert stock.stock(connection)["depot", "N-valve"]["on_hand"] == 0
