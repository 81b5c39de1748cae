"""Parts that are used up: the life each one was given, and how much of it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY
from fleet.evaluate import evaluate
from fleet.expression import Expression, parse
from fleet.plan import ProductPlan
from fleet.wear import Life, WearPart
from fleet.windows import Columns
from simulators.run import Mask

#: Use per day of the year, in the unit of a driver, to date what was fitted before history.
PER_DAY: dict[str, dict[str, float]] = {
    "concrete_boom_pump": {"m3": 100.0, "h": 4.4, "stroke": 1000.0, "km": 40.0},
    "trailer_pump": {"m3": 70.0, "h": 4.2, "stroke": 900.0},
    "truck_crane": {"h": 4.2, "lift": 9.0, "stop": 55.0, "cycle": 54.0, "km": 35.0},
    "tower_crane": {"h": 7.5, "lift": 85.0, "stop": 500.0, "cycle": 300.0},
    "asphalt_paver": {"t": 700.0, "h": 3.3, "km": 1.0},
}
_MONTH_DAYS = 30.44
#: Share of life at which wear begins to show in signals.
SHOWS_AT = 0.9
#: Between the 10 % and 90 % quantiles of a normal distribution, in sigmas.
_SPAN_SIGMAS = 2.5631


@dataclass
class Fitted:
    """One part in its place. `life` and `used` are in the driver's unit; it is to be replaced
    when `used` reaches `replace_at`. `fitted_ms` may lie before history."""

    part: str
    position: str
    fitted_ms: int
    life: float
    used: float
    replace_at: float
    removed_ms: int | None = None
    reason: str | None = None

    @property
    def worn(self) -> float:
        """Share of its own life that is used up."""
        return self.used / self.life


class Usage:
    """How much a stretch of signals uses each part of a plan, by the drivers of the plan."""

    def __init__(self, plan: ProductPlan) -> None:
        self._plan = plan
        self._factors: dict[str, Expression] = {
            part.id: parse(part.driver.factor, plan.signal)
            for part in plan.parts
            if part.driver.factor is not None
        }

    def of(
        self,
        part: WearPart,
        at_ms: IntColumn,
        values: Mapping[str, FloatColumn],
        clock_s: FloatColumn,
        regime: Mapping[str, Mask],
    ) -> float:
        """Use of `part` in the stretch, in its driver's unit. `regime` has a mask for each."""
        driver = part.driver
        if driver.age:
            return float(clock_s.sum()) / 86400.0 / _MONTH_DAYS
        if driver.counter is not None:
            counter = values[driver.counter]
            known = ~np.isnan(counter)
            growth = np.zeros(len(at_ms))
            growth[np.flatnonzero(known)[1:]] = np.diff(counter[known]) * driver.per_count
        else:
            wanted = [r.id for r in self._plan.regimes if r.running]
            if isinstance(driver.hours, tuple):
                wanted = list(driver.hours)
            growth = sum((regime[name] for name in wanted), np.zeros(len(at_ms))) * clock_s / 3600.0
        return float((growth * self._factor(part.id, at_ms, values)).sum())

    def _factor(
        self, part: str, at_ms: IntColumn, values: Mapping[str, FloatColumn]
    ) -> FloatColumn | float:
        expression = self._factors.get(part)
        if expression is None:
            return 1.0
        factor = evaluate(expression, Columns(at_ms, np.zeros(1, dtype=np.int64), values), {})
        return np.where(np.isnan(factor), 1.0, np.maximum(factor, 0.0))


def draw_life(life: Life, rng: np.random.Generator) -> float:
    """The life of one part: Weibull where the plan has a shape, log-normal over its span else."""
    if life.shape is not None:
        drawn = float(rng.weibull(life.shape))
        return life.mid / float(np.log(2.0) ** (1.0 / life.shape)) * max(drawn, 0.2)
    sigma = float(np.log(life.high / life.low)) / _SPAN_SIGMAS
    return life.mid * float(np.exp(sigma * np.clip(rng.standard_normal(), -2.5, 2.5)))


def fit_new(part: WearPart, position: str, at_ms: int, rng: np.random.Generator) -> Fitted:
    """A new part; most are replaced in time, some run into their failure."""
    life = draw_life(part.life, rng)
    share = float(np.clip(rng.normal(0.85, 0.05), 0.7, 1.0))
    return Fitted(part.id, position, at_ms, life, 0.0, share * life)


def fit_before(
    plan: ProductPlan, model: str, start_ms: int, commissioned_ms: int, rng: np.random.Generator
) -> list[Fitted]:
    """The parts on a machine of a model when history starts: each somewhere in its life, fitted on
    a day that fits its use, on the day of commissioning at the earliest."""
    rates = PER_DAY[plan.product]
    fitted = []
    for part in plan.parts_of(model):
        per_day = 1.0 / _MONTH_DAYS if part.driver.age else rates.get(part.driver.unit, 5.0)
        for position in part.positions:
            item = fit_new(part, position.id, start_ms, rng)
            age_days = (start_ms - commissioned_ms) / MS_PER_DAY
            used = min(float(rng.uniform(0.02, 0.97)) * item.replace_at, per_day * age_days)
            item.used = used
            item.fitted_ms = max(commissioned_ms, start_ms - round(used / per_day * MS_PER_DAY))
            fitted.append(item)
    return fitted
