"""Product plans as data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Named, Time
from fleet.rule import Trigger


class Bounds(Answer):
    """A limit as charts draw it: a value beyond it is of that grade."""

    above: float | None
    below: float | None


class SignalPlan(Answer):
    """One signal of a product."""

    key: str
    name: Bilingual
    component: str
    unit: str | None
    kind: Literal["gauge", "counter", "enum", "flag"]
    range: tuple[float, float]
    normal: tuple[float, float] | None
    warn: Bounds | None
    alarm: Bounds | None
    period_s: float = Field(description="Expected time between values while working, seconds.")
    values: dict[str, Bilingual] = Field(description="Texts of an enumeration's values.")
    headline: bool = Field(description="True: shown first on the machine's page.")
    spn: int | None = Field(description="J1939 suspect parameter number.")


class RegimePlan(Answer):
    """An operating regime; the first whose condition is true holds."""

    id: str
    name: Bilingual
    when: str
    running: bool
    color: str = Field(description="`#rrggbb`")


class RulePlan(Answer):
    """When an alarm is raised."""

    id: str
    name: Bilingual
    component: str
    severity: int
    trigger: Trigger
    when: str | None
    clear: str | None
    regimes: list[str] | None = Field(description="null: in any regime.")
    hold_s: float | None
    clear_hold_s: float
    params: dict[str, float]
    shows: list[str] = Field(description="Signals worth drawing beside this alarm.")
    failure_modes: list[str]
    advice: Bilingual


class FailureModePlan(Answer):
    """A way in which the machine fails."""

    id: str
    name: Bilingual
    category: str
    severity: int
    component: str
    symptoms: Bilingual
    causes: Bilingual
    remedy: Bilingual
    parts: list[str]
    skill: str
    minutes: int


class WearPartPlan(Answer):
    """A part that wears out; lives in `unit`, the range holds 80 % of parts."""

    id: str
    name: Bilingual
    number: str
    component: str
    positions: list[Named]
    quantity: int
    unit: str
    life_low: float
    life_mid: float
    life_high: float
    discard: Bilingual
    price_class: str
    lead_class: str
    minutes: int


class ServicePlan(Answer):
    """A scheduled service."""

    id: str
    name: Bilingual
    every_h: float | None
    first_h: float | None
    every_months: int | None
    by: Literal["operator", "service"]
    items: list[Bilingual]
    includes: list[str]
    parts: dict[str, int] = Field(description="part -> pieces")
    skill: str
    minutes: int


class CheckPlan(Answer):
    """One line of an inspection checklist."""

    id: str
    check: Bilingual
    method: Bilingual
    result: Literal["ok", "number", "choice", "text"]
    unit: str | None
    limits: Bounds | None
    choices: list[Bilingual]
    photo: bool
    fail_severity: int
    component: str
    minutes: float


class ChecklistPlan(Answer):
    """An inspection checklist, its items in the order they are walked."""

    id: str
    name: Bilingual
    items: list[CheckPlan]


class ProductSummary(Answer):
    """A product in the list."""

    id: str
    name: Bilingual
    code: str
    description: Bilingual
    version: str
    machines: int
    signals: int
    rules: int
    parts: int


class Product(Answer):
    """A product's plan: all that differs between products."""

    id: str
    name: Bilingual
    code: str
    description: Bilingual
    version: str
    models: list[Named]
    hours_signal: str
    components: list[Named]
    signals: list[SignalPlan]
    regimes: list[RegimePlan]
    rules: list[RulePlan]
    failure_modes: list[FailureModePlan]
    parts: list[WearPartPlan]
    services: list[ServicePlan]
    checklists: list[ChecklistPlan]


class RuleVersion(Answer):
    """One wording of a rule."""

    number: int
    since: Time = Field(description="When it was first loaded.")
    is_today: bool = Field(description="True: the one that judges now.")
    definition: dict[str, Any] = Field(description="The rule as its rules.yaml says it.")


class RuleVersions(Answer):
    """Every wording of a rule that was ever loaded, the oldest first."""

    versions: list[RuleVersion]
