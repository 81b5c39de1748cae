"""Findings for what is due: worn parts and scheduled services, worded once for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fleet.clock import to_ms
from fleet.finding import Finding
from fleet.plan import ProductPlan
from fleet.service import ServiceInterval
from fleet.text import Text
from fleet.wear import WearPart
from fleet.words import USAGE_UNITS
from store.inspections import DueInspection
from store.wear import DuePart, DueService
from tickets.content import routine_checklist

#: What falls due within this time is done on a visit that takes place anyway.
DUE_SOON_H = 50.0
DUE_SOON_DAYS = 14
DANGER = 4
#: A service this share of its interval overdue is more than a reminder.
OVERDUE_SHARE = 0.1


def wear_finding(plan: ProductPlan, places: Sequence[DuePart], now_ms: int) -> Finding:
    """One finding for all `places` of one part of one machine that are due, the most urgent
    first: planned work until the expected life is over."""
    worst = places[0]
    part = plan.part[worst.part]
    dangerous = any(plan.failure_mode[mode].severity >= DANGER for mode in part.failure_modes)
    return Finding(
        machine_id=worst.machine_id,
        kind="wear",
        source=part.id,
        component=part.component,
        severity=1 if worst.worn_share < 1 else 3 if dangerous else 2,
        happened_at=now_ms,
        title=Text(en=f"{part.name.en} near the end of its life", zh=f"{part.name.zh}接近使用寿命"),
        reason=_why_worn(part, worst),
        evidence=_wear_evidence(plan, places),
        failure_modes=part.failure_modes,
        fitted_part_id=worst.fitted_part_id,
        parts={part.id: part.quantity * len(places)},
    )


def service_finding(plan: ProductPlan, due: DueService, now_ms: int) -> Finding:
    """The finding for a scheduled service that is due."""
    service = plan.service[due.service]
    left = due.due_hours - due.hours
    interval = service.every_h or service.first_h or 1.0
    return Finding(
        machine_id=due.machine_id,
        kind="service",
        source=service.id,
        component=plan.components[0].id,
        severity=2 if left < -OVERDUE_SHARE * interval else 1,
        happened_at=now_ms,
        title=Text(en=f"Service due: {service.name.en}", zh=f"保养到期：{service.name.zh}"),
        reason=_why_due(service, due, left),
        evidence={
            "hours": due.hours,
            "due_hours": due.due_hours,
            "hours_left": left,
            "due_at": to_ms(due.due_at) if due.due_at else None,
            "since": to_ms(due.since),
        },
        parts={need.part: need.quantity for need in service.parts},
    )


def inspection_finding(plan: ProductPlan, due: DueInspection, now_ms: int) -> Finding:
    """The finding for an inspection that is due: the routine checklist, and what looks for the
    likeliest failures."""
    routine = routine_checklist(plan)
    return Finding(
        machine_id=due.machine_id,
        kind="inspection",
        source="inspection" if routine is None else routine.id,
        component=plan.components[0].id,
        severity=1,
        happened_at=now_ms,
        title=Text(en="Inspection before parts wear out", zh="预防性巡检"),
        reason=due.reason,
        evidence={"due_at": to_ms(due.due_at), **due.evidence},
        failure_modes=due.failure_modes,
    )


def _why_worn(part: WearPart, worst: DuePart) -> Text:
    unit = USAGE_UNITS[worst.unit]
    date = f"{worst.due_p10:%Y-%m-%d}"
    age = _of_age(part, worst)
    return Text(
        en=f"Used {worst.used:,.0f} {unit.en}, {worst.worn_share:.0%} of the life to be expected "
        f"here; one in ten is due by {date}.{age[0]}",
        zh=f"已使用 {worst.used:,.0f} {unit.zh}，达到预计寿命的 {worst.worn_share:.0%}；"
        f"到 {date} 有一成须更换。{age[1]}",
    )


def _of_age(part: WearPart, worst: DuePart) -> tuple[str, str]:
    """What the plan says of the age of a part, in both languages; nothing where any age will do."""
    if part.most_months is None or part.most_days is None:
        return "", ""
    until = worst.fitted_at + timedelta(days=part.most_days)
    return (
        f" Whatever its use, it is replaced after {part.most_months:g} months: "
        f"by {until:%Y-%m-%d}.",
        f"无论使用多少，装机满 {part.most_months:g} 个月须更换，即 {until:%Y-%m-%d} 之前。",
    )


def _why_due(service: ServiceInterval, due: DueService, left: float) -> Text:
    if left < 0:
        return Text(
            en=f"Due at {due.due_hours:,.0f} h, now {due.hours:,.0f} h: {-left:,.0f} h overdue.",
            zh=f"应在 {due.due_hours:,.0f} 小时进行，现为 {due.hours:,.0f} 小时，"
            f"已超期 {-left:,.0f} 小时。",
        )
    date = f"{due.due_at:%Y-%m-%d}" if due.due_at else ""
    return Text(
        en=f"Due at {due.due_hours:,.0f} h, now {due.hours:,.0f} h: {left:,.0f} h left"
        + (f", about {date}." if date else "."),
        zh=f"应在 {due.due_hours:,.0f} 小时进行，现为 {due.hours:,.0f} 小时，剩余 {left:,.0f} 小时"
        + (f"，约 {date}。" if date else "。"),
    )


def _wear_evidence(plan: ProductPlan, places: Sequence[DuePart]) -> dict[str, object]:
    life = plan.part[places[0].part].life
    return {
        "fitted_part_ids": [place.fitted_part_id for place in places],
        "unit": places[0].unit,
        "life": {"low": life.low, "mid": life.mid, "high": life.high},
        "places": [
            {
                "position": place.position,
                "used": place.used,
                "per_day": place.per_day,
                "worn_share": place.worn_share,
                "p10": place.p10,
                "p50": place.p50,
                "p90": place.p90,
                "due_p10": to_ms(place.due_p10),
            }
            for place in places
        ],
    }
