"""Alarms: what the rules write, and what people read and acknowledge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from fleet import clock
from store.connection import Connection
from store.queries import load

State = Literal["active", "acknowledged", "returned", "cleared", "withdrawn"]
#: States of an alarm that is not over; one such alarm per machine, component and rule.
LIVE: tuple[State, ...] = ("active", "acknowledged", "returned")

#: Why an alarm pages nobody: silenced by somebody, attached to a ticket, or back too soon.
Suppression = Literal["shelved", "maintenance", "out_of_service", "ticket", "recurrence"]

Span = tuple[int, int | None]
Row = dict[str, Any]

_SQL = load("alarm")
_TIMES = ("raised_at", "returned_at", "detected_at", "acknowledged_at", "cleared_at", "let_go_at",
          "visited_at")  # fmt: skip
_WRITTEN = ("plan_version", "severity", "state", "raised_at", "returned_at", "cleared_at",
            "occurrences", "spans", "late", "judged", "evidence", "acknowledged_at",
            "acknowledged_by", "suppression", "flapping", "let_go_at", "visited_at")  # fmt: skip
_INSERTED = ("machine_id", "component", "rule", "detected_at", *_WRITTEN)


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One alarm as the rules keep it; times in milliseconds since 1970 UTC.

    `spans` are its last occurrences, each from when it was raised to when its condition was
    gone (None while it stands); `returned_at` is the end of the last. `judged` is False while
    nobody knows yet whether this late alarm still stands, or while it is kept quiet. Of the last
    occurrence, `let_go_at` is when a ticket it was attached to was cancelled, `visited_at` when a
    visit dealt with it. `told` says whether any occurrence became part of a ticket. `id` is None
    until it is written.
    """

    id: int | None
    machine_id: int
    component: str
    rule: str
    plan_version: str
    severity: int
    state: State
    raised_at: int
    returned_at: int | None
    detected_at: int
    acknowledged_at: int | None
    acknowledged_by: str | None
    cleared_at: int | None
    occurrences: int
    spans: tuple[Span, ...]
    late: bool
    judged: bool
    evidence: Mapping[str, Any]
    suppression: Suppression | None = None
    flapping: bool = False
    let_go_at: int | None = None
    visited_at: int | None = None
    told: bool = False

    @property
    def key(self) -> tuple[int, str, str]:
        """Machine, component and rule: what an alarm is about."""
        return self.machine_id, self.component, self.rule

    @property
    def live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Due:
    """When an alarm that waits is to be judged; ms. A late or silenced one once its machine's data
    reach past `caught_up`, or nothing more came since `silent_since`. One that a visit dealt with
    `after_visit_ms` after it: by its machine's data, of rules in `silences` by `now`."""

    now: int
    caught_up: int
    silent_since: int
    after_visit_ms: int
    silences: Collection[str]


def live(
    connection: Connection, machine_ids: Iterable[int], since_ms: int | None = None
) -> list[AlarmRecord]:
    """The live alarms of machines, and those cleared that had returned after `since_ms` where it
    is given; locked until the transaction ends."""
    since = None if since_ms is None else clock.to_datetime(max(since_ms, 0))
    values = {"machines": list(machine_ids), "since": since}
    rows = connection.execute(_SQL["records_live"], values).fetchall()
    return [_record(row) for row in rows]


def after(connection: Connection, since: Mapping[int, int]) -> list[AlarmRecord]:
    """Alarms of machines that stood at some time after a moment (machine -> ms), locked."""
    values = {
        "machines": list(since),
        "times": [clock.to_datetime(max(moment, 0)) for moment in since.values()],
    }
    return [_record(row) for row in connection.execute(_SQL["records_after"], values).fetchall()]


