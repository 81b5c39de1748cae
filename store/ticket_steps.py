"""Writing the steps of a ticket's life. Called inside a transaction, on a ticket locked by
`ticket_for_step`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from store.connection import Connection
from store.queries import load

_SQL = load("ticket_step")

Row = dict[str, Any]


def ticket_for_step(connection: Connection, number: str) -> Row | None:
    """id, number, machine_id, product, status, assignee, version of a ticket, locked."""
    return connection.execute(_SQL["ticket_for_step"], {"number": number}).fetchone()


def set_status(
    connection: Connection,
    ticket_id: int,
    to: str,
    now_ms: int,
    *,
    assignee: str | None = None,
    code: str | None = None,
    note: str | None = None,
) -> int:
    """Bring a ticket to a status; returns its new version. `new` takes it from its assignee."""
    values = {
        "ticket_id": ticket_id,
        "to": to,
        "now": to_datetime(now_ms),
        "assignee": assignee,
        "code": code,
        "note": note,
    }
    return _version(connection, "set_status", values)


def touch(connection: Connection, ticket_id: int) -> int:
    """Count a change that leaves the status; returns the new version."""
    return _version(connection, "touch", {"ticket_id": ticket_id})


def set_planned(connection: Connection, ticket_id: int, planned_ms: int) -> int:
    """Set when the visit is meant to begin; returns the new version."""
    values = {"ticket_id": ticket_id, "planned_at": to_datetime(planned_ms)}
    return _version(connection, "set_planned", values)


def check(connection: Connection, ticket_id: int, sequence: int) -> Row | None:
    """The definition of one check."""
    values = {"ticket_id": ticket_id, "sequence": sequence}
    return connection.execute(_SQL["check"], values).fetchone()


def answer_check(
    connection: Connection,
    ticket_id: int,
    sequence: int,
    answer: Any,
    *,
    passed: bool,
    actor: str,
    now_ms: int,
) -> None:
    """Keep the answer of a check."""
    values = {
        "ticket_id": ticket_id,
        "sequence": sequence,
        "answer": Jsonb(answer),
        "passed": passed,
        "actor": actor,
        "now": to_datetime(now_ms),
    }
    connection.execute(_SQL["answer_check"], values)


def checks(connection: Connection, ticket_id: int) -> list[Row]:
    """checklist, definition and passed of all checks."""
    return connection.execute(_SQL["checks"], {"ticket_id": ticket_id}).fetchall()


def answer_part(connection: Connection, ticket_id: int, part_id: int, found: str | None) -> bool:
    """Say that a part was replaced (`found`: why) or kept (None); False when there is no such
    part on the ticket."""
    values = {
        "ticket_id": ticket_id,
        "part_id": part_id,
        "replaced": found is not None,
        "found": found,
    }
    return connection.execute(_SQL["answer_part"], values).fetchone() is not None


def items(connection: Connection, ticket_id: int) -> list[Row]:
    """id, kind, source, title and, for wear, how many of its parts are open and replaced."""
    return connection.execute(_SQL["items"], {"ticket_id": ticket_id}).fetchall()


def set_item_codes(connection: Connection, ticket_id: int, codes: Mapping[int, str]) -> None:
    """What was found for each item."""
    values = {"ticket_id": ticket_id, "ids": list(codes), "codes": list(codes.values())}
    connection.execute(_SQL["set_item_codes"], values)


def renew_parts(connection: Connection, ticket_id: int, actor: str, now_ms: int) -> list[int]:
    """Where the ticket says a part was replaced: the old one is removed, a new one stands in its
    place from now on, and its alert is done. Returns the removed fitted parts."""
    values: Row = {"ticket_id": ticket_id, "actor": actor, "now": to_datetime(now_ms)}
    connection.execute(_SQL["keep_unanswered_parts"], values)
    rows = connection.execute(_SQL["replace_parts"], values).fetchall()
    removed = [int(row["id"]) for row in rows]
    values["removed"] = removed
    for block in ("fit_new_parts", "forget_remaining_life", "fulfil_alerts"):
        connection.execute(_SQL[block], values)
    return removed


def operating_hours(connection: Connection, machine_id: int, signal: str) -> float:
    """Operating hours of a machine: reset-safe where predict has counted them, else as last
    read, 0 where nothing was ever read."""
    values = {"machine_id": machine_id, "signal": signal}
    row = connection.execute(_SQL["operating_hours"], values).fetchone()
    assert row is not None
    return float(row["hours"])


def services_done(
    connection: Connection,
    ticket: Row,
    services: Sequence[str],
    hours: float,
    now_ms: int,
) -> None:
    """Keep that services were done on a ticket's machine at `hours` operating hours."""
    values = {
        "ticket_id": ticket["id"],
        "machine_id": ticket["machine_id"],
        "services": list(services),
        "hours": hours,
        "now": to_datetime(now_ms),
    }
    connection.execute(_SQL["services_done"], values)


def settle_alarms(connection: Connection, ticket_id: int, actor: str, now_ms: int) -> None:
    """Acknowledge the alarms a ticket dealt with; those that have returned are over."""
    values = {"ticket_id": ticket_id, "actor": actor, "now": to_datetime(now_ms)}
    connection.execute(_SQL["settle_alarms"], values)


def _version(connection: Connection, block: str, values: Row) -> int:
    row = connection.execute(_SQL[block], values).fetchone()
    assert row is not None
    return int(row["version"])
