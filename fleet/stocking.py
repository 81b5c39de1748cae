"""How parts are stocked and how they come."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fleet.fields import Model


class Stocking(Model):
    """How a product's parts are stocked. Parts are of value class A as long as they make up the
    first `a_share` of what a year's use is worth, B up to `b_share`, else C; `service_levels` says
    by value class and by what the part's failure does (stop, alarm, other) which share of its
    demand the shelf is to serve. A replaced part less than `warranty_months` old goes back."""

    a_share: float = Field(default=0.8, gt=0, lt=1)
    b_share: float = Field(default=0.95, gt=0, lt=1)
    service_levels: dict[
        Literal["A", "B", "C"],
        dict[Literal["stop", "alarm", "other"], Annotated[float, Field(gt=0.5, lt=1)]],
    ] = Field(
        default={
            "A": {"stop": 0.97, "alarm": 0.95, "other": 0.92},
            "B": {"stop": 0.98, "alarm": 0.97, "other": 0.95},
            "C": {"stop": 0.99, "alarm": 0.98, "other": 0.97},
        }
    )
    warranty_months: float = Field(default=12, ge=0)
    source: str = "J"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.a_share >= self.b_share:
            raise ValueError("a_share lies below b_share")
        lacking = [
            f"{value}.{effect}"
            for value in ("A", "B", "C")
            for effect in ("stop", "alarm", "other")
            if effect not in self.service_levels.get(value, {})
        ]
        if lacking:
            raise ValueError(f"service_levels lacks {', '.join(lacking)}")
        return self


class SupplyTerms(Model):
    """How parts come and what they cost where a company says nothing of an article: days from the
    supplier by lead-time class, days of a transfer into a region or a station, days between two
    plans and between two fillings of a shelf from the one above it, what share of the regular days
    an emergency order takes and what share of the price it costs more, what a year of holding
    costs as a share of the price, what a machine that waits costs in yuan a day by what the failure
    does, and a price in yuan by price class."""

    supply_days: dict[Literal["L0", "L1", "L2", "L3"], float] = Field(
        default={"L0": 10, "L1": 10, "L2": 10, "L3": 60}
    )
    transfer_days: dict[Literal["region", "station"], float] = Field(
        default={"region": 3, "station": 1}
    )
    review_days: float = Field(default=30, gt=0)
    refill_days: float = Field(default=7, gt=0)
    emergency_share: float = Field(default=0.4, gt=0, le=1)
    emergency_premium: float = Field(default=0.3, ge=0)
    holding_share: float = Field(default=0.2, gt=0)
    waiting_day: dict[Literal["stop", "alarm", "other"], float] = Field(
        default={"stop": 6000, "alarm": 3000, "other": 1500}
    )
    prices: dict[Literal["A", "B", "C", "D", "E"], float] = Field(
        default={"A": 250, "B": 1500, "C": 10000, "D": 50000, "E": 150000}
    )
    source: str = "J"
