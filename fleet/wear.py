"""Parts that wear out: what uses them up, how long they live and how their wear shows."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from fleet.fields import Code, Key, Model
from fleet.text import Text


class Driver(Model):
    """What uses a part up, in the part's own unit.

    Exactly one source: `counter` (a counter signal whose growth is the use, times `per_count`),
    `hours` (regimes whose running time in hours is the use, `running` for all running regimes)
    or `age` (months since it was fitted). `factor` is an expression that makes heavy use count
    more; unknown counts as 1.
    """

    unit: Literal["m3", "h", "t", "lift", "stroke", "stop", "cycle", "km", "month"]
    counter: Key | None = None
    per_count: float = Field(default=1.0, gt=0)
    hours: tuple[Key, ...] | Literal["running"] | None = None
    age: bool = False
    factor: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum((self.counter is not None, self.hours is not None, self.age)) != 1:
            raise ValueError("a driver has exactly one of counter, hours and age")
        return self


class Life(Model):
    """Life of a new part in its driver's unit: `mid` (median) and the `low`-`high` range that
    holds 80 % of parts. `shape` is the Weibull shape where a source states it."""

    mid: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)
    shape: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.mid < self.high:
            raise ValueError("a life needs low < mid < high")
        return self


class Condition(Model):
    """What a part shows of its wear: the expression `shows` over signals, in `unit`, while one of
    `regimes` runs. It stands at `new` on a sound part, leaves that value from the share
    `shows_from` of the part's life on, and reaches `limit` when the part is worn out."""

    shows: str
    unit: str
    regimes: tuple[Key, ...] = Field(min_length=1)
    new: float
    limit: float
    shows_from: float = Field(default=0.8, ge=0, lt=1)

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.new == self.limit:
            raise ValueError("a condition needs a limit other than its value on a new part")
        return self


class Position(Model):
    """A place on the machine where a part is fitted."""

    id: Key
    name: Text


class WearPart(Model):
    """A part that wears out. One fitted part stands at each position; `quantity` pieces are
    ordered for one position."""

    id: Key
    name: Text
    number: Code
    component: Key
    positions: tuple[Position, ...] = Field(min_length=1)
    quantity: int = Field(default=1, gt=0)
    driver: Driver
    life: Life
    most_months: float | None = Field(default=None, gt=0)
    """Age at which it is replaced at the latest, however little it was used."""
    condition: Condition | None = None
    discard: Text
    price_class: Literal["A", "B", "C", "D", "E"]
    lead_class: Literal["L0", "L1", "L2", "L3"]
    minutes: int = Field(gt=0)
    failure_modes: tuple[Code, ...] = ()
    source: str = "J"

    @property
    def most_days(self) -> float | None:
        """Days after which it is replaced at the latest; None: at no age."""
        return None if self.most_months is None else self.most_months * 30.4375
