"""How long parts last: life as a distribution, and what is left of it after some use.

A life model answers in the part's own unit. `PlanLife` is the plan's word alone; a model that
has learned from replacements answers the same questions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtri_exp

from fleet.batch import FloatColumn
from fleet.plan import Life

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
        weibull = _weibull(life.mid, life.shape or _spread(life, _weibull))
        if life.shape is not None:
            self._log_survival, self._life_at = weibull
            return
        lognormal = _lognormal(life.mid, _spread(life, _lognormal))
        self._log_survival, self._life_at = min(
            (weibull, lognormal), key=lambda f: abs(_share_below(f, life.low) - (1 - COVERAGE) / 2)
        )

    def quantiles(self, used: FloatColumn, q: float) -> FloatColumn:
        """See LifeModel."""
        reached = self._life_at(self._log_survival(used) + math.log1p(-q))
        return np.maximum(reached - used, 0.0)

    def fail_within(self, used: FloatColumn, more: FloatColumn) -> FloatColumn:
        """See LifeModel."""
        return -np.expm1(self._log_survival(used + more) - self._log_survival(used))


Curve = Callable[[FloatColumn], FloatColumn]
Family = tuple[Curve, Curve]
"""log S(life), and the life at a log S."""


def _weibull(median: float, shape: float) -> Family:
    scale = median / math.log(2) ** (1 / shape)

    def log_survival(life: FloatColumn) -> FloatColumn:
        return np.asarray(-((np.maximum(life, 0.0) / scale) ** shape), dtype=np.float64)

    def life_at(log_survival: FloatColumn) -> FloatColumn:
        return np.asarray(scale * (-log_survival) ** (1 / shape), dtype=np.float64)

    return log_survival, life_at


def _lognormal(median: float, narrowness: float) -> Family:
    """Lognormal whose sigma is 1 / narrowness."""

    def log_survival(life: FloatColumn) -> FloatColumn:
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(life, 0.0) / median)
        return np.asarray(log_ndtr(-narrowness * logs))

    def life_at(log_survival: FloatColumn) -> FloatColumn:
        return np.asarray(median * np.exp(-ndtri_exp(log_survival) / narrowness))

    return log_survival, life_at


def _share_below(family: Family, life: float) -> float:
    return float(-np.expm1(family[0](np.array([life])))[0])


def _spread(life: Life, family: Callable[[float, float], Family]) -> float:
    """Shape (Weibull) or narrowness (lognormal) with which low to high holds the coverage."""

    def excess(shape: float) -> float:
        curve = family(life.mid, shape)
        return _share_below(curve, life.high) - _share_below(curve, life.low) - COVERAGE

    return float(brentq(excess, 1e-3, 1e3, xtol=1e-12))
