"""Reading for people how data come in: who reports, how late, what was rejected and why.

Every function returns rows as the columns of its block in sql/ingest_view.sql.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from store.connection import Connection
from store.queries import load

_SQL = load("ingest_view")

Row = dict[str, Any]


def totals(connection: Connection) -> Row:
    """What came of all samples of all machines."""
    row = connection.execute(_SQL["totals"]).fetchone()
    assert row is not None
    return row


def rejected_by_reason(connection: Connection, machine_id: int | None) -> list[Row]:
    """Rejected messages counted by reason, of one machine or of all; `waiting` of them were not put
    back."""
    return connection.execute(_SQL["rejected_by_reason"], {"machine_id": machine_id}).fetchall()


def unknown_machine(connection: Connection) -> int:
    """How many messages wait until their machine is registered."""
    row = connection.execute(_SQL["unknown_machine"]).fetchone()
    assert row is not None
    count: int = row["count"]
    return count


def bad_values_by_reason(connection: Connection) -> list[Row]:
    """Values stored as missing, counted by reason."""
    return connection.execute(_SQL["bad_values_by_reason"]).fetchall()


def bad_values_by_signal(connection: Connection) -> list[Row]:
    """The same by reason and signal, those that no plan has together under an empty name."""
    return connection.execute(_SQL["bad_values_by_signal"]).fetchall()


def bad_values(connection: Connection, machine_id: int) -> list[Row]:
    """A machine's values stored as missing, by signal and reason, the most first."""
    return connection.execute(_SQL["bad_values"], {"machine_id": machine_id}).fetchall()


def beats(connection: Connection) -> list[Row]:
    """The last word of every process."""
    return connection.execute(_SQL["beats"]).fetchall()


def ledger(connection: Connection, machine_id: int) -> Row | None:
    """What came of everything a machine sent; None when it never sent anything."""
    return connection.execute(_SQL["ledger"], {"machine_id": machine_id}).fetchone()


def reporters(
    connection: Connection, after: tuple[datetime | None, str] | None, limit: int
) -> list[Row]:
    """Machines and when they were last heard, the longest silent first.

    `after` is (last_received_at, serial) of the row before.
    """
    heard, serial = after or (None, None)
    parameters = {"after": heard, "after_serial": serial, "limit": limit}
    return connection.execute(_SQL["reporters"], parameters).fetchall()


def rejected(
    connection: Connection,
    before: int | None,
    reason: str | None,
    serial: str | None,
    limit: int,
    *,
    waiting: bool = False,
) -> list[Row]:
    """Rejected messages with an id below `before`, the newest first, with their first bytes; all,
    or those `waiting` that were not put back."""
    parameters = {
        "before": before,
        "reason": reason,
        "serial": serial,
        "waiting": waiting,
        "limit": limit,
    }
    return connection.execute(_SQL["rejected"], parameters).fetchall()
