"""Wear parts: what is fitted, how long it lasts, what to order."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Note, Request, Time

PartAlertStatus = Literal["open", "ordered", "done", "dismissed", "withdrawn"]


class PartCondition(Answer):
    """What a part shows of its wear, and what that changed."""

    value: float = Field(description="Over the last days.")
    new: float = Field(description="On a sound part.")
    limit: float = Field(description="On a part that is worn out.")
    unit: str = Field(
        default="", description="Of these values; empty: assessed before it was kept."
    )
    days: int = Field(description="Days with values.")
    p50_before: float = Field(description="Remaining use at P50 without it.")


class PartWarning(Answer):
    """An alarm of one of the part's failure modes, and what that changed."""

    alarm: int
    rule: str
    mode: str = Field(description="The failure mode that the alarm names.")
    p50_before: float = Field(description="Remaining use at P50 without it.")


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
    condition: PartCondition | PartWarning | None = Field(
        description="What sharpens it; null: the part shows nothing and no alarm is about it."
    )
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


class LifeCheck(Answer):
    """Something that speaks for or against a learned life, in plain words."""

    name: str
    passed: bool
    text: Bilingual


class LifeOfPart(Answer):
    """The life of one kind of part: the plan's word and what its replacements taught."""

    product: str
    part: str
    number: str | None
    name: Bilingual
    unit: str | None
    plan_low: float | None
    plan_mid: float | None
    plan_high: float | None
    ended: int = Field(description="Lives that were seen to end.")
    lives: int = Field(description="All lives, ended or not.")
    p10: float = Field(description="Life that one in ten new parts does not reach.")
    p50: float
    p90: float
    curve: list[tuple[float, float]] = Field(description="Use, and the share that lasts longer.")
    factors: dict[str, float] = Field(
        description="Factor on life by model, region and duty, as `model:TP60D`."
    )
    checks: list[LifeCheck]
    learned_at: Time


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
