"""Life as the fleet shows it: the plan's life and spread, moved by the replacements seen so far.

The answer carries how little is known: it is the mean over all lives that plan and replacements
together leave probable, so that a part with three replacements keeps a wide interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import logsumexp

from fleet.batch import FloatColumn
from fleet.wear import Life
from predict.families import LOGNORMAL, WEIBULL, Family, FamilyName
from predict.life import LifeModel, plan_life, plan_spread
from predict.lifedata import LifeDataError, Lives
from predict.lifefit import LEAST_FAILURES, LifeFit, TooFew, best_fit
from predict.likelihood import Prior

#: A plan's median is believed like so many lives seen to end: nobody counted them.
PLAN_WORTH = 2.0
#: Standard deviation of the log of the true spread about the plan's.
PLAN_SPREAD_SD = 0.35
#: Nodes along each of the two directions of what is uncertain.
_NODES = 7
_TABLE = 4001
_LOWEST_Z, _HIGHEST_Z = -30.0, 8.0


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a life: its family, the middle of log median and log spread, and their
    covariance (2, 2)."""

    family: Family
    log_median: float
    log_spread: float
    covariance: FloatColumn

    def probable(self) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
        """Locations, spreads and weights of probable lives: Gauss-Hermite nodes of the normal
        distribution. Raises numpy's LinAlgError if the covariance is none."""
        root = np.linalg.cholesky(self.covariance + 1e-14 * np.eye(2))
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        across, along = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
        moves = root @ np.vstack([across, along])
        spreads = np.exp(self.log_spread + moves[1])
        locations = self.log_median + moves[0] - self.family.z_of_share(0.5) * spreads
        pairs = np.outer(weights, weights).ravel()
        return locations, spreads, pairs / pairs.sum()


class BelievedLife:
    """The LifeModel of a belief: the mean over all lives that are probable."""

    def __init__(self, belief: Belief, method: str, sample_size: int) -> None:
        self.belief, self.method, self.sample_size = belief, method, sample_size
        self._log_life, self._log_hazard = _table(belief)
        self.median = float(self._life_at(np.array([math.log(0.5)]))[0])

    def quantiles(self, used: FloatColumn, q: float) -> FloatColumn:
        """See LifeModel."""
        reached = self._life_at(self._log_survival(used) + math.log1p(-q))
        return np.maximum(reached - used, 0.0)

    def fail_within(self, used: FloatColumn, more: FloatColumn) -> FloatColumn:
        """See LifeModel."""
        return -np.expm1(self._log_survival(used + more) - self._log_survival(used))

    def _log_survival(self, life: FloatColumn) -> FloatColumn:
        with np.errstate(divide="ignore"):
            log_life = np.log(np.maximum(life, 0.0))
        return -np.exp(np.minimum(_along(log_life, self._log_life, self._log_hazard), 700.0))

    def _life_at(self, log_survival: FloatColumn) -> FloatColumn:
        return np.exp(_along(np.log(-log_survival), self._log_hazard, self._log_life))


class FleetLife(BelievedLife):
    """A fitted life that knows its own uncertainty, of new parts at `covariates`.

    Without them it is the life of a part at mean covariates, as uncertain as the parts that were
    learned from are on average: `LifeFit.factor` moves it to the covariates of a part. Raises
    LifeDataError where the lives contradict each other.
    """

    def __init__(self, fit: LifeFit, covariates: FloatColumn | None = None) -> None:
        self.fit = fit
        try:
            super().__init__(_belief(fit, covariates), "fleet", fit.lives.failures)
        except np.linalg.LinAlgError as error:
            raise LifeDataError(
                f"{fit.lives.failures} of {fit.lives.total} parts have worn out, at uses too "
                "contradictory to learn a life from; check what was recorded of them."
            ) from error


@lru_cache(maxsize=1000)
def doubted_plan(life: Life) -> BelievedLife:
    """The plan's life as long as too few parts have worn out to learn from: its median and spread
    with the doubt that is in a plan, so that the interval does not widen when learning begins."""
    prior = _prior(life, plan_life(life).family)
    covariance = np.diag([prior.log_median_sd**2, prior.log_spread_sd**2])
    family = plan_life(life).family
    return BelievedLife(Belief(family, prior.log_median, prior.log_spread, covariance), "plan", 0)


