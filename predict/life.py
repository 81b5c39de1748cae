"""How long parts last: life as a distribution, and what is left of it after some use.

A life model answers in the part's own unit. `PlanLife` is the plan's word alone; a model that
has learned from replacements answers the same questions.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from fleet.batch import FloatColumn
from fleet.wear import Life
from predict.families import LOGNORMAL, WEIBULL, Family

#: Share of parts whose life lies between the plan's `low` and `high`.
COVERAGE = 0.8


class LifeModel(Protocol):
    """Life of one kind of part. `used` and results are arrays in the part's unit."""

    @property
    def method(self) -> str:
        """Where the model comes from, as one word."""

    @property
    def sample_size(self) -> int:
        """Replacements the model has learned from."""

    @property
    def median(self) -> float:
        """Median life of a new part."""

    def quantiles(self, used: FloatColumn, q: float) -> FloatColumn:
        """Remaining use that a share `q` of parts does not reach, given each has lasted `used`."""

    def fail_within(self, used: FloatColumn, more: FloatColumn) -> FloatColumn:
        """Chance that a part which has lasted `used` is worn out within `more` use."""


class PlanLife:
    """A Weibull or lognormal life with the plan's median, of which 80 % lie in low to high.

    The family is the one whose tenth and ninetieth percentiles lie closer to low and high; a
    stated shape makes it a Weibull of that shape.
    """

    method = "plan"
    sample_size = 0

    def __init__(self, life: Life) -> None:
        self.median = life.mid
        weibull = _Curve(WEIBULL, life)
        self._curve = weibull
        if life.shape is None:
            self._curve = min(
                (weibull, _Curve(LOGNORMAL, life)),
                key=lambda curve: abs(curve.share_below(life.low) - (1 - COVERAGE) / 2),
            )
        self.family = self._curve.family

    def quantiles(self, used: FloatColumn, q: float) -> FloatColumn:
        """See LifeModel."""
        reached = self._curve.life_at(self._curve.log_survival(used) + math.log1p(-q))
        return np.maximum(reached - used, 0.0)

    def fail_within(self, used: FloatColumn, more: FloatColumn) -> FloatColumn:
        """See LifeModel."""
        log_survival = self._curve.log_survival
        return -np.expm1(log_survival(used + more) - log_survival(used))


@lru_cache(maxsize=1000)
def plan_life(life: Life) -> PlanLife:
    """The life of a part of which only the plan is known; the same for the same plan."""
    return PlanLife(life)


def plan_spread(life: Life, family: Family) -> float:
    """Spread of log life with which `low` to `high` hold their share: 1 / Weibull shape, sigma of
    a lognormal."""
    if family is WEIBULL and life.shape is not None:
        return 1 / life.shape

    def excess(log_spread: float) -> float:
        spread = math.exp(log_spread)
        location = _location(life, family, spread)
        ends = (np.log([life.low, life.high]) - location) / spread
        low, high = -np.expm1(family.log_survival(ends))
        return float(high - low - COVERAGE)

    return math.exp(brentq(excess, math.log(1e-3), math.log(1e3), xtol=1e-12))


class _Curve:
    """Survival of one family with the plan's median and spread."""

    def __init__(self, family: Family, life: Life) -> None:
        self.family = family
        self._spread = plan_spread(life, family)
        self._location = _location(life, family, self._spread)

    def log_survival(self, life: FloatColumn) -> FloatColumn:
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(life, 0.0))
        return self.family.log_survival((logs - self._location) / self._spread)

    def life_at(self, log_survival: FloatColumn) -> FloatColumn:
        return np.exp(self._location + self._spread * self.family.z_at(log_survival))

    def share_below(self, life: float) -> float:
        return float(-np.expm1(self.log_survival(np.array([life])))[0])


def _location(life: Life, family: Family, spread: float) -> float:
    return math.log(life.mid) - spread * family.z_of_share(0.5)
