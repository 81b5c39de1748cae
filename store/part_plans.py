"""Parts plans: what they are made of, and runs with their demand, lines and overrides, as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from store.connection import Connection, streamed
from store.queries import load

_SQL = load("part_plan")

Row = dict[str, Any]

#: An assessment says something of a moment that is no farther from it.
ASSESSED_WITHIN = timedelta(days=3)
FILTERS = ("warehouse", "region", "number", "action")


def fitted(connection: Connection, at: datetime) -> Iterator[Row]:
    """Every part that was fitted `at` a moment: use a day, and use by `used_until`; where it was
    assessed about then, its chances of `remaining_life`; grouped by product, part and model.
    Call it in a transaction: the rows of a fleet come in portions."""
    return streamed(connection, _SQL["fitted"], {"at": at, "fresh": ASSESSED_WITHIN})


def paces(connection: Connection, at: datetime) -> dict[tuple[str, str], float]:
    """(product, part) -> mean use a day of the parts that were fitted `at` a moment."""
    rows = connection.execute(_SQL["paces"], {"at": at}).fetchall()
    return {(row["product"], row["part"]): row["per_day"] for row in rows}


def services(connection: Connection) -> Iterator[Row]:
    """Every scheduled service with a date, by product, service and machine. Call it in a
    transaction: the rows of a fleet come in portions."""
    return streamed(connection, _SQL["services"])


def put_run(
    connection: Connection, run: Mapping[str, Any], demand: Iterable[Row], lines: Sequence[Row]
) -> int:
    """Write a plan down; returns its number. `demand` and `lines` are rows as the tables have
    them."""
    json = {name: Jsonb(run[name]) for name in ("settings", "summary")}
    row = connection.execute(_SQL["put_run"], {**run, **json}).fetchone()
    assert row is not None
    with connection.cursor() as cursor:
        cursor.executemany(
            _SQL["put_demand"],
            ({**each, "run_id": row["id"], "sources": Jsonb(each["sources"])} for each in demand),
        )
        cursor.executemany(
            _SQL["put_line"],
            (
                {
                    **each,
                    "run_id": row["id"],
                    "transfers": Jsonb(each["transfers"]),
                    "reasons": Jsonb(each["reasons"]),
                }
                for each in lines
            ),
        )
    return int(row["id"])


def runs(
    connection: Connection, limit: int, run_id: int | None = None, *, before: int | None = None
) -> list[Row]:
    """Plans, the newest first, those made `before` a plan; or one."""
    parameters = {"limit": limit, "id": run_id, "before": before}
    return connection.execute(_SQL["runs"], parameters).fetchall()


def last_run(connection: Connection, month: date) -> datetime | None:
    """When the plan of a month was made last."""
    row = connection.execute(_SQL["last_run"], {"month": month}).fetchone()
    return row["as_of"] if row else None


def demand(
    connection: Connection,
    run_id: int,
    *,
    number: str | None = None,
    region: str | None = None,
    every: bool = False,
) -> list[Row]:
    """Demand by article, region (None: all together) and month; `every` region, or one."""
    values = {"run_id": run_id, "number": number, "region": region, "every": every}
    return connection.execute(_SQL["demand"], values).fetchall()


def lines(
    connection: Connection,
    run_id: int | None,
    filters: Mapping[str, str | None],
    after: int = 0,
    limit: int = 1_000_000,
    line_id: int | None = None,
) -> list[Row]:
    """Lines of a plan with their overrides; `filters` may name warehouse, region, number and
    action (order, transfer, emergency, surplus, override)."""
    values: Row = {name: filters.get(name) for name in FILTERS}
    values |= {"run_id": run_id, "id": line_id, "after": after, "limit": limit}
    return connection.execute(_SQL["lines"], values).fetchall()


def put_override(
    connection: Connection, line_id: int, quantity: int, reason: str, actor: str, now: datetime
) -> None:
    """The manager's quantity for a line, with a reason."""
    values = {
        "line_id": line_id,
        "quantity": quantity,
        "reason": reason,
        "made_by": actor,
        "now": now,
    }
    connection.execute(_SQL["put_override"], values)


def drop_override(connection: Connection, line_id: int) -> bool:
    """Take an override back; False where there was none."""
    return connection.execute(_SQL["drop_override"], {"line_id": line_id}).fetchone() is not None


def asked(
    connection: Connection, since: datetime, untils: Collection[datetime]
) -> dict[datetime, dict[tuple[str, str], int]]:
    """By end of a span of time that begins at `since`: (warehouse, number) -> pieces issued."""
    found: dict[datetime, dict[tuple[str, str], int]] = {until: {} for until in untils}
    rows = connection.execute(_SQL["asked"], {"since": since, "untils": list(untils)}).fetchall()
    for row in rows:
        found[row["until"]][row["warehouse"], row["number"]] = row["quantity"]
    return found
