"""Maximum likelihood for lives: censored, late-entering, accelerated by covariates.

The model is log life = location + covariates * effects + spread * z (`predict.families`). With a
`Prior`, which is the plan's word, the most probable values are found instead: partial pooling.
Source of method and notation: Meeker and Escobar, Statistical Methods for Reliability Data.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.stats import chi2

from fleet.batch import FloatColumn
from fleet.text import Text
from predict.families import Family, FamilyName
from predict.lifedata import Lives
from predict.likelihood import (
    MOST_LOG_SPREAD,
    Matrix,
    Prior,
    hessian,
    minimum,
    objective_of,
)

#: Fewer different failures than this leave location and spread to chance.
LEAST_FAILURES = 3
#: From so many on the likelihood is a parabola for all that limits can show.
MANY_FAILURES = 100
#: The log of what is still a number.
_LARGEST_LOG = math.log(sys.float_info.max)


@dataclass(frozen=True, slots=True)
class TooFew:
    """The answer where nothing can be estimated: failures seen, and how many are needed."""

    failures: int
    total: int
    needed: int

    @property
    def text(self) -> Text:
        """The answer as a sentence."""
        return Text(
            en=f"Too few failures: {self.failures} among {self.total} lives, {self.needed} are "
            "needed; the plan's life stands.",
            zh=f"失效数太少：{self.total} 个寿命中仅 {self.failures} 个到寿，"
            f"至少需要 {self.needed} 个；沿用方案寿命。",
        )


@dataclass(frozen=True, slots=True)
class LifeFit:
    """A fitted life. `theta` is (location, effects, log spread), of covariates taken from
    `centre` in steps of `scale` (k,); `covariance` is theta's; `log_likelihood` knows no prior."""

    family: Family
    lives: Lives
    prior: Prior | None
    theta: FloatColumn
    covariance: Matrix
    log_likelihood: float
    centre: FloatColumn
    scale: FloatColumn

    @property
    def spread(self) -> float:
        """Standard deviation-like spread of log life; 1 / Weibull shape."""
        return math.exp(float(self.theta[-1]))

    @property
    def shape(self) -> float:
        """Weibull shape; of a lognormal 1 / sigma."""
        return 1 / self.spread

    @property
    def effects(self) -> dict[str, float]:
        """By covariate: the factor on life of one unit more of it."""
        steps = self.theta[1:-1] / self.scale
        return dict(zip(self.lives.names, np.exp(steps).tolist(), strict=True))

    def factor(self, covariates: Matrix) -> FloatColumn:
        """Factors (n,) on the life at mean covariates for parts at covariates (n, k)."""
        return np.exp((covariates - self.centre) / self.scale @ self.theta[1:-1])

    def location(self, covariates: FloatColumn | None = None) -> float:
        """Location of log life at covariates (k,); without them at their mean."""
        return float(self.loadings(covariates) @ self.theta[:-1])

    def loadings(self, covariates: FloatColumn | None = None) -> FloatColumn:
        """How location and effects add up at covariates (k,): (1 + k,)."""
        x = self.centre if covariates is None else np.asarray(covariates, dtype=np.float64)
        return np.concatenate([[1.0], (x - self.centre) / self.scale])

    def scale_life(self, covariates: FloatColumn | None = None) -> float:
        """Weibull scale (63.2 % of lives are shorter); of a lognormal its median."""
        return math.exp(self.location(covariates))

    def life_quantile(self, share: float, covariates: FloatColumn | None = None) -> float:
        """The life that a `share` of new parts does not reach."""
        return math.exp(self.location(covariates) + self.spread * self.family.z_of_share(share))

    def quantile_limits(self, share: float, level: float = 0.9) -> tuple[float, float]:
        """Likelihood-ratio confidence limits of `life_quantile` at mean covariates."""
        z = self.family.z_of_share(share)

        def pin(value: float, rest: FloatColumn) -> FloatColumn:
            return np.concatenate([[value - _spread(rest) * z], rest])

        def slope_of(gradient: FloatColumn, rest: FloatColumn) -> FloatColumn:
            along = gradient[1:].copy()
            along[-1] -= gradient[0] * _spread(rest) * z
            return along

        best = self.location() + self.spread * z
        slope = np.zeros(len(self.theta))
        slope[0], slope[-1] = 1.0, self.spread * z
        low, high = _limits(self, Pinned(pin, slope_of), best, self.theta[1:], slope, level)
        return math.exp(low), math.exp(high) if high < _LARGEST_LOG else math.inf

    def shape_limits(self, level: float = 0.9) -> tuple[float, float]:
        """Likelihood-ratio confidence limits of `shape`."""

        def pin(value: float, rest: FloatColumn) -> FloatColumn:
            return np.concatenate([rest, [value]])

        def slope_of(gradient: FloatColumn, _: FloatColumn) -> FloatColumn:
            return gradient[:-1]

        slope = np.zeros(len(self.theta))
        slope[-1] = 1.0
        best = float(self.theta[-1])
        low, high = _limits(self, Pinned(pin, slope_of), best, self.theta[:-1], slope, level)
        return math.exp(-high), math.exp(-low)