def write(connection: Connection, records: Sequence[AlarmRecord]) -> list[int]:
    """Write alarms; returns their ids in the order given.

    Those that are over go first, so that a live one finds its place free.
    """
    ids: dict[int, int] = {}
    for live_ones in (False, True):
        chosen = [i for i, record in enumerate(records) if record.live is live_ones]
        known = [i for i in chosen if records[i].id is not None]
        new = [i for i in chosen if records[i].id is None]
        if known:
            given = [records[i].id for i in known]
            columns = _columns([records[i] for i in known], _WRITTEN)
            connection.execute(_SQL["update_records"], {**columns, "id": given})
            ids.update({i: int(one) for i, one in zip(known, given, strict=True) if one})
        if new:
            columns = _columns([records[i] for i in new], _INSERTED)
            rows = connection.execute(_SQL["insert_records"], columns).fetchall()
            ids.update({i: int(row["id"]) for i, row in zip(new, rows, strict=True)})
    return [ids[i] for i in range(len(records))]


def standing(connection: Connection, rules: Collection[str]) -> set[tuple[int, str]]:
    """Machine and rule of every alarm of these rules whose condition stands."""
    rows = connection.execute(_SQL["standing"], {"rules": list(rules)}).fetchall()
    return {(row["machine_id"], row["rule"]) for row in rows}


def standing_keys(
    connection: Connection, machine_ids: Collection[int]
) -> set[tuple[int, str, str]]:
    """Machine, component and rule of every alarm of these machines whose condition stands."""
    rows = connection.execute(_SQL["standing_keys"], {"machines": list(machine_ids)}).fetchall()
    return {(row["machine_id"], row["component"], row["rule"]) for row in rows}


def standing_on(connection: Connection, machine_ids: Collection[int]) -> list[dict[str, Any]]:
    """Id, machine_id, rule, raised_at and `modes` (failure modes named by its evidence, or None)
    of every alarm that stands on these machines, the newest of each first."""
    values = {"machine_ids": list(machine_ids)}
    return connection.execute(_SQL["standing_on"], values).fetchall()


def flapping(connection: Connection, product: str, partitions: Sequence[int]) -> dict[int, int]:
    """Machines with live alarms that flap, and the newest moment known of each (ms)."""
    values = {"product": product, "partitions": list(partitions)}
    rows = connection.execute(_SQL["flapping"], values).fetchall()
    return {row["machine_id"]: clock.to_ms(row["measured_at"]) for row in rows}


def move_findings(connection: Connection, absorbed: Sequence[int], alarm_id: int) -> None:
    """The findings of alarms that proved to be occurrences of another are that one's."""
    connection.execute(_SQL["move_findings"], {"absorbed": list(absorbed), "alarm": alarm_id})


def take_back_finding(connection: Connection, alarm_id: int, happened_at: int) -> None:
    """Forget that an occurrence was recorded as over: late data show that it was not."""
    values = {"alarm": alarm_id, "happened_at": clock.to_datetime(happened_at)}
    connection.execute(_SQL["take_back_finding"], values)


def history(connection: Connection, alarm_id: int) -> list[dict[str, Any]]:
    """Every transition of an alarm, in order: at, noted_at, kind, actor, detail."""
    return connection.execute(_SQL["history"], {"id": alarm_id}).fetchall()


