"""The parts plan: runs, demand as distributions, lines, overrides, who was right."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.base import IN_DIGITS, Answer, Bilingual, Note, Request, Time

Action = Literal["order", "transfer", "emergency", "surplus", "override"]
Level = Literal["headquarters", "region", "station"]
Party = Literal["plan", "override", "rule"]


class PlanSummary(Answer):
    """A plan in figures; values in yuan. `rule_value` is what the simple rule would order."""

    articles: int
    stock_value: float
    level_value: float = Field(description="What all base stocks are worth.")
    orders: int
    order_value: float
    transfers: int
    emergencies: int
    surplus_value: float = Field(description="Stock beyond all demand of the horizon.")
    rule_value: float


class PlanRun(Answer):
    """One run of the plan."""

    id: int
    month: date
    as_of: Time
    made_by: str
    version: str
    settings: dict[str, Any]
    summary: PlanSummary


class DemandMonth(Answer):
    """Demand of an article in a region (null: all) in the calendar month that begins on `month`;
    the first month counts from the day of the plan on."""

    number: str
    name: Bilingual
    region: str | None
    month: date
    mean: float
    sources: dict[str, float] = Field(
        description="Expected pieces: worn, service, new machines, other."
    )
    levels: list[float]
    quantiles: list[float] = Field(description="Pieces not exceeded with the chances `levels`.")
    chances: list[float] = Field(description="Chance of 0, 1, 2, ... pieces.")


class PlanDemand(Answer):
    """Demand by article, region and month."""

    items: list[DemandMonth]


class Transfer(Answer):
    """Pieces that come from another warehouse."""

    source: str
    source_name: Bilingual
    quantity: int


class Override(Answer):
    """What the manager decided instead."""

    quantity: int
    reason: str
    made_by: str
    made_at: Time


class PlanLine(Answer):
    """What the plan says of one article in one warehouse. `position` and `level` count all
    warehouses it serves; `quantity` is all that is to come."""

    id: int
    run: int
    number: str
    name: Bilingual
    product: str
    part: str
    warehouse: str
    warehouse_name: Bilingual
    warehouse_level: Level
    region: str | None
    value_class: Literal["A", "B", "C"]
    service_level: float
    price: float = Field(description="Yuan per piece.")
    on_hand: int
    inbound: int
    owed: int
    position: int
    level: int
    own_level: int
    cover_days: float
    expected: float = Field(description="Pieces within `cover_days`.")
    high: float = Field(description="The service level's quantile of them.")
    quantity: int
    order_quantity: int
    emergency_quantity: int
    transfers: list[Transfer]
    surplus: int
    order_on: date | None = Field(description="The next order, where none is due now.")
    rule_quantity: int = Field(description="What the simple rule would order.")
    returns: float = Field(description="Old parts that go back in warranty within the month.")
    override: Override | None


class BehindLine(Answer):
    """One need behind a line: a fitted part, a service, or machines to be sold."""

    kind: Literal["worn", "service", "new"]
    chance: float = Field(description="Within the next three months.")
    first_month: float
    quantity: int
    serial: str | None = None
    position: Bilingual | None = None
    worn_share: float | None = None
    service: Bilingual | None = None
    due_at: date | None = None
    model: str | None = None
    machines: int | None = None
    month: date | None = None


class PlanLineDetail(Answer):
    """A line with its assumptions in sentences and the needs behind it, the likeliest first."""

    line: PlanLine
    sentences: list[Bilingual]
    behind: list[BehindLine]
    history: list[float] = Field(description="Pieces used by month of 30 days, oldest first.")
    sources: dict[str, float]


class OverrideChange(Request):
    """The manager's quantity and why."""

    quantity: Annotated[int, Field(ge=0, le=1_000_000), IN_DIGITS]
    reason: Note


class PartyOutcome(Answer):
    """What one party would have had; `cost` is its pinball loss at the service level in yuan."""

    had: int
    missed: int
    over: int
    cost: float


class PlanVerdict(Answer):
    """A line of a past plan against what was asked for."""

    line: PlanLine
    until: Time
    asked: int
    plan: PartyOutcome
    rule: PartyOutcome
    override: PartyOutcome | None
    best: list[Party]


class PlanVerdicts(Answer):
    """All lines whose days have passed, and the summed cost of each party; `override_cost`
    counts the manager's quantity where there is one, else the plan's."""

    items: list[PlanVerdict]
    plan_cost: float
    rule_cost: float
    override_cost: float
