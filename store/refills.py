"""Shelves filled up between two plans: what a refill rests on and what it moves, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from store.connection import Connection
from store.queries import load

_SQL = load("refill")

Row = dict[str, Any]


def basis(connection: Connection, at: datetime) -> Row | None:
    """The newest plan as of a moment (`run_id`, `planned_at`), when shelves were looked at last
    (`looked_at`: by it or by a refill since), and when stock was counted last."""
    return connection.execute(_SQL["basis"], {"at": at}).fetchone()


def put(connection: Connection, refill: Mapping[str, Any], moves: Sequence[Row]) -> int:
    """Write a refill and its moves down; returns its number."""
    row = connection.execute(_SQL["put_refill"], refill).fetchone()
    assert row is not None
    columns = {
        "numbers": "number", "sources": "source", "targets": "target", "quantities": "quantity",
        "kinds": "kind", "positions": "position", "levels": "level", "lasts": "lasts_days",
    }  # fmt: skip
    values = {name: [move[key] for move in moves] for name, key in columns.items()}
    connection.execute(_SQL["put_moves"], {"refill_id": row["id"], **values})
    return int(row["id"])


def refills(
    connection: Connection,
    limit: int,
    refill_id: int | None = None,
    *,
    before: tuple[datetime, int] | None = None,
) -> list[Row]:
    """Refills, the newest first, those `before` (as_of, id); or one."""
    as_of, before_id = before or (None, None)
    parameters = {"limit": limit, "id": refill_id, "before_as_of": as_of, "before_id": before_id}
    return connection.execute(_SQL["refills"], parameters).fetchall()


def moves(connection: Connection, refill_id: int) -> list[Row]:
    """What a refill moves, the most pressing first, what goes back last."""
    return connection.execute(_SQL["moves"], {"refill_id": refill_id}).fetchall()
