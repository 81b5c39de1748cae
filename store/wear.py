"""Wear as rows: remaining life of fitted parts, scheduled services."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import to_datetime
from store.connection import Connection, streamed
from store.queries import load

_SQL = load("wear")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DuePart:
    """A fitted part and what is left of its life, in the driver's `unit`; `due_p10` is the date
    by which one in ten such parts is worn out."""

    fitted_part_id: int
    machine_id: int
    part: str
    position: str
    fitted_at: datetime
    used: float
    per_day: float | None
    unit: str
    p10: float
    p50: float
    p90: float
    due_p10: datetime
    due_p50: datetime | None
    worn_share: float


@dataclass(frozen=True, slots=True)
class DueService:
    """A scheduled service: the operating `hours` now and `due_hours`; `due_at` by recent use or
    the calendar; `since` the service before; `announce`: within its lead time."""

    machine_id: int
    service: str
    hours: float
    due_hours: float
    due_at: datetime | None
    since: datetime
    announce: bool


@dataclass(frozen=True, slots=True)
class Fitting:
    """When a part was fitted, and the use it had before the first reading."""

    machine_id: int
    part: str
    position: str
    fitted_at: datetime
    used_before: float = 0.0


def due_parts(connection: Connection, machine_ids: Sequence[int], until_ms: int) -> list[DuePart]:
    """Fitted parts whose P10 date lies before `until_ms`."""
    values = {"machine_ids": list(machine_ids), "until": to_datetime(until_ms)}
    return [DuePart(**row) for row in connection.execute(_SQL["due_parts"], values).fetchall()]


def lives(connection: Connection) -> Iterator[Row]:
    """Every part ever fitted, of the kinds of which one has worn out or failed: its
    machine's model, its use, when it was fitted, when and why it was removed; grouped by product
    and part. Call it in a transaction: the rows of a fleet come in portions."""
    return streamed(connection, _SQL["lives"])


def due_services(
    connection: Connection, machine_ids: Sequence[int], *, within_h: float, until_ms: int
) -> list[DueService]:
    """Services in their lead time, within `within_h` operating hours or before `until_ms`."""
    values = {
        "machine_ids": list(machine_ids),
        "within_h": within_h,
        "until": to_datetime(until_ms),
    }
    return [
        DueService(**row) for row in connection.execute(_SQL["due_services"], values).fetchall()
    ]


def announced(
    connection: Connection, machine_ids: Sequence[int], rest_ms: int, now_ms: int
) -> set[tuple[int, str, str]]:
    """(machine, kind, source) of wear and service findings that need no repetition: their ticket
    is open, or was closed, or they were recorded, less than `rest_ms` ago."""
    values = {"machine_ids": list(machine_ids), "rest_since": to_datetime(now_ms - rest_ms)}
    rows = connection.execute(_SQL["announced"], values).fetchall()
    return {(row["machine_id"], row["kind"], row["source"]) for row in rows}


def machines_to_assess(connection: Connection, machine_ids: Collection[int] | None) -> list[Row]:
    """id, serial, product and commissioned_on of the machines in service (None: all)."""
    chosen = None if machine_ids is None else list(machine_ids)
    return connection.execute(_SQL["machines_to_assess"], {"machine_ids": chosen}).fetchall()


def live_parts(connection: Connection, machine_ids: Collection[int]) -> list[Row]:
    """Fitted parts with the use measured so far."""
    return connection.execute(_SQL["live_parts"], {"machine_ids": list(machine_ids)}).fetchall()


def put_remaining_life(
    connection: Connection, columns: Mapping[str, Sequence[Any]], now_ms: int
) -> None:
    """Remaining life and recent use per day of fitted parts: columns of equal length named as in
    `remaining_life` and `part_usage`, `ids` being the fitted parts."""
    values: Row = {name: list(column) for name, column in columns.items()}
    values["condition"] = [None if each is None else Jsonb(each) for each in columns["condition"]]
    values["now"] = to_datetime(now_ms)
    connection.execute(_SQL["put_assessed_usage"], values)
    connection.execute(_SQL["put_remaining_life"], values)


def peers_per_day(connection: Connection) -> dict[tuple[str, str], float]:
    """(product, part) -> mean use per day over the machines where it is known."""
    rows = connection.execute(_SQL["peers_per_day"]).fetchall()
    return {(row["product"], row["part"]): row["per_day"] for row in rows}


def last_services(
    connection: Connection, machine_ids: Collection[int]
) -> dict[int, dict[str, tuple[datetime, float]]]:
    """Machine -> service -> when and at how many hours it was done last."""
    rows = connection.execute(_SQL["last_services"], {"machine_ids": list(machine_ids)}).fetchall()
    result: dict[int, dict[str, tuple[datetime, float]]] = {}
    for row in rows:
        done = (row["done_at"], row["hours"])
        result.setdefault(row["machine_id"], {})[row["service"]] = done
    return result


def put_services_due(
    connection: Connection, machine_ids: Collection[int], due: Sequence[DueService], now_ms: int
) -> None:
    """What is due next on the machines; what was known of them before is replaced."""
    now = to_datetime(now_ms)
    values = {
        "machine_ids": [each.machine_id for each in due],
        "services": [each.service for each in due],
        "hours": [each.hours for each in due],
        "due_hours": [each.due_hours for each in due],
        "due_at": [each.due_at for each in due],
        "since": [each.since for each in due],
        "announce": [each.announce for each in due],
        "now": now,
    }
    connection.execute(_SQL["put_services_due"], values)
    connection.execute(_SQL["drop_services_due"], {"machine_ids": list(machine_ids), "now": now})


def record_fitted(connection: Connection, fittings: Sequence[Fitting]) -> int:
    """Correct when the parts fitted now were fitted and what they had been used before; returns
    how many were found. For machines that are registered with a history."""
    values = {
        "machine_ids": [each.machine_id for each in fittings],
        "parts": [each.part for each in fittings],
        "positions": [each.position for each in fittings],
        "fitted_at": [each.fitted_at for each in fittings],
        "used_before": [each.used_before for each in fittings],
    }
    return connection.execute(_SQL["record_fitted"], values).rowcount
