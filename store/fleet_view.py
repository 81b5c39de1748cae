"""Reading the fleet for people: lists of machines with their health, and the overview.

Every function returns rows as the columns of its block in sql/fleet_view.sql. Times are aware
datetimes; a page is read with `limit` rows after the sort key of the row before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from store.connection import Connection
from store.queries import load

_SQL = load("fleet_view")

Row = dict[str, Any]

#: Stands for the date of what is due on none.
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def machines(
    connection: Connection,
    filters: Mapping[str, str | None],
    after: str | None,
    limit: int,
    *,
    retired: bool = False,
) -> list[Row]:
    """Machines by serial number with their health, place in the organisation and last values:
    those of the fleet or, with `retired`, those that left it.

    `filters` may name product, region, station, health and text (a part of serial number, model,
    customer or site).
    """
    parameters = {"serial": None, **_filters(filters, "product region station health text")}
    parameters |= {"after": after, "limit": limit, "retired": retired}
    return connection.execute(_SQL["machines"], parameters).fetchall()


def machine(connection: Connection, serial: str) -> Row | None:
    """One machine as `machines` lists it, in the fleet or retired; None when it does not exist."""
    parameters = {"serial": serial, **_filters({}, "product region station health text")}
    parameters |= {"after": None, "limit": 1, "retired": None}
    return connection.execute(_SQL["machines"], parameters).fetchone()


def machines_per_product(connection: Connection) -> dict[str, int]:
    """How many machines of each product are in service."""
    rows = connection.execute(_SQL["machines_per_product"]).fetchall()
    return {row["product"]: row["machines"] for row in rows}


def services_due(connection: Connection, machine_id: int) -> list[Row]:
    """Scheduled services of a machine, the next one first."""
    return connection.execute(_SQL["services_due"], {"machine_id": machine_id}).fetchall()


def fitted_parts(
    connection: Connection,
    filters: Mapping[str, str | None],
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Row]:
    """Fitted parts with usage and remaining life, those whose P10 date comes first on top; those
    that are due beyond the horizon, or of which nothing is known, at the end.

    `filters` may name serial, product, region and part; `after` is (urgent_at, id).
    """
    urgent_at, part_id = after or (None, None)
    parameters = _filters(filters, "serial product region part")
    parameters |= {"after_urgent_at": urgent_at, "after_id": part_id, "limit": limit}
    parameters["never"] = _NEVER
    return connection.execute(_SQL["fitted_parts"], parameters).fetchall()


def health_groups(connection: Connection) -> list[Row]:
    """Machines counted by region, product and health, with the sum of their health index."""
    return connection.execute(_SQL["health_groups"]).fetchall()


def regions(connection: Connection) -> list[Row]:
    """id and name of every region."""
    return connection.execute(_SQL["regions"]).fetchall()


def open_tickets(connection: Connection, now: datetime) -> list[Row]:
    """Open tickets by priority: all, not assigned, past their promise."""
    return connection.execute(_SQL["open_tickets"], {"now": now}).fetchall()


def promises(connection: Connection, limit: int) -> list[Row]:
    """Open tickets nobody has arrived for yet, the earliest promise first."""
    return connection.execute(_SQL["promises"], {"limit": limit}).fetchall()


def parts_due(connection: Connection, soon: datetime) -> Row:
    """Live wear-part alerts: open, of those to be ordered before `soon`, and ordered."""
    return _one(connection, "parts_due", {"soon": soon})


def standing_alarms(connection: Connection) -> list[Row]:
    """Alarms whose condition holds, by severity."""
    return connection.execute(_SQL["standing_alarms"]).fetchall()


def connections(connection: Connection) -> dict[str, int]:
    """Machines by connection state."""
    rows = connection.execute(_SQL["connections"]).fetchall()
    return {row["connection"]: row["machines"] for row in rows}


def freshness(connection: Connection, since: datetime) -> Row:
    """Newest times of the fleet, and how many machines were heard after `since`."""
    return _one(connection, "freshness", {"since": since})


def decisions(connection: Connection, now: datetime, soon: datetime, of_each: int) -> list[Row]:
    """What needs a decision, the most pressing first, at most `of_each` of a kind; parts to be
    ordered before `soon`."""
    return connection.execute(
        _SQL["decisions"], {"now": now, "soon": soon, "of_each": of_each}
    ).fetchall()


def _one(connection: Connection, name: str, parameters: Mapping[str, object]) -> Row:
    row = connection.execute(_SQL[name], parameters).fetchone()
    assert row is not None
    return row


def _filters(given: Mapping[str, str | None], names: str) -> dict[str, Any]:
    known = names.split()
    unknown = given.keys() - set(known)
    if unknown:
        raise ValueError(f"there is no filter {', '.join(sorted(unknown))}; there are {names}")
    return {name: given.get(name) for name in known}
