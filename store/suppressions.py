"""What people silence: shelved alarms, alarms out of service, maintenance mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg.rows import DictRow

from fleet import clock
from store.connection import Connection
from store.queries import load

Kind = Literal["shelved", "maintenance", "out_of_service"]

_SQL = load("suppression")
_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Hold:
    """Alarms of a machine that page nobody from `since` until `end` (ms), whoever ended it how;
    of one component and rule, or of all (None)."""

    kind: Kind
    component: str | None
    rule: str | None
    since: int
    end: int
    reason: str
    set_by: str

    def covers(self, component: str, rule: str) -> bool:
        """Whether it is about this alarm. A component includes the trouble codes within it."""
        inside = self.component in (None, component, component.split("/")[0])
        return inside and self.rule in (None, rule)


def of_machines(
    connection: Connection, machine_ids: Iterable[int], since_ms: int
) -> dict[int, list[Hold]]:
    """What silenced machines at any time after a moment."""
    values = {"machines": list(machine_ids), "since": clock.to_datetime(max(since_ms, 0))}
    found: dict[int, list[Hold]] = {}
    for row in connection.execute(_SQL["of_machines"], values).fetchall():
        found.setdefault(row["machine_id"], []).append(_hold(row))
    return found


def begin(
    connection: Connection,
    kind: Kind,
    machine_id: int,
    component: str | None,
    rule: str | None,
    *,
    until_ms: int | None,
    reason: str,
    who: str,
    now_ms: int,
) -> int:
    """Silence from now on; takes the place of the same that runs already. Returns its id."""
    values = {
        "kind": kind,
        "machine": machine_id,
        "component": component,
        "rule": rule,
        "until": None if until_ms is None else clock.to_datetime(until_ms),
        "reason": reason,
        "who": who,
        "now": clock.to_datetime(now_ms),
    }
    connection.execute(_SQL["end_same"], values)
    row = connection.execute(_SQL["insert"], values).fetchone()
    assert row is not None
    return int(row["id"])


def end(connection: Connection, suppression_id: int, who: str, now_ms: int) -> bool:
    """End it by hand; False where it does not run any more."""
    values = {"id": suppression_id, "who": who, "now": clock.to_datetime(now_ms)}
    return connection.execute(_SQL["end_one"], values).fetchone() is not None


def end_for_alarm(connection: Connection, alarm_id: int, kind: Kind, who: str, now_ms: int) -> bool:
    """End what silences an alarm; False where nothing of that kind does."""
    values = {"alarm": alarm_id, "kind": kind, "who": who, "now": clock.to_datetime(now_ms)}
    return bool(connection.execute(_SQL["end_for_alarm"], values).fetchall())


def apply(
    connection: Connection,
    now_ms: int,
    *,
    machine_id: int | None = None,
    partitions: Sequence[int] | None = None,
) -> int:
    """Mark the live alarms of a machine, or of partitions, by what silences them now; returns how
    many that changed."""
    values = {
        "now": clock.to_datetime(now_ms),
        "machine": machine_id,
        "partitions": None if partitions is None else list(partitions),
    }
    return connection.execute(_SQL["apply"], values).rowcount


def list_suppressions(
    connection: Connection,
    now_ms: int,
    *,
    suppression_id: int | None = None,
    serial: str | None = None,
    running: bool = False,
    after: int | None = None,
    limit: int = 100,
) -> list[DictRow]:
    """For people, the latest first, with serial and product; `running` only those that run."""
    values: dict[str, Any] = {
        "now": clock.to_datetime(now_ms),
        "id": suppression_id,
        "serial": serial,
        "running": running,
        "after": after,
        "limit": limit,
    }
    return connection.execute(_SQL["list"], values).fetchall()


def _hold(row: DictRow) -> Hold:
    ends = [clock.to_ms(row[name]) for name in ("ended_at", "until") if row[name] is not None]
    return Hold(
        row["kind"],
        row["component"],
        row["rule"],
        clock.to_ms(row["since"]),
        min(ends, default=_FOREVER),
        row["reason"],
        row["set_by"],
    )
