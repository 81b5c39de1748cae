"""Writing the steps of a ticket's life. Called inside a transaction, on a ticket locked by
`ticket_for_step`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from store import alarms
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


def checks(connection: Connection, ticket_id: int) -> list[Row]:
    """sequence, checklist, definition and passed of all checks."""
    return connection.execute(_SQL["checks"], {"ticket_id": ticket_id}).fetchall()


def answer_checks(
    connection: Connection,
    ticket_id: int,
    answers: Mapping[int, tuple[Any, bool]],
    *,
    actor: str,
    now_ms: int,
) -> None:
    """Keep answers of checks: sequence -> the answer and whether it passes."""
    values = {
        "ticket_id": ticket_id,
        "sequences": list(answers),
        "answers": [Jsonb(answer) for answer, _ in answers.values()],
        "passed": [passed for _, passed in answers.values()],
        "actor": actor,
        "now": to_datetime(now_ms),
    }
    connection.execute(_SQL["answer_checks"], values)


def answer_parts(
    connection: Connection, ticket_id: int, found: Mapping[int, str | None]
) -> set[int]:
    """Say that parts were replaced (why) or kept (None); returns those that are on the ticket."""
    values = {
        "ticket_id": ticket_id,
        "part_ids": list(found),
        "replaced": [why is not None for why in found.values()],
        "found": list(found.values()),
    }
    return {row["id"] for row in connection.execute(_SQL["answer_parts"], values).fetchall()}


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
    """Acknowledge the alarms a ticket dealt with; those that have returned are over, those that
    still stand will be told anew should they stay."""
    values = {"ticket_id": ticket_id, "actor": actor, "now": to_datetime(now_ms)}
    connection.execute(_SQL["settle_alarms"], values)


def let_go_alarms(connection: Connection, ticket_id: int, now_ms: int) -> None:
    """The ticket is cancelled: what was attached to it and still stands is to be told anew."""
    values = {"ticket_id": ticket_id, "now": to_datetime(now_ms)}
    connection.execute(_SQL["let_go_alarms"], values)


def take_alarms(connection: Connection, number: str, actor: str) -> None:
    """Lock the live alarms of a ticket's machine for a step in which `actor` changes them. Who does
    that before locking the ticket never waits in a circle with the rules."""
    alarms.act_as(connection, actor)
    connection.execute(_SQL["lock_alarms"], {"number": number})


def _version(connection: Connection, block: str, values: Row) -> int:
    row = connection.execute(_SQL[block], values).fetchone()
    assert row is not None
    return int(row["version"])
