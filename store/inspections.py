"""The next inspection of every machine as rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from fleet.text import Text
from store.connection import Connection
from store.queries import load

_SQL = load("inspection")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DueInspection:
    """When a machine is looked at next, why then, on what evidence (JSON), and the failure modes
    that it looks for."""

    machine_id: int
    due_at: datetime
    reason: Text
    evidence: Mapping[str, Any]
    failure_modes: tuple[str, ...]


def looks(connection: Connection, machine_ids: Collection[int]) -> list[Row]:
    """id, place and age of machines, and when somebody has looked at them last (None: never)."""
    return connection.execute(_SQL["looks"], {"machine_ids": list(machine_ids)}).fetchall()


def visits_planned(connection: Connection, now_ms: int) -> list[Row]:
    """Number, machine, place and time of all visits that are planned."""
    values = {"now": to_datetime(now_ms)}
    return connection.execute(_SQL["visits_planned"], values).fetchall()


def put(connection: Connection, due: Sequence[DueInspection], now_ms: int) -> None:
    """The next inspections; what was known before is replaced."""
    values = {
        "machine_ids": [each.machine_id for each in due],
        "due_at": [each.due_at for each in due],
        "reasons": [Jsonb(each.reason.model_dump()) for each in due],
        "evidence": [Jsonb(dict(each.evidence)) for each in due],
        "now": to_datetime(now_ms),
    }
    connection.execute(_SQL["put"], values)


def of_machine(connection: Connection, machine_id: int) -> Row | None:
    """due_at, reason, evidence and as_of; None before the machine was assessed."""
    return connection.execute(_SQL["of_machine"], {"machine_id": machine_id}).fetchone()
