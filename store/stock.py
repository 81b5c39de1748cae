"""Warehouses, what lies in them, how articles come, and what was issued, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from store.connection import Connection
from store.queries import load

_SQL = load("stock")

Row = dict[str, Any]


def put_warehouses(connection: Connection, rows: Sequence[Row]) -> None:
    """Add warehouses or bring them up to date: id, level, region, station and name."""
    values = {f"{name}s": [row[name] for row in rows] for name in ("level", "region", "station")}
    names = [Jsonb(row["name"]) for row in rows]
    connection.execute(
        _SQL["put_warehouses"], {**values, "ids": [row["id"] for row in rows], "names": names}
    )


def warehouses(connection: Connection) -> list[Row]:
    """All warehouses, sources before those they serve."""
    return connection.execute(_SQL["warehouses"]).fetchall()


def put_supply(connection: Connection, rows: Sequence[Row]) -> None:
    """Set number, price in yuan, days from the supplier and pack of articles."""
    values = {
        "numbers": [row["number"] for row in rows],
        "prices": [row["price"] for row in rows],
        "days": [row["supply_days"] for row in rows],
        "packs": [row["pack"] for row in rows],
    }
    connection.execute(_SQL["put_supply"], values)


def supply(connection: Connection) -> dict[str, Row]:
    """Number -> price, supply_days and pack of the articles of which they are known."""
    return {row["number"]: row for row in connection.execute(_SQL["supply"]).fetchall()}


def put_stock(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Set what lies in warehouses as counted `now`: warehouse, number, on_hand, inbound, owed."""
    values: Row = {name: [row[name] for row in rows] for name in ("on_hand", "inbound", "owed")}
    values["warehouses"] = [row["warehouse"] for row in rows]
    values["numbers"] = [row["number"] for row in rows]
    connection.execute(_SQL["put_stock"], values | {"now": now})


def stock(connection: Connection) -> dict[tuple[str, str], Row]:
    """(warehouse, number) -> on_hand, inbound, owed and when it was counted."""
    rows = connection.execute(_SQL["stock"]).fetchall()
    return {(row["warehouse"], row["number"]): row for row in rows}


def put_issues(connection: Connection, rows: Sequence[Row]) -> None:
    """Record pieces that left a warehouse: document, warehouse, number, quantity, issued_at and
    reason. A document that is there already is replaced."""
    values = {
        "documents": [row["document"] for row in rows],
        "warehouses": [row["warehouse"] for row in rows],
        "numbers": [row["number"] for row in rows],
        "quantities": [row["quantity"] for row in rows],
        "issued_at": [row["issued_at"] for row in rows],
        "reasons": [row["reason"] for row in rows],
    }
    connection.execute(_SQL["put_issues"], values)


def issues(connection: Connection, since: datetime, until: datetime) -> list[Row]:
    """Pieces issued by warehouse, number, day (UTC) and reason: with tickets, and imported."""
    return connection.execute(_SQL["issues"], {"since": since, "until": until}).fetchall()


def put_sales(connection: Connection, rows: Sequence[Row]) -> None:
    """Set how many machines of a model a region is to sell in a month."""
    values = {
        "months": [row["month"] for row in rows],
        "regions": [row["region"] for row in rows],
        "products": [row["product"] for row in rows],
        "models": [row["model"] for row in rows],
        "machines": [row["machines"] for row in rows],
    }
    connection.execute(_SQL["put_sales"], values)


def sales(connection: Connection, since: date) -> list[Row]:
    """The sales plan from a month on."""
    return connection.execute(_SQL["sales"], {"since": since}).fetchall()