def plan_priors(life: Life) -> dict[FamilyName, Prior]:
    """What the plan says of a part's life before any was seen, by family."""
    return {family.name: _prior(life, family) for family in (WEIBULL, LOGNORMAL)}


def learned_fit(lives: Lives, life: Life) -> LifeFit | TooFew:
    """The fit of a part by plan and lives; with fewer than three failures the plan stands."""
    if lives.failures < LEAST_FAILURES:
        return TooFew(lives.failures, lives.total, LEAST_FAILURES)
    families: Sequence[Family] = (WEIBULL,) if life.shape else (WEIBULL, LOGNORMAL)
    return best_fit(lives, tuple(families), plan_priors(life))


def learned_life(lives: Lives, life: Life) -> LifeModel:
    """The life of a part by plan and lives, at the mean of their covariates."""
    fit = learned_fit(lives, life)
    return doubted_plan(life) if isinstance(fit, TooFew) else FleetLife(fit)


def _prior(life: Life, family: Family) -> Prior:
    spread = plan_spread(life, family)
    # As wide as the mean of PLAN_WORTH log lives of that spread.
    deviation = spread * (math.pi / math.sqrt(6) if family is WEIBULL else 1.0)
    return Prior(
        math.log(life.mid), deviation / math.sqrt(PLAN_WORTH), math.log(spread), PLAN_SPREAD_SD
    )


def _table(belief: Belief) -> tuple[FloatColumn, FloatColumn]:
    """log life and log cumulative hazard of a new part, both rising, (4001,) each."""
    locations, spreads, weights = belief.probable()
    log_life = np.linspace(
        float((locations + spreads * _LOWEST_Z).min()),
        float((locations + spreads * _HIGHEST_Z).max()),
        _TABLE,
    )
    z = np.clip((log_life[:, None] - locations) / spreads, 4 * _LOWEST_Z, 4 * _HIGHEST_Z)
    each = belief.family.log_survival(z)
    lost = -np.expm1(each) @ weights
    # Near one the survivors count, near zero the lost: each is exact where it is small.
    survive = np.where(lost < 0.5, np.log1p(-np.minimum(lost, 0.5)),
                       logsumexp(each, b=weights, axis=1))  # fmt: skip
    known = (survive < 0) & (survive > -1e300)
    log_hazard = np.log(-survive[known])
    rising = np.concatenate([[True], np.diff(log_hazard) > 0])
    return log_life[known][rising], log_hazard[rising]


def _belief(fit: LifeFit, covariates: FloatColumn | None) -> Belief:
    """What a fit believes at covariates: the normal approximation to log median and log spread."""
    middle = fit.family.z_of_share(0.5) * fit.spread
    covariance = _of_the_pair(fit, covariates, middle)
    log_median = fit.location(covariates) + middle
    return Belief(fit.family, log_median, float(fit.theta[-1]), covariance)


def _of_the_pair(fit: LifeFit, covariates: FloatColumn | None, slope: float) -> FloatColumn:
    """Covariance (2, 2) of log median, which grows by `slope` with log spread, and log spread."""
    to_pair = np.zeros((2, len(fit.theta)))
    to_pair[0, :-1] = fit.loadings(covariates)
    to_pair[0, -1] = slope
    to_pair[1, -1] = 1.0
    covariance = to_pair @ fit.covariance @ to_pair.T
    if covariates is None and fit.lives.names:
        away = (fit.lives.covariates - fit.centre) / fit.scale
        each = ((away @ fit.covariance[1:-1, 1:-1]) * away).sum(axis=1)
        covariance[0, 0] += float(np.average(each, weights=fit.lives.count))
    return np.asarray(covariance, dtype=np.float64)


def _along(x: FloatColumn, xs: FloatColumn, ys: FloatColumn) -> FloatColumn:
    """Linear interpolation that goes on straight beyond both ends."""
    place = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
    slope = (ys[place + 1] - ys[place]) / (xs[place + 1] - xs[place])
    with np.errstate(invalid="ignore"):
        return np.asarray(ys[place] + slope * (x - xs[place]), dtype=np.float64)
