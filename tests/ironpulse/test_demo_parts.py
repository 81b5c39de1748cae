"""What the demo puts on its shelves, and what its two plans make of it."""

from __future__ import annotations

from ironpulse.demo.parts import PLANNED_BEFORE_DAYS, stock_up
from store import part_plans, stock
from store.connection import connect
from store.plans import load_catalogue


def test_shelves_plans_and_decisions(pump_store: str) -> None:
    with connect(pump_store) as connection:
        catalogue = load_catalogue(connection)
    stock_up(pump_store, catalogue, 4)
    with connect(pump_store) as connection:
        levels = [row["level"] for row in stock.warehouses(connection)]
        assert levels[0] == "headquarters" and "region" in levels
        new, old = part_plans.runs(connection, 5)
        apart = new["as_of"] - old["as_of"]
        assert apart.days == PLANNED_BEFORE_DAYS
        lines = part_plans.lines(connection, old["id"], {})
        places = {row["warehouse"] for row in lines}
        assert {row["id"] for row in stock.warehouses(connection)} == places
        dearest = sorted((r for r in lines if r["order_quantity"]),
                         key=lambda r: -r["price"] * r["order_quantity"])[:2]  # fmt: skip
        decided = {row["id"] for row in lines if row["override_quantity"] is not None}
        assert decided == {row["id"] for row in dearest}
        demand = part_plans.demand(connection, new["id"], every=True)
        assert sum(row["sources"]["other"] for row in demand) > 0, "repairs over the counter"
        owed = sum(row["owed"] for row in stock.stock(connection).values())
        assert owed in (0, 2), "at most one article is nowhere to be had"