def fit_lives(lives: Lives, family: Family, prior: Prior | None = None) -> LifeFit | TooFew:
    """The most likely life; with a prior the most probable one.

    Without a prior fewer than three different failures are too few to answer. Raises
    LifeDataError if no maximum is found.
    """
    different = len(np.unique(lives.end[lives.failed]))
    if prior is None and different < LEAST_FAILURES + len(lives.names):
        return TooFew(different, lives.total, LEAST_FAILURES + len(lives.names))
    centre, scale = _standard(lives)
    objective = objective_of(lives, family, prior, (lives.covariates - centre) / scale)
    theta = minimum(objective, _start(lives, prior))
    inverse = np.linalg.pinv(hessian(objective, theta), hermitian=True)
    covariance = np.asarray(inverse, dtype=np.float64)
    bare = objective_of(lives, family, None, (lives.covariates - centre) / scale)
    return LifeFit(family, lives, prior, theta, covariance, -bare(theta)[0], centre, scale)


def best_fit(
    lives: Lives, families: tuple[Family, ...], priors: dict[FamilyName, Prior] | None = None
) -> LifeFit | TooFew:
    """The family under which the lives are most likely, fitted."""
    fits = [fit_lives(lives, each, priors[each.name] if priors else None) for each in families]
    answered = [fit for fit in fits if isinstance(fit, LifeFit)]
    return max(answered, key=lambda fit: fit.log_likelihood) if answered else fits[0]


def _standard(lives: Lives) -> tuple[FloatColumn, FloatColumn]:
    """Mean of the covariates and what counts as one step of them, (k,) each: the standard
    deviation; 1 for flags of 0 and 1 and for what does not vary."""
    x = lives.covariates
    centre = np.average(x, axis=0, weights=lives.count)
    spread = np.sqrt(np.average((x - centre) ** 2, axis=0, weights=lives.count))
    whole = np.isin(x, (0.0, 1.0)).all(axis=0) | (spread <= 1e-12 * (1 + np.abs(centre)))
    return centre, np.where(whole, 1.0, spread)


def _start(lives: Lives, prior: Prior | None) -> FloatColumn:
    theta = np.zeros(2 + len(lives.names))
    if prior is not None:
        theta[0], theta[-1] = prior.log_median, prior.log_spread
        return theta
    exposure = lives.count @ (lives.end - lives.start)
    theta[0] = math.log(exposure / lives.failures)
    return theta


@dataclass(frozen=True, slots=True)
class Pinned:
    """Theta with one value of interest pinned: `theta(value, rest)` puts both together, and
    `slope(gradient, rest)` is the gradient by the rest alone."""

    theta: Callable[[float, FloatColumn], FloatColumn]
    slope: Callable[[FloatColumn, FloatColumn], FloatColumn]


def _spread(theta: FloatColumn) -> float:
    """Spread at a point that a search may try, however far away it is."""
    return math.exp(min(float(theta[-1]), MOST_LOG_SPREAD + 1))


def _limits(
    fit: LifeFit,
    pinned: Pinned,
    best: float,
    rest: FloatColumn,
    slope: FloatColumn,
    level: float,
) -> tuple[float, float]:
    """Where the likelihood, maximised over everything else, has fallen by half a chi-square; with
    many failures where its parabola has; -inf or inf where it never falls so far."""
    x = (fit.lives.covariates - fit.centre) / fit.scale
    objective = objective_of(fit.lives, fit.family, fit.prior, x)
    bottom, allowed = objective(fit.theta)[0], float(chi2.ppf(level, 1)) / 2

    nearby = rest

    def excess(value: float) -> float:
        nonlocal nearby

        def others(rest: FloatColumn) -> tuple[float, FloatColumn]:
            height, gradient = objective(pinned.theta(value, rest))
            return height, pinned.slope(gradient, rest)

        # What lies far away overflows, and is no answer.
        with np.errstate(over="ignore", invalid="ignore"):
            found = minimize(others, nearby, jac=True, method="BFGS")
        if math.isfinite(found.fun):
            nearby = found.x  # the next value is close to this one
        return float(found.fun) - bottom - allowed

    step = math.sqrt(max(float(slope @ fit.covariance @ slope), 1e-12))
    if fit.lives.failures >= MANY_FAILURES:
        reach = step * math.sqrt(2 * allowed)
        return best - reach, best + reach
    low, nearby = _crossing(excess, best, -step), rest
    return low, _crossing(excess, best, step)


def _crossing(excess: Callable[[float], float], best: float, step: float) -> float:
    near = best
    for _ in range(8):
        far = near + step
        if excess(far) > 0:
            return float(brentq(excess, near, far, xtol=1e-8))
        near, step = far, 2 * step
    return math.copysign(math.inf, step)
