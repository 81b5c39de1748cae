"""How likely lives are under a family, what is believed beforehand, and where both are highest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from predict.families import Family
from predict.lifedata import LifeDataError, Lives

Matrix = NDArray[np.float64]

_MOST_STEPS = 100
#: A search that comes this far has left the data behind.
MOST_LOG_SPREAD = 30.0


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before any failure: normal on log median, log spread and each effect
    (per standard deviation of its covariate; of a flag, its whole)."""

    log_median: float
    log_median_sd: float
    log_spread: float
    log_spread_sd: float
    effect_sd: float = 0.15


Objective = Callable[[FloatColumn], tuple[float, FloatColumn]]
"""theta to minus the log of what is to be most likely, and its gradient."""


def objective_of(lives: Lives, family: Family, prior: Prior | None, x: Matrix) -> Objective:
    """The objective of lives whose standardised covariates are x (n, k); theta is (location,
    effects, log spread)."""
    design = np.column_stack([np.ones(len(lives.end)), x])
    log_end, late = np.log(lives.end), lives.start > 0
    log_start = np.log(lives.start[late])
    failed, count = lives.failed, lives.count

    def value(theta: FloatColumn) -> tuple[float, FloatColumn]:
        if abs(theta[-1]) > MOST_LOG_SPREAD:
            return math.inf, np.zeros(len(theta))
        spread = math.exp(theta[-1])
        location = design @ theta[:-1]
        z = (log_end - location) / spread
        entered = (log_start - location[late]) / spread
        dense = family.log_density(z) - theta[-1] - log_end
        terms = count * np.where(failed, dense, family.log_survival(z))
        total = terms.sum() - count[late] @ family.log_survival(entered)
        by_z = count * np.where(failed, family.density_slope(z), family.survival_slope(z))
        by_entered = -count[late] * family.survival_slope(entered)
        by_location = -by_z / spread
        by_location[late] -= by_entered / spread
        by_spread = -(by_z @ z) - by_entered @ entered - count[failed].sum()
        gradient = np.concatenate([by_location @ design, [by_spread]])
        if prior is not None:
            believed, slope = _belief(prior, family, theta)
            total, gradient = total + believed, gradient + slope
        return -float(total), -gradient

    return value


def _belief(prior: Prior, family: Family, theta: FloatColumn) -> tuple[float, FloatColumn]:
    """Log of the prior and its gradient."""
    middle = math.exp(theta[-1]) * family.z_of_share(0.5)
    median = (theta[0] + middle - prior.log_median) / prior.log_median_sd
    spread = (theta[-1] - prior.log_spread) / prior.log_spread_sd
    effects = theta[1:-1] / prior.effect_sd
    slope = np.zeros(len(theta))
    slope[0] = -median / prior.log_median_sd
    slope[1:-1] = -effects / prior.effect_sd
    slope[-1] = -median / prior.log_median_sd * middle - spread / prior.log_spread_sd
    return -0.5 * (median**2 + spread**2 + float(effects @ effects)), slope


def minimum(objective: Objective, start: FloatColumn) -> FloatColumn:
    """The theta where an objective is lowest: Newton steps of bounded length, halved until they
    lead down. Raises LifeDataError where it has no lowest point."""
    theta = start
    for _ in range(_MOST_STEPS):
        value, gradient = objective(theta)
        curvature, along = np.linalg.eigh(hessian(objective, theta))
        floor = max(1e-9 * float(np.abs(curvature).max()), 1e-12)
        newton = along @ ((along.T @ gradient) / np.maximum(np.abs(curvature), floor))
        step = np.asarray(newton / max(1.0, float(np.abs(newton).max())), dtype=np.float64)
        while objective(theta - step)[0] > value and np.abs(step).max() > 1e-12:
            step = step / 2
        theta = theta - step
        if np.abs(step).max() < 1e-9:
            return theta
    raise LifeDataError(
        "No most likely life was found: failures and covariates determine no maximum. "
        "Leave out covariates that tell the failures apart completely."
    )


def hessian(objective: Objective, theta: FloatColumn) -> Matrix:
    """Second derivatives, by central differences of the gradient."""
    width = 1e-5 * np.maximum(1.0, np.abs(theta))
    rows = [
        (objective(theta + step)[1] - objective(theta - step)[1]) / (2 * step.sum())
        for step in np.diag(width)
    ]
    curved = np.array(rows, dtype=np.float64)
    return np.asarray(0.5 * (curved + curved.T), dtype=np.float64)
