"""Alerts for the parts team: which fitted part will be needed when, and what was done about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from store.connection import Connection
from store.queries import load

_SQL = load("part_alert")

Row = dict[str, Any]

FILTERS = ("region", "product", "serial", "status")


def newest(connection: Connection, machine_ids: Collection[int]) -> dict[int, Row]:
    """Fitted part -> status, changed_at and probability of its newest alert."""
    rows = connection.execute(_SQL["newest"], {"machine_ids": list(machine_ids)}).fetchall()
    return {row["fitted_part_id"]: row for row in rows}


def raise_(connection: Connection, alerts: Sequence[Row], now_ms: int) -> None:
    """Open alerts, or bring open ones up to date: rows of fitted_part_id, quantity, order_by,
    needed_by, probability and evidence."""
    values: Row = {
        "ids": [alert["fitted_part_id"] for alert in alerts],
        "quantities": [alert["quantity"] for alert in alerts],
        "order_by": [alert["order_by"] for alert in alerts],
        "needed_by": [alert["needed_by"] for alert in alerts],
        "probabilities": [alert["probability"] for alert in alerts],
        "evidence": [Jsonb(alert["evidence"]) for alert in alerts],
        "now": to_datetime(now_ms),
    }
    connection.execute(_SQL["raise"], values)


def withdraw(connection: Connection, fitted_part_ids: Sequence[int], now_ms: int) -> None:
    """Close open alerts that are no longer true; what a person has decided stays."""
    values = {"ids": list(fitted_part_ids), "now": to_datetime(now_ms)}
    connection.execute(_SQL["withdraw"], values)


def withdraw_of_machines(connection: Connection, machine_ids: Collection[int], now_ms: int) -> None:
    """Close all alerts of machines that need nothing any more."""
    values = {"machine_ids": list(machine_ids), "now": to_datetime(now_ms)}
    connection.execute(_SQL["withdraw_of_machines"], values)


def alerts(
    connection: Connection,
    filters: Mapping[str, str | None],
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Row]:
    """Alerts by the date to order, with machine, position, ticket number and remaining life.

    `filters` may name region, product, serial and status; `after` is (order_by, id).
    """
    order_by, alert_id = after or (None, None)
    values: Row = {name: filters.get(name) for name in FILTERS}
    values |= {"id": None, "after_order_by": order_by, "after_id": alert_id, "limit": limit}
    return connection.execute(_SQL["alerts"], values).fetchall()


def alert(connection: Connection, alert_id: int) -> Row | None:
    """One alert as `alerts` lists it."""
    values: Row = dict.fromkeys((*FILTERS, "after_order_by", "after_id"))
    return connection.execute(_SQL["alerts"], values | {"id": alert_id, "limit": 1}).fetchone()


def change(
    connection: Connection,
    alert_id: int,
    *,
    status: str,
    actor: str,
    note: str | None,
    now_ms: int,
) -> bool:
    """Set an open alert to `ordered`, or an open or ordered one to `dismissed`; False where it is
    neither or there is none: what is ordered is not ordered twice."""
    values = {
        "id": alert_id,
        "status": status,
        "actor": actor,
        "note": note,
        "now": to_datetime(now_ms),
    }
    return connection.execute(_SQL["change"], values).fetchone() is not None
