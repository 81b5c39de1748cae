"""The parts plan as answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.present.plan_words import sentences
from api.present.product import named
from api.schemas.base import Bilingual
from api.schemas.plan import (
    BehindLine,
    DemandMonth,
    Override,
    PartyOutcome,
    PlanLine,
    PlanLineDetail,
    PlanRun,
    PlanSummary,
    PlanVerdict,
    Transfer,
)
from fleet.plan import Catalogue
from fleet.wear import WearPart
from predict.plan.judge import Outcome
from predict.plan.verdicts import LineVerdict, planned_quantity

Row = Mapping[str, Any]
SOURCES = ("worn", "service", "new")


def run(row: Row) -> PlanRun:
    """One run."""
    fields = {name: row[name] for name in PlanRun.model_fields if name != "summary"}
    return PlanRun(**fields, summary=PlanSummary(**row["summary"]))


def names(catalogue: Catalogue) -> dict[str, Bilingual]:
    """Article number -> its name."""
    return {
        part.number: named(part.id, part.name).name
        for plan in catalogue.plans.values()
        for part in plan.parts
    }


def demand(row: Row, levels: Sequence[float], known: Mapping[str, Bilingual]) -> DemandMonth:
    """Demand of an article in a month."""
    name = known.get(row["number"]) or named(row["number"], None).name
    return DemandMonth(**row, name=name, levels=list(levels))


def line(row: Row, catalogue: Catalogue, warehouses: Mapping[str, Bilingual]) -> PlanLine:
    """One line; `warehouses` by id."""
    given = ("name", "run", "warehouse_name", "transfers", "override", "quantity")
    fields = {name: row[name] for name in PlanLine.model_fields if name not in given}
    part = _part(row, catalogue)
    return PlanLine(
        **fields,
        run=row["run_id"],
        name=named(row["number"], part.name if part else None).name,
        warehouse_name=Bilingual(**row["warehouse_name"]),
        quantity=planned_quantity(row),
        transfers=[
            Transfer(
                source=each["from"],
                source_name=warehouses.get(each["from"]) or named(each["from"], None).name,
                quantity=each["quantity"],
            )
            for each in row["transfers"]
        ],
        override=_override(row),
    )


def detail(row: Row, catalogue: Catalogue, warehouses: Mapping[str, Bilingual]) -> PlanLineDetail:
    """A line with what it rests on."""
    reasons = row["reasons"]
    return PlanLineDetail(
        line=line(row, catalogue, warehouses),
        sentences=sentences(row, warehouses),
        behind=[_behind(each, catalogue, row) for each in reasons["machines"]],
        history=reasons["history"],
        sources=dict(zip(SOURCES, reasons["sources"], strict=True)),
    )


def verdict(
    given: LineVerdict, catalogue: Catalogue, warehouses: Mapping[str, Bilingual]
) -> PlanVerdict:
    """A verdict on a line."""
    outcomes = {party: _outcome(each) for party, each in given.verdict.outcomes.items()}
    return PlanVerdict(
        line=line(given.line, catalogue, warehouses),
        until=given.until,
        asked=given.verdict.asked,
        plan=outcomes["plan"],
        rule=outcomes["rule"],
        override=outcomes.get("override"),
        best=list(given.verdict.best),
    )


def _outcome(given: Outcome) -> PartyOutcome:
    return PartyOutcome(had=given.had, missed=given.missed, over=given.over, cost=given.cost)


def _part(row: Row, catalogue: Catalogue) -> WearPart | None:
    plan = catalogue.plans.get(row["product"])
    return plan.part.get(row["part"]) if plan else None


def _override(row: Row) -> Override | None:
    if row["override_quantity"] is None:
        return None
    return Override(
        quantity=row["override_quantity"],
        reason=row["override_reason"],
        made_by=row["override_by"],
        made_at=row["override_at"],
    )


def _behind(need: Row, catalogue: Catalogue, row: Row) -> BehindLine:
    known = {name: need[name] for name in BehindLine.model_fields if name in need}
    plans = catalogue.plans.values()
    if need["kind"] == "worn":
        places = {
            place.id: place.name
            for plan in plans
            for part in plan.parts
            if part.number == row["number"]
            for place in part.positions
        }
        known["position"] = named(need["position"], places.get(need["position"])).name
    if need["kind"] == "service":
        services = {service.id: service.name for plan in plans for service in plan.services}
        known["service"] = named(need["service"], services.get(need["service"])).name
    return BehindLine(**known)
