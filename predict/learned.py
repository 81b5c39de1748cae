"""Remaining life learned from run-to-failure histories: boosted trees on what windows show.

A health indicator (`predict.indicator`) is learned from the same histories and its trend joins
the features. Intervals come from cross-validation over whole units (`predict.conformal`).
Neither the number of a row nor its time is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from fleet.batch import FloatColumn
from predict.conformal import Residuals, local_quantiles, residuals
from predict.features import Features, Places, Scale, scale_of
from predict.histories import Histories, HistoryError, Matrix
from predict.indicator import Indicator, learn_indicator
from predict.standard import Standard, learn_standard

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
FOLDS = 5
LEAST_UNITS = FOLDS
#: Rows learned from; more are thinned evenly.
MOST_ROWS = 60_000
#: Neighbourhood of an interval, as a share of all predictions.
REACH = 0.1
_SEEDS = (0, 1)

Progress = Callable[[float], None]
"""Told the share of the work that is done."""


@dataclass(frozen=True, slots=True)
class Answers:
    """For m units: expected remaining life (m,), capped if the model is, and quantiles of the
    remaining life at LEVELS, (m, 5)."""

    mean: FloatColumn
    quantiles: Matrix


@dataclass(frozen=True, slots=True)
class _Trees:
    indicator: Indicator
    boosters: tuple[HistGradientBoostingRegressor, ...]


@dataclass(frozen=True, slots=True)
class LearnedLife:
    """A learned model; `most` is the longest remaining life it answers."""

    standard: Standard
    trees: _Trees
    residuals: Residuals
    most: float
    scale: Scale

    def answer(self, cut: Histories) -> Answers:
        """Remaining life at the last row of each unit."""
        rows = self.standard.apply(cut)
        features = Features(rows, cut.times, self.scale)
        last = [np.array([len(each) - 1]) for each in rows]
        mean = _predict(self.trees, features, last, self.most)
        return Answers(mean, self.intervals(mean))

    def intervals(self, mean: FloatColumn) -> Matrix:
        """Quantiles at LEVELS for predictions (m,), (m, 5)."""
        quantiles = local_quantiles(self.residuals, mean, LEVELS, REACH)
        return np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=1)


def learn(
    known: Histories, cap: float | None = None, progress: Progress = lambda done: None
) -> LearnedLife:
    """Learn from units whose last row is their failure; with a `cap` longer lives count as it.

    Raises HistoryError for fewer than five units or histories without a varying covariate.
    """
    if len(known.units) < LEAST_UNITS:
        raise HistoryError(
            f"The histories hold {len(known.units)} units that ran to failure; "
            f"at least {LEAST_UNITS} are needed to learn from and to measure intervals."
        )
    standard, scale, left = learn_standard(known), scale_of(known), known.remaining()
    features = Features(standard.apply(known), known.times, scale)
    target = [np.minimum(each, np.inf if cap is None else cap) for each in left]
    most = max(float(each.max()) for each in target)
    rows = _thinned([len(each) for each in target])
    judged = [_judged(each, scale) for each in rows]
    outside: list[FloatColumn] = [np.zeros(0)] * len(known.units)
    fold = np.random.default_rng(0).permutation(len(known.units)) % FOLDS
    for number in range(FOLDS):
        trees = _fit(features, target, rows, np.flatnonzero(fold != number).tolist())
        for unit in np.flatnonzero(fold == number).tolist():
            outside[unit] = _predict(trees, features, judged, most, [unit])
        progress((number + 1) / (FOLDS + 1))
    trees = _fit(features, target, rows, range(len(known.units)))
    progress(1.0)
    numbers = np.repeat(np.arange(len(judged)), [len(each) for each in judged])
    truth = np.concatenate([each[at] for each, at in zip(left, judged, strict=True)])
    off = residuals(np.concatenate(outside), truth, numbers)
    return LearnedLife(standard, trees, off, most, scale)


def _fit(
    features: Features,
    target: Sequence[FloatColumn],
    rows: Sequence[Places],
    units: Sequence[int],
) -> _Trees:
    indicator = learn_indicator([features.drift[u] for u in units], [target[u] for u in units])
    x = np.vstack([features.of(u, indicator, rows[u]) for u in units])
    y = np.concatenate([target[u][rows[u]] for u in units])
    return _Trees(indicator, tuple(_booster(seed, len(y)).fit(x, y) for seed in _SEEDS))


def _booster(seed: int, n: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=min(60, max(5, n // 50)),
        l2_regularization=5.0,
        max_features=0.2,
        early_stopping=False,
        random_state=seed,
    )


def _predict(
    trees: _Trees,
    features: Features,
    at: Sequence[Places],
    most: float,
    units: Sequence[int] | None = None,
) -> FloatColumn:
    chosen = range(len(at)) if units is None else units
    x = np.vstack([features.of(u, trees.indicator, at[u]) for u in chosen])
    each = [booster.predict(x) for booster in trees.boosters]
    return np.asarray(np.clip(np.mean(each, axis=0), 0.0, most), dtype=np.float64)


def _thinned(lengths: Sequence[int]) -> list[Places]:
    step = max(1, -(-sum(lengths) // MOST_ROWS))
    return [np.arange(length - 1, -1, -step)[::-1] for length in lengths]


def _judged(rows: Places, scale: Scale) -> Places:
    """The rows at which a unit may be cut: its beginning is over; the failure itself is not asked
    for."""
    inside = rows[(rows >= scale.least_rows) & (rows < rows[-1])]
    return inside if len(inside) else rows
