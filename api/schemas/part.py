"""Wear parts: what is fitted, how long it lasts, what to order."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Note, Request, Time

PartAlertStatus = Literal["open", "ordered", "done", "dismissed", "withdrawn"]


class RemainingLife(Answer):
    """Remaining life with its interval, in the part's own unit and as dates."""

    unit: str
    p10: float
    p50: float
    p90: float
    due_p10: Time | None = Field(description="null: beyond the horizon.")
    due_p50: Time | None
    due_p90: Time | None
    worn_share: float = Field(description="Use so far / expected life.")
    method: str
    sample_size: int
    as_of: Time


class FittedPart(Answer):
    """One part in one place on one machine. What the plan says of the part (number, unit, life,
    classes) is null where the plan no longer has it."""

    id: int
    serial: str
    product: str
    region: str
    part: str
    number: str | None
    name: Bilingual
    component: str | None
    position: str
    position_name: Bilingual
    fitted_at: Time
    unit: str | None
    used: float | None = Field(description="Use since it was fitted, in `unit`.")
    per_day: float | None
    used_as_of: Time | None
    life_low: float | None
    life_mid: float | None
    life_high: float | None
    remaining: RemainingLife | None
    price_class: str | None
    lead_class: str | None


class PartAlert(Answer):
    """A fitted part that will be needed: order it by `order_by`."""

    id: int
    serial: str
    product: str
    region: str
    station: str
    fitted_part_id: int
    part: str
    number: str | None
    name: Bilingual
    position_name: Bilingual
    quantity: int
    price_class: str | None
    lead_class: str | None
    status: PartAlertStatus
    raised_at: Time
    order_by: Time
    needed_by: Time
    probability: float = Field(description="Chance that it wears out by `needed_by`.")
    overdue: bool = Field(description="Still open after `order_by`.")
    remaining: RemainingLife | None
    evidence: dict[str, Any]
    ticket: str | None
    changed_at: Time
    changed_by: str | None


class Ordered(Request):
    """The part was ordered."""

    status: Literal["ordered"]
    note: Note | None = None


class Dismissed(Request):
    """The alert is dismissed; the note says why."""

    status: Literal["dismissed"]
    note: Note


PartAlertChange = Annotated[Ordered | Dismissed, Field(discriminator="status")]
"""What the parts team did."""
