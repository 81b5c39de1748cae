"""Failures that come again on units that are repaired: the power-law process (Crow-AMSAA).

By use t a unit has had (t / scale) ** shape failures on average. Shape above 1: they come ever
faster; below 1: repairs make it better. Source: Meeker and Escobar, Statistical Methods for
Reliability Data; Rigdon and Basu, Statistical Methods for the Reliability of Repairable Systems.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from fleet.batch import FloatColumn
from fleet.text import Text
from predict.lifedata import LifeDataError
from predict.lifefit import LEAST_FAILURES, TooFew


@dataclass(frozen=True, slots=True)
class RecurrentFit:
    """A power law of n events on m units seen up to `until` (m,); `log_events` (n,) are the logs
    of use at the events, `per_unit` (m,) how many each unit had."""

    shape: float
    scale: float
    log_events: FloatColumn
    until: FloatColumn
    per_unit: FloatColumn

    def expected(self, start: float, end: float) -> float:
        """Failures to be expected of one unit between two uses."""
        return float((end / self.scale) ** self.shape - (start / self.scale) ** self.shape)

    def shape_limits(self, level: float = 0.9) -> tuple[float, float]:
        """Likelihood-ratio confidence limits of the shape."""
        best, allowed = self._profile(self.shape), float(chi2.ppf(level, 1)) / 2

        def excess(log_shape: float) -> float:
            return best - self._profile(math.exp(log_shape)) - allowed

        middle, reach = math.log(self.shape), 8.0
        low = float(brentq(excess, middle - reach, middle))
        high = float(brentq(excess, middle, middle + reach))
        return math.exp(low), math.exp(high)

    def checks(self, level: float = 0.9) -> list[Text]:
        """What speaks for or against the model, in plain words."""
        return [self._trend(level), *self._alike()]

    def _profile(self, shape: float) -> float:
        """Log likelihood of a shape, at the scale that fits it best."""
        n = len(self.log_events)
        exposure = _log_exposure(self.until, shape)
        return float(n * (math.log(shape) + math.log(n) - exposure - 1) + (shape - 1)
                     * self.log_events.sum())  # fmt: skip

    def _trend(self, level: float) -> Text:
        low, high = self.shape_limits(level)
        if low > 1:
            return Text(
                en=f"Failures come ever faster with use (shape {self.shape:.2f}).",
                zh=f"随使用量增加，失效越来越频繁（形状参数 {self.shape:.2f}）。",
            )
        if high < 1:
            return Text(
                en=f"Failures become rarer with use (shape {self.shape:.2f}).",
                zh=f"随使用量增加，失效逐渐减少（形状参数 {self.shape:.2f}）。",
            )
        return Text(
            en="There is no clear sign that failures become more or less frequent "
            f"(shape {low:.2f} to {high:.2f}).",
            zh=f"没有明显迹象表明失效变多或变少（形状参数 {low:.2f}～{high:.2f}）。",
        )

    def _alike(self) -> list[Text]:
        """Whether the units differ by more than chance explains."""
        expected = (self.until / self.scale) ** self.shape
        excess = float(((self.per_unit - expected) ** 2 / expected).sum())
        if len(self.until) < 5 or excess < float(chi2.ppf(0.99, len(self.until) - 1)):
            return []
        return [
            Text(
                en="The machines differ by more than chance explains: one curve for all of them "
                "is a rough mean. Look at duty, model or site.",
                zh="设备间差异超出偶然范围：统一曲线只是粗略平均，请按工况、型号或工地分别分析。",
            )
        ]


def fit_recurrent(
    events: Mapping[str, Sequence[float]], until: Mapping[str, float]
) -> RecurrentFit | TooFew:
    """The most likely power law of units seen from new up to `until` their use; `events` are the
    uses at which each unit failed. Raises LifeDataError for events outside of a unit's view."""
    for unit, uses in events.items():
        if unit not in until:
            raise LifeDataError(f"Unit {unit!r} has failures, but no end of its observation.")
        if any(not 0 < use <= until[unit] for use in uses):
            raise LifeDataError(
                f"Unit {unit!r} has a failure outside of 0 to {until[unit]:g}, where it was seen."
            )
    seen = [unit for unit in until if until[unit] > 0]
    counts = np.array([len(events.get(unit, ())) for unit in seen], dtype=np.float64)
    ends = np.array([until[unit] for unit in seen], dtype=np.float64)
    logs = np.log([use for unit in seen for use in events.get(unit, ())])
    if len(logs) < LEAST_FAILURES or logs.min() >= math.log(ends.max()):
        return TooFew(len(logs), len(seen), LEAST_FAILURES)
    # Powers of use relative to the longest do not overflow.
    log_ends = np.log(ends / ends.max())
    distance = math.log(ends.max()) - float(logs.mean())

    def score(shape: float) -> float:
        weights = np.exp(shape * log_ends)
        return 1 / shape - distance - float(weights @ log_ends / weights.sum())

    shape = float(brentq(score, 1e-6, 1e6, xtol=1e-12))
    scale = math.exp((_log_exposure(ends, shape) - math.log(len(logs))) / shape)
    return RecurrentFit(shape, scale, logs, ends, counts)


def _log_exposure(until: FloatColumn, shape: float) -> float:
    """log of the sum of until ** shape."""
    powers = shape * np.log(until)
    top = float(powers.max())
    return top + math.log(float(np.exp(powers - top).sum()))
