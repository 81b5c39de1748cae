"""Scheduled services: when each is due next on a machine, by hours and by the calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.clock import to_datetime
from fleet.plan import ProductPlan
from fleet.service import ServiceInterval
from predict.pace import Ahead
from predict.usage import MachineUsage
from store.wear import DueService
from tickets.content import contained

#: A service is announced this share of its interval ahead, in any case LEAD_H hours, but never
#: more than MOST_LEAD of a short interval.
LEAD_SHARE = 0.05
LEAD_H = 25.0
MOST_LEAD = 0.2
LEAD_DAYS = 14
DAYS_PER_MONTH = 30.4375

Done = tuple[datetime, float]
"""When a service was done, and at how many operating hours."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What services of a machine are reckoned from: hours now, at the first sample and its time,
    and the hours that are coming (None: not known)."""

    hours: float
    first_hours: float
    first_at: datetime
    ahead: Ahead | None


def meter_of(usage: MachineUsage, ahead: Ahead | None) -> Meter | None:
    """The meter of a machine; None while it has not told its hours."""
    if usage.hours is None or usage.first_hours is None:
        return None
    return Meter(usage.hours, usage.first_hours, to_datetime(usage.first_at), ahead)


def due_services(
    plan: ProductPlan, machine_id: int, meter: Meter, done: Mapping[str, Done], now: datetime
) -> Iterator[DueService]:
    """What the service department does next on a machine, one row per service interval.

    A service that a longer one includes counts as done with it. What was done before the first
    sample is unknown: it is taken as done at every multiple of its interval.
    """
    for service in plan.services:
        if service.by == "service":
            last = _last(plan, service, done)
            due = _due(service, meter, last)
            if due is not None:
                yield _row(service, machine_id, meter, last, due, now)


def _last(plan: ProductPlan, service: ServiceInterval, done: Mapping[str, Done]) -> Done | None:
    """The newest time the service was done, by itself or inside a longer one."""
    including = [
        key
        for key in done
        if key in plan.service and service.id in {each.id for each in contained(plan, key)}
    ]
    return max((done[key] for key in including), default=None)


def _due(service: ServiceInterval, meter: Meter, last: Done | None) -> float | None:
    """Operating hours at which the service is due; None: never again."""
    if service.every_h is None:
        first = service.first_h or 0.0
        return None if last is not None or meter.first_hours > first else first
    if last is not None:
        return last[1] + service.every_h
    return (meter.first_hours // service.every_h + 1) * service.every_h


def _row(
    service: ServiceInterval,
    machine_id: int,
    meter: Meter,
    last: Done | None,
    due: float,
    now: datetime,
) -> DueService:
    since = last[0] if last is not None else meter.first_at
    left = due - meter.hours
    due_at = _due_at(left, meter.ahead, now)
    if service.every_months is not None:
        by_calendar = since + timedelta(days=service.every_months * DAYS_PER_MONTH)
        due_at = min(due_at, by_calendar) if due_at is not None else by_calendar
        soon = by_calendar - now <= timedelta(days=LEAD_DAYS)
    else:
        soon = False
    return DueService(
        machine_id=machine_id,
        service=service.id,
        hours=meter.hours,
        due_hours=due,
        due_at=due_at,
        since=since,
        announce=soon or left <= lead_h(service),
    )


def lead_h(service: ServiceInterval) -> float:
    """How many operating hours ahead a service is announced."""
    interval = service.every_h or service.first_h or 0.0
    return max(LEAD_SHARE * interval, min(LEAD_H, MOST_LEAD * interval))


def _due_at(left: float, ahead: Ahead | None, now: datetime) -> datetime | None:
    """The date by the use that is coming; None where that is not known or too far ahead."""
    if left <= 0:
        return now
    days = ahead.days_until(left) if ahead is not None else None
    return None if days is None else now + timedelta(days=days)
