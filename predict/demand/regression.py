"""Two regressions over all parts at once, by penalised maximum likelihood.

Both learn how far a part departs from its own level, which enters as an offset; the penalty
draws the departure to none. With few rows the answer is the part's own level, with many the
fleet's experience: empirical Bayes by ridge (Efron and Hastie, Computer Age Statistical
Inference, ch. 6 and 7). Targets are (rows, steps), NaN where unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

from fleet.batch import FloatColumn

#: Penalty in rows: a coefficient of one costs as much likelihood as this many rows may gain.
RIDGE = 5.0
MOST_STEPS = 150
#: Exponents beyond this are no demand that anybody stocks.
LIMIT = 16.0


@dataclass(frozen=True, slots=True)
class CountRegression:
    """Negative binomial: log mean = offset + design @ mean, log shape = design @ shape."""

    mean: FloatColumn
    shape: FloatColumn

    def means(self, design: FloatColumn, offset: FloatColumn) -> FloatColumn:
        """Mean counts (rows, steps) for offsets (rows, steps)."""
        return np.asarray(np.exp(np.clip((design @ self.mean)[:, None] + offset, -LIMIT, LIMIT)))

    def shapes(self, design: FloatColumn) -> FloatColumn:
        """Shapes (rows, 1); the variance is mean + mean**2 / shape."""
        return np.asarray(np.exp(np.clip(design @ self.shape, -6.0, 6.0)))[:, None]


def fit_counts(design: FloatColumn, target: FloatColumn, offset: FloatColumn) -> CountRegression:
    """Fit design (rows, k), target (rows, steps) and offset of the log mean (rows, steps)."""
    known = ~np.isnan(target)
    counts = np.where(known, target, 0.0)
    k = design.shape[1]

    def loss(coefficients: FloatColumn) -> tuple[float, FloatColumn]:
        model = CountRegression(coefficients[:k], coefficients[k:])
        mean, shape = model.means(design, offset), model.shapes(design)
        share = np.log(shape / (shape + mean))
        likelihood = (
            gammaln(counts + shape) - gammaln(shape) + shape * share + counts * np.log(mean)
        ) - counts * np.log(shape + mean)
        by_mean = (counts - mean) * shape / (shape + mean)
        by_shape = shape * (
            digamma(counts + shape) - digamma(shape) + share + (mean - counts) / (shape + mean)
        )
        slope = [design.T @ np.where(known, each, 0.0).sum(axis=1) for each in (by_mean, by_shape)]
        return -float(likelihood[known].sum()), -np.concatenate(slope)

    found = _minimise(loss, design, 2)
    return CountRegression(found[:k], found[k:])


def fit_chance(design: FloatColumn, target: FloatColumn, offset: FloatColumn) -> FloatColumn:
    """Coefficients (k,) of logit(chance) = offset + design @ coefficients, target 0 or 1."""
    known = ~np.isnan(target)
    happened = np.where(known, target, 0.0)

    def loss(coefficients: FloatColumn) -> tuple[float, FloatColumn]:
        score = (design @ coefficients)[:, None] + offset
        likelihood = happened * score - np.logaddexp(0.0, score)
        by_score = np.where(known, happened - expit(score), 0.0).sum(axis=1)
        return -float(likelihood[known].sum()), -(design.T @ by_score)

    return _minimise(loss, design, 1)


def _minimise(
    loss: Callable[[FloatColumn], tuple[float, FloatColumn]], design: FloatColumn, blocks: int
) -> FloatColumn:
    """Minimise loss + penalty over `blocks` coefficient vectors; the constant goes unpenalised.

    Covariates are strongly related, so the search runs in directions made unrelated first.
    """
    rows, k = design.shape
    if rows == 0:
        return np.zeros(blocks * k)
    penalty = np.full(k, RIDGE)
    penalty[0] = 0.0
    values, vectors = np.linalg.eigh(design.T @ design + np.diag(penalty) + 1e-6 * np.eye(k))
    turn = vectors / np.sqrt(values / rows)

    def turned(free: FloatColumn) -> tuple[float, FloatColumn]:
        coefficients = (free.reshape(blocks, k) @ turn.T).ravel()
        value, slope = loss(coefficients)
        pull = np.tile(penalty, blocks) * coefficients
        slope = (slope + pull).reshape(blocks, k) @ turn
        return (value + 0.5 * float(pull @ coefficients)) / rows, slope.ravel() / rows

    start = np.zeros(blocks * k)
    found = minimize(turned, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    return np.asarray((found.x.reshape(blocks, k) @ turn.T).ravel())
