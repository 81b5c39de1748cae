"""Whom an alarm pages, and when: what keeps it quiet, until when, what tickets are told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.finding import Finding, Kind
from fleet.rule import Rule
from fleet.text import Text
from rules.alarms.evidence import Account
from rules.alarms.quiet import silenced, why
from rules.alarms.recurrence import Recurrence, locked_until
from store.alarms import AlarmRecord, Suppression
from store.suppressions import Hold

#: For rules that go by the clock on the wall.
NEVER_LATE_MS = 2**62
LEFT_STANDING = {
    "visited": Text(
        en="It still stands long after a visit that dealt with it.",
        zh="上门处理后已过较长时间，报警仍未消失。",
    ),
    "let_go": Text(
        en="The ticket it was attached to was cancelled, and it still stands.",
        zh="其所并入的工单已取消，而报警仍未消失。",
    ),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what an alarm is raised: its rule, the plan's version, what kind of finding it makes,
    the time now, from which age on (ms) it counts as late, and how often it may come."""

    rule: Rule
    plan_version: str
    kind: Kind
    now: int
    late_ms: int
    recurrence: Recurrence = field(default_factory=Recurrence)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Why an occurrence pages nobody, and until when; `text` where that deserves a word."""

    kind: Suppression
    until: int
    text: Text | None = None


def quiet_of(record: AlarmRecord, setting: Setting, holds: Sequence[Hold]) -> Quiet | None:
    """What keeps the latest occurrence of an alarm from paging, as of its begin and of now: what
    people silenced, and the lock after the occurrence before it."""
    *before, (begin, _) = record.spans
    found = silenced(holds, record.component, record.rule, (begin, max(setting.now, begin)))
    lock = locked_until(before, setting.recurrence) if before else None
    if lock is not None and begin >= lock:
        lock = None
    visit = visit_forgotten(record, setting)
    if found is not None:
        hold, until = found
        return Quiet(hold.kind, max(until, lock or 0, visit), why(hold))
    if visit:
        return Quiet("ticket", max(visit, lock or 0))
    return None if lock is None else Quiet("recurrence", lock)


def visit_forgotten(record: AlarmRecord, setting: Setting) -> int:
    """Until when a visit that dealt with the occurrence keeps it quiet; 0 where none did."""
    if record.visited_at is None:
        return 0
    return record.visited_at + setting.recurrence.after_visit_ms


def told(record: AlarmRecord) -> AlarmRecord:
    """The alarm once nothing keeps it quiet any more. Where it came again, or a visit dealt with
    it, somebody had seen it the last time; that it stays is news."""
    free = replace(record, suppression=None)
    if record.suppression == "recurrence" or record.visited_at is not None:
        free = replace(free, acknowledged_at=None, acknowledged_by=None)
    seen = free.acknowledged_at is not None
    return replace(free, state="acknowledged" if seen else "active")


def told_anew(reason: Text, record: AlarmRecord) -> Text:
    """The reason of a finding, and that a ticket has left its alarm standing, where one has."""
    if record.visited_at is not None:
        left = LEFT_STANDING["visited"]
    elif record.let_go_at is not None:
        left = LEFT_STANDING["let_go"]
    else:
        return reason
    return Text(en=f"{left.en} {reason.en}", zh=f"{left.zh}{reason.zh}")


def finding_of(record: AlarmRecord, account: Account, setting: Setting, *, page: bool) -> Finding:
    """What tickets are told of the alarm's latest occurrence: as of its begin or, where a ticket
    left it standing, of the moment from which it counts anew."""
    rule = setting.rule
    moments = (
        record.spans[-1][0], record.let_go_at or 0, visit_forgotten(record, setting)
    )  # fmt: skip
    return Finding(
        record.machine_id,
        setting.kind,
        rule.id,
        record.component,
        record.severity,
        max(moments),
        account.title,
        account.reason,
        account.evidence,
        tuple(account.evidence.get("failure_modes", ())) or rule.failure_modes,
        late=record.late,
        page=page,
        alarm_id=record.id,
    )


def evidence_of(account: Account) -> dict[str, Any]:
    """Evidence with the words it was told in, for a finding that is made later."""
    return {
        **account.evidence,
        "title": account.title.model_dump(),
        "reason": account.reason.model_dump(),
    }


def texts_of(record: AlarmRecord, rule: Rule) -> tuple[Text, Text]:
    title, reason = record.evidence.get("title"), record.evidence.get("reason")
    return (
        Text.model_validate(title) if title else rule.name,
        Text.model_validate(reason) if reason else rule.advice,
    )
