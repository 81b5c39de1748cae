"""The demo's warehouses: what lies in them, what was issued over the counter, two plans.

The plan of two months ago, with what lay there then and one decision of the manager against it,
shows who was right; by its levels the shelves were filled up a week ago; the plan of today says
what to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from fleet.clock import now_ms, to_datetime
from fleet.plan import Catalogue
from predict.plan.refill import run_refill
from predict.plan.run import run_plan
from store import fleet_view, machines, part_plans, stock
from store.connection import Connection, Database

#: The first plan was made so long ago that its days are over.
PLANNED_BEFORE_DAYS = 46
#: The shelves were looked at so long ago.
_REFILLED_BEFORE_DAYS = 7
#: Stations with a shelf of their own.
_DEPOTS = 3
#: What lies on a shelf as a share of what should: too little here, too much there.
_SHARES = (0.0, 0.4, 0.8, 1.0, 1.0, 1.2, 1.7)
_ISSUED_DAYS = 88
Row = dict[str, Any]


def stock_up(database_url: str, catalogue: Catalogue, seed: int) -> None:
    """Put warehouses, prices, stock, issues, a sales plan and two plans into the store."""
    now = to_datetime(now_ms())
    then = now - timedelta(days=PLANNED_BEFORE_DAYS)
    with Database(database_url, max_size=1) as database:
        with database.transaction() as connection:
            open_shelves(connection, catalogue, now, seed)
        # What should lie there is asked once: the shelves of then and now are made up of it.
        lines = _lines(database, catalogue, now)
        week_ago = now - timedelta(days=_REFILLED_BEFORE_DAYS)
        for at, name in ((then, "then"), (week_ago, "between"), (now, "now")):
            rows = _shelves(lines, seed, name)
            if at == now:
                _run_out(lines, rows)
            with database.transaction() as connection:
                stock.put_stock(connection, list(rows.values()), at)
                if at == week_ago:
                    run_refill(connection, catalogue, at, "predict")
                    continue
                made = run_plan(connection, catalogue, at, "predict")
                if at == then:
                    _decide(connection, made, at)


def open_shelves(connection: Connection, catalogue: Catalogue, now: datetime, seed: int) -> None:
    """Put warehouses, prices, issues and a sales plan into the store; nothing lies there yet."""
    stock.put_warehouses(connection, list(_warehouses(connection)))
    stock.put_supply(connection, list(_supply(catalogue, seed)))
    stock.put_issues(connection, list(_issues(connection, catalogue, now, seed)))
    stock.put_sales(connection, list(_sales(connection, catalogue, now, seed)))


def _shelves(lines: Sequence[Row], seed: int, name: str) -> dict[tuple[str, str], Row]:
    """What lies where on a day: a share of what should."""
    held = {(row["warehouse"], row["number"]): row["own_level"] for row in lines}
    return {
        key: {"warehouse": key[0], "number": key[1], "inbound": 0, "owed": 0,
              "on_hand": round(level * _pick(_SHARES, seed, name, *key))}
        for key, level in held.items()
    }  # fmt: skip


def _run_out(lines: Sequence[Row], rows: Mapping[tuple[str, str], Row]) -> None:
    """One part whose lack stops machines is nowhere to be had, and two machines wait for it."""
    serious = [
        line for line in lines
        if line["warehouse_level"] == "region" and line["reasons"]["effect"] != "other"
    ]  # fmt: skip
    worst = max(serious, key=lambda line: line["expected"], default=None)
    if worst is None:
        return
    for (_, number), row in rows.items():
        if number == worst["number"]:
            row["on_hand"] = 0
    rows[worst["warehouse"], worst["number"]]["owed"] = 2


def _warehouses(connection: Connection) -> Iterator[Row]:
    """One of the headquarters, one in every region, some at stations."""
    nowhere = {"region": None, "station": None}
    name = {"en": "Headquarters", "zh": "总部仓"}
    yield {"id": "hq", "level": "headquarters", "name": name, **nowhere}
    regions = {row["id"]: row["name"] for row in fleet_view.regions(connection)}
    for region, name in regions.items():
        yield {
            "id": f"wh-{region}",
            "level": "region",
            "region": region,
            "station": None,
            "name": {"en": f"{name['en']} warehouse", "zh": f"{name['zh']}区域库"},
        }
    by_station = sorted(machines.station_regions(connection).items())
    names = machines.station_names(connection)
    for station, region in by_station[:_DEPOTS]:
        yield {
            "id": f"st-{station}",
            "level": "station",
            "region": region,
            "station": station,
            "name": names[station].model_dump(),
        }


def _supply(catalogue: Catalogue, seed: int) -> Iterator[Row]:
    terms, seen = catalogue.supply, set()
    for plan in catalogue.plans.values():
        for part in plan.parts:
            if part.number not in seen:
                seen.add(part.number)
                factor = 0.6 + 0.9 * _share(seed, "price", part.number)
                yield {
                    "number": part.number,
                    "price": round(terms.prices[part.price_class] * factor, -1) or 10.0,
                    "supply_days": terms.supply_days[part.lead_class],
                    "pack": 1,
                }


def _issues(
    connection: Connection, catalogue: Catalogue, now: datetime, seed: int
) -> Iterator[Row]:
    """Repairs and sales over the counter: cheap articles now and then, a few often."""
    places = [row["id"] for row in stock.warehouses(connection) if row["level"] == "region"]
    parts = {part.number: part for plan in catalogue.plans.values() for part in plan.parts}
    for number in sorted(n for n, part in parts.items() if part.price_class in "AB"):
        gap = 25 + 500 * _share(seed, "gap", number)
        for place in places:
            day, count = gap * _share(seed, "first", number, place), 0
            while day < _ISSUED_DAYS:
                count += 1
                sold = _share(seed, "sale", number, place, count) < 0.3
                yield {
                    "document": f"DEMO-{place}-{number}-{count}",
                    "warehouse": place,
                    "number": number,
                    "quantity": 1,
                    "issued_at": now - timedelta(days=_ISSUED_DAYS - day),
                    "reason": "sale" if sold else "repair",
                }
                day += gap * (0.5 + _share(seed, "next", number, place, count))


def _sales(connection: Connection, catalogue: Catalogue, now: datetime, seed: int) -> Iterator[Row]:
    """A few machines of every product in the coming months."""
    regions = [row["id"] for row in fleet_view.regions(connection)]
    for place, plan in enumerate(catalogue.plans.values()):
        ahead = now + timedelta(days=20 + 25 * place)
        yield {
            "month": date(ahead.year, ahead.month, 1),
            "region": _pick(regions, seed, "sold", plan.product),
            "product": plan.product,
            "model": plan.models[0].id,
            "machines": 1 + place % 3,
        }


class _OnlyLooking(Exception):
    """Ends a transaction whose plan nobody is to see."""


def _lines(database: Database, catalogue: Catalogue, at: datetime) -> list[Row]:
    """What a plan would say, which nobody is to see."""
    lines: list[Row] = []
    try:
        with database.transaction() as connection:
            made = run_plan(connection, catalogue, at, "predict")
            lines = part_plans.lines(connection, made, {})
            raise _OnlyLooking
    except _OnlyLooking:
        return lines


def _decide(connection: Connection, plan: int, at: datetime) -> None:
    """The manager lets more of the dearest order come, and less of the next."""
    orders = part_plans.lines(connection, plan, {"action": "order"})
    orders.sort(key=lambda row: -row["price"] * row["order_quantity"])
    said = (
        (2, "两个大工地即将开工，多备一倍 / two big sites open, twice as many"),
        (0, "预算紧，先用现有库存 / short of budget, what is there has to do"),
    )
    for row, (factor, reason) in zip(orders, said, strict=False):
        quantity = factor * row["order_quantity"]
        part_plans.put_override(connection, row["id"], quantity, reason, "manager", at)


def _share(*words: object) -> float:
    """A number from 0 to 1, the same for the same words."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _pick(values: Any, *words: object) -> Any:
    return values[int(_share(*words) * len(values))]
