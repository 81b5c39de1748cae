"""Fitted parts and wear-part alerts as answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.present.product import named
from api.schemas.base import Bilingual
from api.schemas.part import FittedPart, LifeOfPart, PartAlert, RemainingLife
from fleet.plan import Catalogue
from fleet.wear import WearPart

Row = Mapping[str, Any]

_UNPLANNED = dict.fromkeys(
    [
        *("number", "component", "unit", "life_low", "life_mid", "life_high"),
        *("price_class", "lead_class"),
    ]
)


def fitted(row: Row, catalogue: Catalogue) -> FittedPart:
    """A fitted part; where the plan no longer has such a part, what the plan said is null."""
    part = part_of(row, catalogue)
    stored = {name: row[name] for name in FittedPart.model_fields if name in row}
    from_plan: dict[str, Any] = {}
    if part is not None:
        from_plan = {
            "number": part.number,
            "component": part.component,
            "unit": part.driver.unit,
            "life_low": part.life.low,
            "life_mid": part.life.mid,
            "life_high": part.life.high,
            "price_class": part.price_class,
            "lead_class": part.lead_class,
        }
    return FittedPart(
        **{**_UNPLANNED, **stored, **from_plan},
        name=named(row["part"], part.name if part is not None else None).name,
        position_name=position_name(part, row["position"]),
        remaining=remaining(row),
    )


def part_of(row: Row, catalogue: Catalogue) -> WearPart | None:
    """The plan of the part that a row with `product` and `part` names."""
    plan = catalogue.plans.get(row["product"])
    return plan.part.get(row["part"]) if plan is not None else None


def position_name(part: WearPart | None, position: str) -> Bilingual:
    """The name of a place on the machine."""
    names = {place.id: place.name for place in part.positions} if part is not None else {}
    return named(position, names.get(position)).name


def remaining(row: Row) -> RemainingLife | None:
    """The remaining life in a row that was joined with it; None where none is known yet."""
    if row["p50"] is None:
        return None
    return RemainingLife(**{name: row[name] for name in RemainingLife.model_fields})


def life(row: Row, catalogue: Catalogue) -> LifeOfPart:
    """What was learned of a kind of part, beside the plan."""
    part = part_of(row, catalogue)
    stored = {name: row[name] for name in LifeOfPart.model_fields if name in row}
    return LifeOfPart(
        **stored,
        number=part.number if part is not None else None,
        name=named(row["part"], part.name if part is not None else None).name,
        unit=part.driver.unit if part is not None else None,
        plan_low=part.life.low if part is not None else None,
        plan_mid=part.life.mid if part is not None else None,
        plan_high=part.life.high if part is not None else None,
    )


def alert(row: Row, catalogue: Catalogue, now: datetime) -> PartAlert:
    """A wear-part alert, with what the plan says about its part."""
    part = part_of(row, catalogue)
    stored = {name: row[name] for name in PartAlert.model_fields if name in row}
    return PartAlert(
        **stored,
        number=part.number if part is not None else None,
        name=named(row["part"], part.name if part is not None else None).name,
        position_name=position_name(part, row["position"]),
        price_class=part.price_class if part is not None else None,
        lead_class=part.lead_class if part is not None else None,
        overdue=row["status"] == "open" and row["order_by"] < now,
        remaining=remaining(row),
    )
