"""Reading tickets: the queue, one ticket whole, promises kept.

Rows are the columns of the blocks in sql/ticket.sql; times are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.clock import to_datetime
from store.connection import Connection
from store.queries import load

_SQL = load("ticket")

Row = dict[str, Any]
After = tuple[int, datetime, int]
"""(priority, target_at, id) of the last row of the page before."""

FILTERS = ("open", "status", "station", "region", "product", "serial", "assignee", "priority",
           "sees_name", "sees_station")  # fmt: skip


@dataclass(frozen=True, slots=True)
class WholeTicket:
    """A ticket as the queue lists it, with everything on it."""

    ticket: Row
    items: list[Row]
    checks: list[Row]
    parts: list[Row]
    events: list[Row]
    attached: list[Row]


def queue(
    connection: Connection,
    filters: Mapping[str, str | int | bool | None],
    after: After | None,
    limit: int,
) -> list[Row]:
    """Tickets, the most urgent first; `filters` may name those of FILTERS.

    `sees_name` and `sees_station` leave what a technician of that name and station may see: the
    station's tickets, the technician's own, and those nobody has.

    Raises ValueError for another.
    """
    unknown = filters.keys() - set(FILTERS)
    if unknown:
        raise ValueError(f"there is no filter {sorted(unknown)[0]}; there are {', '.join(FILTERS)}")
    priority, target, ticket_id = after or (None, None, None)
    values: Row = {"number": None, **{name: filters.get(name) for name in FILTERS}}
    values |= {"after_priority": priority, "after_target": target, "after_id": ticket_id}
    return connection.execute(_SQL["tickets"], values | {"limit": limit}).fetchall()


def whole(connection: Connection, number: str) -> WholeTicket | None:
    """The ticket of that number with its items (the most severe first), checks, parts,
    events and the alarms attached to it; None when there is none."""
    values: Row = dict.fromkeys((*FILTERS, "after_priority", "after_target", "after_id"))
    values |= {"number": number, "limit": 1}
    ticket = connection.execute(_SQL["tickets"], values).fetchone()
    if ticket is None:
        return None
    of_ticket = {"ticket_id": ticket["id"]}
    items, checks, parts, events, attached = (
        connection.execute(_SQL[block], of_ticket).fetchall()
        for block in ("items", "checks", "parts", "events", "attached")
    )
    return WholeTicket(ticket, items, checks, parts, events, attached)


def found_items(
    connection: Connection, machine_ids: Sequence[int], since_ms: int, until_ms: int
) -> list[Row]:
    """What technicians found of the alarms on tickets of machines that were open in
    [since, until) and are done."""
    values = {
        "machines": list(machine_ids),
        "since": to_datetime(since_ms),
        "until": to_datetime(until_ms),
    }
    return connection.execute(_SQL["found_items"], values).fetchall()


def promises_kept(connection: Connection, since_ms: int, now_ms: int) -> tuple[int, int]:
    """Of the tickets opened since: how many promises were kept (on site before the target) and
    how many are broken."""
    values = {"since": to_datetime(since_ms), "now": to_datetime(now_ms)}
    row = connection.execute(_SQL["promises_kept"], values).fetchone()
    assert row is not None
    return row["kept"], row["broken"]
