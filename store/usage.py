"""Use of machines and their fitted parts, as far as it has been counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fleet.clock import MS_PER_DAY, to_datetime
from store.connection import Connection
from store.queries import load

_SQL = load("usage")
_LOCK = 0x57454152  # any number of our own: one transaction at a time takes usage on

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShownDay:
    """What a part of a machine showed of its wear on a UTC `day` since 1970: the mean over its
    `samples`, and the machine's total `use` of the part by then."""

    machine_id: int
    part: str
    day: int
    samples: int
    mean: float
    use: float


def lock(connection: Connection) -> None:
    """Wait until no other process takes usage on; held to the end of the transaction."""
    connection.execute(_SQL["lock"], {"key": _LOCK})


def states(connection: Connection, machine_ids: Collection[int]) -> dict[int, Row]:
    """Machine -> its state of use as JSON."""
    rows = connection.execute(_SQL["states"], {"machine_ids": list(machine_ids)}).fetchall()
    return {row["machine_id"]: row["state"] for row in rows}


def checkpoints_ahead(connection: Connection, moments: Mapping[int, int]) -> dict[int, Row]:
    """Machine -> the newest kept state that ends before the machine's moment (ms), as JSON."""
    values = {
        "machine_ids": list(moments),
        "moments": [to_datetime(moment) for moment in moments.values()],
    }
    rows = connection.execute(_SQL["checkpoints_ahead"], values).fetchall()
    return {row["machine_id"]: row["state"] for row in rows}


def days_ago(connection: Connection, machine_ids: Collection[int], since_ms: int) -> dict[int, Row]:
    """Machine -> day, totals and hours of its oldest kept state of use since `since_ms`."""
    values = {"machine_ids": list(machine_ids), "since": to_datetime(since_ms)}
    rows = connection.execute(_SQL["days_ago"], values).fetchall()
    return {row["machine_id"]: row for row in rows}


def put(
    connection: Connection,
    states: Mapping[int, tuple[int, Row]],
    checkpoints: Mapping[tuple[int, int], tuple[int, Row]],
    keep_days: int,
) -> None:
    """Keep states by machine, and those ahead of a day by (machine, start of the day in ms); each
    as (as_of in ms, JSON). Checkpoints older than `keep_days` are dropped."""
    _put_states(connection, "put_states", list(states), {}, list(states.values()))
    days = [to_datetime(day).date() for _, day in checkpoints]
    machines = [machine for machine, _ in checkpoints]
    _put_states(connection, "put_checkpoints", machines, {"days": days}, list(checkpoints.values()))
    values = {"machine_ids": list(states), "keep_days": keep_days}
    connection.execute(_SQL["forget_checkpoints"], values)


def put_months(connection: Connection, states: Mapping[tuple[int, int], Row]) -> None:
    """Keep the states ahead of days (machine, start of the day in ms), of each month the first."""
    first: dict[tuple[int, tuple[int, int]], tuple[int, int]] = {}
    for machine, at in sorted(states):
        day = to_datetime(at).date()
        first.setdefault((machine, (day.year, day.month)), (machine, at))
    values = {
        "machine_ids": [machine for machine, _ in first.values()],
        "days": [to_datetime(at).date() for _, at in first.values()],
        "hours": [states[key]["hours"] for key in first.values()],
        "totals": [Jsonb(states[key]["totals"]) for key in first.values()],
    }
    connection.execute(_SQL["put_months"], values)


def months(connection: Connection, machine_ids: Collection[int], since_ms: int) -> list[Row]:
    """Day, hours and totals of the machines ahead of each month since then, in order."""
    values = {"machine_ids": list(machine_ids), "since": to_datetime(since_ms).date()}
    return connection.execute(_SQL["months"], values).fetchall()


def month_hours(connection: Connection, since_ms: int) -> list[Row]:
    """Product, latitude, month and hours of every machine ahead of each month, in order."""
    values = {"since": to_datetime(since_ms).date()}
    return connection.execute(_SQL["month_hours"], values).fetchall()


def put_shown(connection: Connection, days: Sequence[ShownDay]) -> None:
    """Keep what parts showed; a day that is known is replaced."""
    values = {
        "machine_ids": [each.machine_id for each in days],
        "parts": [each.part for each in days],
        "days": [to_datetime(each.day * MS_PER_DAY).date() for each in days],
        "samples": [each.samples for each in days],
        "means": [each.mean for each in days],
        "uses": [each.use for each in days],
    }
    connection.execute(_SQL["put_shown"], values)


def shown(connection: Connection, machine_ids: Collection[int], since_ms: int) -> list[Row]:
    """Machine, part, day, mean and use of what parts showed since then, in order of time."""
    values = {"machine_ids": list(machine_ids), "since": to_datetime(since_ms).date()}
    return connection.execute(_SQL["shown"], values).fetchall()


def _put_states(
    connection: Connection,
    block: str,
    machines: list[int],
    more: Row,
    states: list[tuple[int, Row]],
) -> None:
    values = {
        "machine_ids": machines,
        "as_of": [to_datetime(as_of) for as_of, _ in states],
        "states": [Jsonb(state) for _, state in states],
    }
    connection.execute(_SQL[block], values | more)


def fitted_since(connection: Connection, since: Mapping[int, int]) -> list[Row]:
    """Parts of the machines that are fitted now or were removed after the machine's moment (ms),
    with at_fitting as measured so far."""
    values = {
        "machine_ids": list(since),
        "since": [to_datetime(moment) for moment in since.values()],
    }
    return connection.execute(_SQL["fitted_since"], values).fetchall()


def unmeasured(connection: Connection, most: int) -> dict[str, dict[int, datetime]]:
    """Product -> machine -> when the first of its parts was fitted whose use is not measured
    though samples since then were; of at most `most` machines."""
    result: dict[str, dict[int, datetime]] = {}
    for row in connection.execute(_SQL["unmeasured"], {"most": most}).fetchall():
        result.setdefault(row["product"], {})[row["machine_id"]] = row["fitted_at"]
    return result


def put_part_usage(
    connection: Connection,
    ids: Sequence[int],
    at_fitting: Sequence[float],
    used: Sequence[float],
    as_of: Sequence[datetime],
) -> None:
    """Use of fitted parts, one entry each."""
    values = {
        "ids": list(ids),
        "at_fitting": list(at_fitting),
        "used": list(used),
        "as_of": list(as_of),
    }
    connection.execute(_SQL["put_part_usage"], values)
