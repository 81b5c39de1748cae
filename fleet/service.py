"""What service a machine gets: intervals, checklists, inspections, what customers were promised."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fleet.fields import Code, Key, Model, Severity, Skill
from fleet.signals import Limit
from fleet.text import Text


class PartNeed(Model):
    """So many pieces of a part."""

    part: Key
    quantity: int = Field(default=1, gt=0)


class ServiceInterval(Model):
    """A scheduled service: every `every_h` operating hours, or once at `first_h`.

    A longer interval contains the shorter ones named in `includes`. `every_months` makes it due
    by the calendar too, whichever comes first.
    """

    id: Key
    name: Text
    every_h: float | None = Field(default=None, gt=0)
    first_h: float | None = Field(default=None, gt=0)
    every_months: int | None = Field(default=None, gt=0)
    by: Literal["operator", "service"]
    items: tuple[Text, ...] = Field(min_length=1)
    includes: tuple[Key, ...] = ()
    parts: tuple[PartNeed, ...] = ()
    skill: Skill
    minutes: int = Field(gt=0)
    source: str = "J"

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if (self.every_h is None) == (self.first_h is None):
            raise ValueError("a service interval has exactly one of every_h and first_h")
        return self


class CheckItem(Model):
    """One line of an inspection checklist, answered by the technician.

    `result` says how: `ok` (yes or no), `number` (in `unit`, within `limits` where given),
    `choice` (one of `choices`; those not in `passes` fail) or `text`.
    """

    id: Key
    check: Text
    method: Text
    result: Literal["ok", "number", "choice", "text"]
    unit: str | None = None
    limits: Limit | None = None
    choices: tuple[Text, ...] = ()
    passes: tuple[int, ...] = ()
    photo: bool = False
    fail_severity: Severity
    component: Key
    failure_modes: tuple[Code, ...] = ()
    minutes: float = Field(gt=0)
    source: str = "J"


class Checklist(Model):
    """An inspection checklist; its items in the order they are walked. One that is `on_demand` is
    never walked whole: its items join a visit for their component."""

    id: Key
    name: Text
    on_demand: bool = False
    items: tuple[CheckItem, ...] = Field(min_length=1)


class ServiceTier(Model):
    """What a customer was promised: hours from a ticket's opening to the technician on site,
    by severity."""

    id: Key
    name: Text
    # A plain number and not Severity: JSON has text for keys, which a Literal would refuse.
    target_h: dict[Annotated[int, Field(ge=1, le=4)], float]

    @model_validator(mode="after")
    def _all_severities(self) -> Self:
        if set(self.target_h) != {1, 2, 3, 4}:
            raise ValueError("target_h promises hours for each of the severities 1 to 4")
        return self


class InspectionTerms(Model):
    """What weighs when the day of an inspection is chosen, in visits made alone: what a part that
    wears out unseen costs by the severity of what it leads to (most worn parts are noticed in
    time), and what a visit costs on a day on which a service of the machine is due, or a machine
    within `near_km` is visited."""

    # Plain numbers as in ServiceTier: JSON has text for keys.
    loss: dict[Annotated[int, Field(ge=1, le=4)], float] = Field(
        default={1: 0.05, 2: 0.2, 3: 0.6, 4: 1.0}
    )
    with_service: float = Field(default=0.4, gt=0, le=1)
    with_neighbour: float = Field(default=0.7, gt=0, le=1)
    near_km: float = Field(default=40, ge=0)
    source: str = "J"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.loss) != {1, 2, 3, 4}:
            raise ValueError("an inspection's loss is said for each of the severities 1 to 4")
        if min(self.loss.values()) < 0:
            raise ValueError("an inspection's loss is no gain: it cannot be negative")
        return self
