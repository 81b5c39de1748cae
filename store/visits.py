"""Writing visits: tickets as findings open them and add to them. Called inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from fleet.finding import Finding
from fleet.service import CheckItem
from fleet.text import Text
from store.connection import Connection, StoreError
from store.queries import load

_SQL = load("visit")

Row = dict[str, Any]


class VisitTaken(StoreError):
    """Another worker has opened the machine's visit in the meantime; look again."""


def machine(connection: Connection, machine_id: int) -> Row:
    """id, serial, product, station, tier and retired_at of a machine. Raises StoreError for a
    stranger."""
    row = connection.execute(_SQL["machine"], {"machine_id": machine_id}).fetchone()
    if row is None:
        raise StoreError(f"there is no machine with id {machine_id}; register it first")
    return row


def known_finding(connection: Connection, finding: Finding) -> Row | None:
    """id, outcome, reason and ticket_id of the finding if it has been decided before."""
    return connection.execute(_SQL["known_finding"], _key(finding)).fetchone()


def planned_visit(connection: Connection, machine_id: int) -> Row | None:
    """id, number, priority and target_at of the machine's planned visit, locked."""
    return connection.execute(_SQL["planned_visit"], {"machine_id": machine_id}).fetchone()


def open_items(connection: Connection, machine_id: int) -> list[Row]:
    """kind, source, component and ticket of all that open tickets deal with."""
    return connection.execute(_SQL["open_items"], {"machine_id": machine_id}).fetchall()


def attach_alarm(connection: Connection, alarm_id: int) -> None:
    """Mark an alarm that an open ticket deals with: it pages nobody anew."""
    connection.execute(_SQL["attach_alarm"], {"alarm_id": alarm_id})


def fitted_places(connection: Connection, machine_id: int) -> list[Row]:
    """id, part and position of the parts fitted to a machine now."""
    return connection.execute(_SQL["fitted_places"], {"machine_id": machine_id}).fetchall()


def open_visit(
    connection: Connection,
    machine_row: Row,
    title: Text,
    *,
    priority: int,
    target_ms: int,
    now_ms: int,
) -> Row:
    """A new ticket, its id and number. Raises VisitTaken when the machine has a visit already;
    the transaction (or savepoint) it ran in is lost then."""
    values = {
        "machine_id": machine_row["id"],
        "station": machine_row["station"],
        "title": Jsonb(title.model_dump()),
        "priority": priority,
        "target_at": to_datetime(target_ms),
        "now": to_datetime(now_ms),
    }
    try:
        row = connection.execute(_SQL["open_visit"], values).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise VisitTaken(f"machine {machine_row['serial']} has a visit already") from error
    assert row is not None
    return row


def add_finding(
    connection: Connection,
    finding: Finding,
    *,
    outcome: str,
    reason: Text,
    ticket_id: int | None,
    now_ms: int,
) -> int | None:
    """Keep a finding with what became of it; its id, or None when it was kept before."""
    values = {
        **_key(finding),
        "severity": finding.severity,
        "late": finding.late,
        "evidence": Jsonb(dict(finding.evidence)),
        "alarm_id": finding.alarm_id,
        "fitted_part_id": finding.fitted_part_id,
        "outcome": outcome,
        "reason": Jsonb(reason.model_dump()),
        "ticket_id": ticket_id,
        "now": to_datetime(now_ms),
    }
    row = connection.execute(_SQL["add_finding"], values).fetchone()
    return None if row is None else int(row["id"])


def add_item(
    connection: Connection, ticket_id: int, finding_id: int, finding: Finding, now_ms: int
) -> None:
    """A reason for the visit."""
    values = {
        **_key(finding),
        "ticket_id": ticket_id,
        "finding_id": finding_id,
        "severity": finding.severity,
        "title": Jsonb(finding.title.model_dump()),
        "reason": Jsonb(finding.reason.model_dump()),
        "evidence": Jsonb(dict(finding.evidence)),
        "failure_modes": list(finding.failure_modes),
        "now": to_datetime(now_ms),
    }
    connection.execute(_SQL["add_item"], values)


def items_so_far(connection: Connection, ticket_id: int) -> list[Row]:
    """severity, title and failure_modes of a ticket's items."""
    return connection.execute(_SQL["items_so_far"], {"ticket_id": ticket_id}).fetchall()


def add_checks(
    connection: Connection, ticket_id: int, checks: Sequence[tuple[str, CheckItem]]
) -> float:
    """Checks (checklist, item) the ticket lacks; returns the minutes of those added."""
    given = [[checklist, item.model_dump(mode="json")] for checklist, item in checks]
    values = {"ticket_id": ticket_id, "checks": Jsonb(given)}
    rows = connection.execute(_SQL["add_checks"], values).fetchall()
    return float(sum(row["minutes"] for row in rows))


def add_part(
    connection: Connection,
    ticket_id: int,
    part: str,
    fitted_part_id: int | None,
    quantity: int,
    reason: Text,
) -> None:
    """Pieces to bring; of a part that is listed already the larger number."""
    values = {
        "ticket_id": ticket_id,
        "part": part,
        "fitted_part_id": fitted_part_id,
        "quantity": quantity,
        "reason": Jsonb(reason.model_dump()),
    }
    connection.execute(_SQL["add_part"], values)


def extend_visit(
    connection: Connection,
    ticket_id: int,
    *,
    title: Text,
    priority: int,
    target_ms: int,
    minutes: int,
    skill: str,
    skills: Sequence[str],
) -> None:
    """What an item changes on its ticket; `skills` in rising order."""
    values = {
        "ticket_id": ticket_id,
        "title": Jsonb(title.model_dump()),
        "priority": priority,
        "target_at": to_datetime(target_ms),
        "minutes": minutes,
        "skill": skill,
        "skills": list(skills),
    }
    connection.execute(_SQL["extend_visit"], values)


def add_event(
    connection: Connection,
    ticket_id: int,
    *,
    actor: str,
    note: Text,
    now_ms: int,
    from_status: str | None = None,
    to_status: str | None = None,
) -> None:
    """A line in the ticket's history; without `to_status` its status stays what it is."""
    values = {
        "ticket_id": ticket_id,
        "actor": actor,
        "note": Jsonb(note.model_dump()),
        "now": to_datetime(now_ms),
        "from_status": from_status,
        "to_status": to_status,
    }
    connection.execute(_SQL["add_event"], values)


def _key(finding: Finding) -> Row:
    return {
        "machine_id": finding.machine_id,
        "kind": finding.kind,
        "source": finding.source,
        "component": finding.component,
        "happened_at": to_datetime(finding.happened_at),
    }
