"""Tickets as answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.present.alarm import component_name
from api.present.part import position_name
from api.present.product import bilingual, named
from api.schemas.base import Bilingual, Named
from api.schemas.ticket import (
    AttachedAlarm,
    CheckAnswer,
    LikelyCause,
    TicketEvent,
    TicketItem,
    TicketPart,
    TicketSummary,
)
from fleet.failure import FailureMode
from fleet.plan import Catalogue, ProductPlan
from tickets.content import likely_causes

Row = Mapping[str, Any]

#: What announces itself has no cause to look for.
ANNOUNCED = frozenset({"wear", "service", "inspection"})
CLOSED = ("done", "cancelled")
_NAMED = ("product", "customer", "station", "site", "title", "overdue")


def summary(row: Row, catalogue: Catalogue, now: datetime) -> TicketSummary:
    """A ticket in the queue."""
    return TicketSummary(**summary_fields(row, catalogue, now))


def summary_fields(row: Row, catalogue: Catalogue, now: datetime) -> dict[str, Any]:
    """The fields of TicketSummary, which a whole ticket has too."""
    plan = catalogue.plans.get(row["product"])
    stored = {name: row[name] for name in TicketSummary.model_fields if name not in _NAMED}
    return {
        **stored,
        "product": named(row["product"], plan.name if plan is not None else None),
        "customer": Named(id=row["customer"], name=Bilingual(**row["customer_name"])),
        "station": Named(id=row["station"], name=Bilingual(**row["station_name"])),
        "site": Bilingual(**row["site"]),
        "title": Bilingual(**row["title"]),
        "overdue": overdue(row, now),
    }


def overdue(row: Row, now: datetime) -> bool:
    """Whether nobody was on site by the promised time."""
    arrived: datetime | None = row["arrived_at"]
    target: datetime = row["target_at"]
    if arrived is not None:
        return arrived > target
    return row["status"] not in CLOSED and now > target


def items(rows: Sequence[Row], plan: ProductPlan | None) -> list[TicketItem]:
    """Why somebody drives out."""
    return [_item(row, plan) for row in rows]


def checks(rows: Sequence[Row]) -> list[CheckAnswer]:
    """What to check, as the checks stood when the ticket was written."""
    return [_check(row) for row in rows]


def parts(rows: Sequence[Row], plan: ProductPlan | None) -> list[TicketPart]:
    """What to bring."""
    return [_part(row, plan) for row in rows]


def attached(rows: Sequence[Row], plan: ProductPlan | None) -> list[AttachedAlarm]:
    """Alarms that were not raised anew because of the ticket."""
    rules = plan.rule if plan is not None else {}
    names = ("rule", "component", "severity", "happened_at", "alarm_id")
    return [
        AttachedAlarm(
            **{name: row[name] for name in names},
            name=named(row["rule"], rules[row["rule"]].name if row["rule"] in rules else None).name,
            component_name=component_name(row["component"], plan),
            reason=Bilingual(**row["reason"]),
        )
        for row in rows
    ]


def history(rows: Sequence[Row]) -> list[TicketEvent]:
    """What happened to the ticket, the oldest first."""
    names = ("at", "actor", "from_status", "to_status")
    return [
        TicketEvent(**{name: row[name] for name in names}, note=Bilingual(**row["note"]))
        for row in rows
    ]


def _item(row: Row, plan: ProductPlan | None) -> TicketItem:
    modes = plan.failure_mode if plan is not None else {}
    known = [modes[mode] for mode in row["failure_modes"] if mode in modes]
    names = ["id", "kind", "source", "component", "severity", "added_at", "evidence"]
    names += ["alarm_id", "finding_code", "note"]
    names += ["rule_version", "rule_version_since", "rule_version_today"]
    return TicketItem(
        **{name: row[name] for name in names},
        component_name=component_name(row["component"], plan),
        title=Bilingual(**row["title"]),
        reason=Bilingual(**row["reason"]),
        likely_causes=[_cause(mode) for mode in known],
    )


def causes(rows: Sequence[Row], plan: ProductPlan | None) -> list[LikelyCause]:
    """What the visit as a whole is most likely about, by the failure modes of all its reasons."""
    if plan is None:
        return []
    named = [row["failure_modes"] for row in rows if row["kind"] not in ANNOUNCED]
    return [_cause(mode) for mode in likely_causes(plan, named)]


def _cause(mode: FailureMode) -> LikelyCause:
    return LikelyCause(
        id=mode.id,
        name=bilingual(mode.name),
        causes=bilingual(mode.causes),
        remedy=bilingual(mode.remedy),
    )


def _check(row: Row) -> CheckAnswer:
    definition = row["definition"]
    taken = ("check", "method", "result", "unit", "limits", "choices", "photo", "minutes")
    names = ("sequence", "checklist", "item", "answer", "passed", "answered_at", "answered_by")
    return CheckAnswer(
        **{name: definition[name] for name in taken}, **{name: row[name] for name in names}
    )


def _part(row: Row, plan: ProductPlan | None) -> TicketPart:
    part = plan.part.get(row["part"]) if plan is not None else None
    position = None
    if part is not None and row["position"] is not None:
        position = position_name(part, row["position"])
    names = ("id", "part", "quantity", "fitted_part_id", "replaced", "found")
    return TicketPart(
        **{name: row[name] for name in names},
        number=part.number if part is not None else None,
        name=named(row["part"], part.name if part is not None else None).name,
        position=position,
        reason=Bilingual(**row["reason"]),
        price_class=part.price_class if part is not None else None,
        lead_class=part.lead_class if part is not None else None,
    )
