"""What the alarms of one machine would have become: one visit at a time, by the policy that runs
live, with what people silenced. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fleet.finding import Finding, Kind
from fleet.plan import ProductPlan
from fleet.service import ServiceTier
from rules.alarms.quiet import FOREVER, silenced
from rules.alarms.recurrence import joins, locked_until, recurrence_of
from rules.backtest.course import Alarm
from store.alarms import Span
from store.suppressions import Hold
from tickets.content import contribution
from tickets.policy import OpenItem, Outcome, Visit, decide


@dataclass(frozen=True, slots=True)
class Decided:
    """What an alarm would have become: `visit` counts the machine's visits from 1, 0 for none;
    `minutes` of a technician's work on site that it would have added. `again` is one that came
    back so soon that it is no new alarm, `suppressed` one that somebody had silenced and that did
    not outlast it."""

    alarm: Alarm
    outcome: Outcome | Literal["again", "suppressed"]
    visit: int
    minutes: float
    failure_modes: tuple[str, ...] = ()
    """The modes that its finding points at, the likeliest first."""
    hold: Hold | None = None
    """What silenced it, also where it is still there afterwards and was handed over then."""


@dataclass
class _Open:
    """The visit that is planned for a machine, and what it deals with already."""

    visit: Visit
    items: list[OpenItem]
    prepared: set[str]
    checks: set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Paged:
    """An alarm and when it is handed over: as it is raised, or once what keeps it quiet is over
    (`hold`, or the lock after the one before); None where it does not outlast that."""

    alarm: Alarm
    at: int | None
    hold: Hold | None


def visits(
    plan: ProductPlan,
    tier: ServiceTier,
    alarms: Iterable[Alarm],
    holds: Sequence[Hold] = (),
    end: int = FOREVER,
) -> Iterator[Decided]:
    """What the alarms of one machine would have become: one visit at a time, on site at the
    moment that was promised, after which nothing is open any more. `holds` is what people
    silenced on the machine, `end` the end of history (ms)."""
    open_: _Open | None = None
    number = 0
    for paged in _in_order(plan, _paged(plan, alarms, holds, end)):
        alarm, at = paged.alarm, paged.at
        if at is None:
            outcome: Literal["again", "suppressed"] = "suppressed" if paged.hold else "again"
            yield Decided(alarm, outcome, 0, 0.0, hold=paged.hold)
            continue
        if open_ is not None and open_.visit.target_at <= at:
            open_ = None
        finding = _finding(plan, alarm)
        items = () if open_ is None else tuple(open_.items)
        verdict = decide(finding, plan, tier, None if open_ is None else open_.visit, items, at)
        modes = finding.failure_modes
        if verdict.outcome in ("recorded", "attached"):
            own = number if verdict.outcome == "attached" else 0
            yield Decided(alarm, verdict.outcome, own, 0.0, modes, paged.hold)
            continue
        if open_ is None:
            number += 1
            visit = Visit(number, str(number), verdict.priority, verdict.target_at)
            open_ = _Open(visit, [], set(), set())
        open_.visit = replace(open_.visit, priority=verdict.priority, target_at=verdict.target_at)
        minutes = _join(plan, open_, finding)
        yield Decided(alarm, verdict.outcome, number, minutes, modes, paged.hold)


def _paged(
    plan: ProductPlan, alarms: Iterable[Alarm], holds: Sequence[Hold], end: int
) -> Iterator[_Paged]:
    laws = {rule.id: recurrence_of(plan, rule) for rule in plan.rules}
    spans: dict[tuple[str, str], list[Span]] = {}
    for alarm in sorted(alarms, key=lambda one: (one.raised_at, one.rule, one.component)):
        own, law = spans.setdefault((alarm.rule, alarm.component), []), laws[alarm.rule]
        lock = locked_until(own, law) if own and joins(own, alarm.raised_at, law) else None
        if lock is None:
            own.clear()
        own.append((alarm.raised_at, alarm.cleared_at))
        moments = [alarm.raised_at] if lock is None else [alarm.raised_at, lock]
        found = silenced(holds, alarm.component, alarm.rule, moments)
        hold, until = (None, 0) if found is None else found
        at = max(alarm.raised_at, lock or 0, until)
        over = end if alarm.cleared_at is None else alarm.cleared_at
        yield _Paged(alarm, at if at == alarm.raised_at or over >= at else None, hold)


def _in_order(plan: ProductPlan, paged: Iterable[_Paged]) -> list[_Paged]:
    def order(one: _Paged) -> tuple[int, int, str, str]:
        moment = one.alarm.raised_at if one.at is None else one.at
        return moment, -plan.rule[one.alarm.rule].severity, one.alarm.rule, one.alarm.component

    return sorted(paged, key=order)


def _join(plan: ProductPlan, open_: _Open, finding: Finding) -> float:
    """Add a finding to the visit; the minutes that it costs."""
    added = contribution(plan, finding, (), open_.prepared)
    minutes = float(added.minutes)
    for check in added.checks:
        key = (check.checklist, check.item.id)
        minutes += 0.0 if key in open_.checks else check.item.minutes
        open_.checks.add(key)
    open_.prepared.update(finding.failure_modes[:1])
    open_.items.append(
        OpenItem(finding.kind, finding.source, finding.component, open_.visit.number)
    )
    return minutes


def _finding(plan: ProductPlan, alarm: Alarm) -> Finding:
    rule = plan.rule[alarm.rule]
    kind: Kind = "connection" if rule.of_connection else "alarm"
    return Finding(
        alarm.machine_id, kind, rule.id, alarm.component, rule.severity, alarm.raised_at,
        rule.name, rule.advice, {}, alarm.failure_modes or rule.failure_modes,
    )  # fmt: skip