def act_as(connection: Connection, who: str) -> None:
    """Say who changes alarms in this transaction, for their history."""
    connection.execute(_SQL["act_as"], {"who": who})


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Take back alarms that a rule wants ignored, of which nobody was told."""
    connection.execute(_SQL["remove"], {"ids": list(ids)})


def waiting(
    connection: Connection,
    product: str,
    partitions: Sequence[int],
    due: Due,
) -> dict[int, int]:
    """Machines with alarms whose time to be judged may have come, and the newest moment known of
    each (ms, 0 where it never sent a sample)."""
    values = {
        "product": product,
        "partitions": list(partitions),
        "now": clock.to_datetime(due.now),
        "caught_up": clock.to_datetime(due.caught_up),
        "silent_since": clock.to_datetime(due.silent_since),
        "silences": list(due.silences),
        "after_visit": timedelta(milliseconds=due.after_visit_ms),
    }
    rows = connection.execute(_SQL["waiting"], values).fetchall()
    return {
        row["machine_id"]: 0 if row["measured_at"] is None else clock.to_ms(row["measured_at"])
        for row in rows
    }


def close_orphans(connection: Connection, product: str, rules: Collection[str], at_ms: int) -> int:
    """Close live alarms of rules the plan no longer has; returns how many."""
    values = {"product": product, "rules": list(rules)}
    return _close(connection, connection.execute(_SQL["orphans"], values), "rule_gone", at_ms)


def close_retired(connection: Connection, at_ms: int) -> int:
    """Close the live alarms of machines that were retired; returns how many."""
    return _close(connection, connection.execute(_SQL["of_retired"]), "machine_retired", at_ms)


def close_changed(connection: Connection, product: str, at_ms: int) -> int:
    """Close live alarms of rules that judge otherwise now than when they were raised; returns how
    many. What still holds under the rule of today is raised anew by it."""
    found = connection.execute(_SQL["judged_otherwise"], {"product": product})
    return _close(connection, found, "rule_changed", at_ms)


def _close(
    connection: Connection, found: Iterable[Mapping[str, Any]], ended_by: str, at_ms: int
) -> int:
    ids = [row["id"] for row in found]
    if not ids:
        return 0
    values = {"ids": ids, "ended_by": ended_by, "at": clock.to_datetime(at_ms)}
    return connection.execute(_SQL["close"], values).rowcount


def acknowledge(connection: Connection, alarm_id: int, who: str, now_ms: int) -> bool:
    """Somebody has seen the alarm: it stands acknowledged, or is over where its condition is gone.

    False where there is nothing to acknowledge.
    """
    values = {"id": alarm_id, "who": who, "at": clock.to_datetime(now_ms)}
    return connection.execute(_SQL["acknowledge"], values).fetchone() is not None


def list_alarms(
    connection: Connection,
    *,
    serial: str | None = None,
    product: str | None = None,
    region: str | None = None,
    rule: str | None = None,
    states: Collection[State] | None = None,
    severity: int = 1,
    suppressed: bool | None = None,
    flapping: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Alarms for people, the latest first, with the machine's serial and product and the number
    of the ticket each became part of.

    `severity` is the least; `since` and `until` bound `raised_at`; `after` is (raised_at, id) of
    the last alarm seen.
    """
    values = _filters(serial=serial, product=product, region=region, rule=rule, severity=severity)
    values |= {
        "suppressed": suppressed,
        "flapping": flapping,
        "states": None if states is None else list(states),
        "since": since,
        "until": until,
        "after_at": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
    }
    return connection.execute(_SQL["list"], values).fetchall()


def get_alarm(connection: Connection, alarm_id: int) -> dict[str, Any] | None:
    """One alarm as list_alarms() has it, None where there is none."""
    return connection.execute(_SQL["list"], _filters(id=alarm_id)).fetchone()


def _filters(**given: Any) -> dict[str, Any]:
    names = ("id", "serial", "product", "region", "rule", "states", "since", "until", "after_at",
             "after_id", "suppressed", "flapping")  # fmt: skip
    return {**dict.fromkeys(names), "severity": 1, "limit": 1, **given}


def _record(row: Mapping[str, Any]) -> AlarmRecord:
    times = {name: None if row[name] is None else clock.to_ms(row[name]) for name in _TIMES}
    spans = tuple((begin, end) for begin, end in row["spans"])
    return AlarmRecord(**{**row, **times, "spans": spans})


def _columns(records: Sequence[AlarmRecord], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [_value(name, getattr(record, name)) for record in records] for name in names}


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES:
        return clock.to_datetime(value)
    if name == "evidence":
        return Jsonb(dict(value))
    return Jsonb(value) if name == "spans" else value
