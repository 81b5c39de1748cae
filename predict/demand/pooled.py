"""Forecasts that learn from all parts together how the next months follow from the past.

Both stand at earlier months of the known history, look at each part as it stood then, and learn
what came after. `pooled_counts` makes demand a negative binomial; `pooled_hurdle` asks first
whether there is any demand and then how much, so that the chance of none moves on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from fleet.batch import FloatColumn
from predict.demand.features import Features, Scaling, features, scaling
from predict.demand.regression import fit_chance, fit_counts
from predict.demand.season import factors, without
from predict.demand.simple import Steps, quantiles

#: Months of history below which nothing is learned from a standpoint.
LEAST_HISTORY = 8
#: Learning looks at standpoints this many months apart and at most this many of them.
STRIDE = 3
STANDPOINTS = 10
#: More rows than this teach nothing new and cost time.
MOST_ROWS = 30_000


@dataclass(frozen=True, slots=True)
class _Lesson:
    """One standpoint's rows: features, what came after (n, steps), log season (steps,)."""

    before: Features
    after: FloatColumn
    season: FloatColumn


def can_learn(months: int, steps: Steps) -> bool:
    """Whether a history that long holds at least one standpoint."""
    return months >= LEAST_HISTORY + steps.first


def pooled_counts(
    counts: FloatColumn, steps: Steps, levels: FloatColumn, index: FloatColumn
) -> FloatColumn:
    """Quantiles (n, steps, k) of negative binomials learned over all parts; `index` is the log
    season (12,)."""
    lessons = list(_lessons(counts, index, steps))
    scale, design, after, wave = _stacked(lessons)
    level = np.concatenate([each.before.mean for each in lessons])
    rows = _some(len(design))
    model = fit_counts(design[rows], after[rows], np.log(level[rows])[:, None] + wave[rows])
    now, ahead = _seen_from(counts, index, steps)
    columns = scale.design(now.covariates)
    mean = model.means(columns, np.log(now.mean)[:, None] + ahead)
    return quantiles(mean, np.broadcast_to(model.shapes(columns), mean.shape), levels)


def pooled_hurdle(
    counts: FloatColumn, steps: Steps, levels: FloatColumn, index: FloatColumn
) -> FloatColumn:
    """Quantiles (n, steps, k) from a learned chance of demand and a learned size of it."""
    lessons = list(_lessons(counts, index, steps))
    scale, design, after, wave = _stacked(lessons)
    chance = np.concatenate([each.before.chance for each in lessons])
    size = np.concatenate([each.before.size for each in lessons])
    rows = _some(len(design))
    happened = np.where(np.isnan(after), np.nan, (after > 0).astype(np.float64))
    by_chance = fit_chance(design[rows], happened[rows], logit(chance[rows])[:, None] + wave[rows])
    beyond = np.where(after > 0, after - 1.0, np.nan)
    rows = rows[(after[rows] > 0).any(axis=1)]
    by_size = fit_counts(design[rows], beyond[rows], _beyond_one(size[rows]) + 0 * wave[rows])
    now, ahead = _seen_from(counts, index, steps)
    columns = scale.design(now.covariates)
    some = expit((columns @ by_chance + logit(now.chance))[:, None] + ahead)
    mean = by_size.means(columns, _beyond_one(now.size) + 0 * some)
    shape = np.broadcast_to(by_size.shapes(columns), mean.shape)
    return _over_hurdle(some, mean, shape, levels)


def _over_hurdle(
    some: FloatColumn, mean: FloatColumn, shape: FloatColumn, levels: FloatColumn
) -> FloatColumn:
    """Quantiles where demand has chance `some` and is then 1 + negative binomial."""
    found = np.zeros((*some.shape, len(levels)))
    for place, level in enumerate(levels):
        within = (level - (1.0 - some)) / some
        over = within > 0
        found[over, place] = 1.0 + quantiles(mean[over], shape[over], within[over][:, None])[:, 0]
    return found


def _beyond_one(size: FloatColumn) -> FloatColumn:
    """Log of how much a demand's size exceeds the one that makes it a demand, (n, 1)."""
    return np.asarray(np.log(np.maximum(size - 1.0, 0.1)))[:, None]


def _lessons(counts: FloatColumn, index: FloatColumn, steps: Steps) -> Iterator[_Lesson]:
    """Standpoints, newest first; months that lie after the known history are unknown."""
    months = counts.shape[1]
    newest = max(months - steps.last, min(LEAST_HISTORY, months - steps.first))
    for standpoint in range(newest, LEAST_HISTORY - 1, -STRIDE)[:STANDPOINTS]:
        past = counts[:, :standpoint]
        after = np.full((len(counts), len(steps)), np.nan)
        came = counts[:, standpoint + steps.first - 1 : standpoint + steps.last]
        after[:, : came.shape[1]] = came
        before, ahead = _seen_from(past, index, steps)
        yield _Lesson(before, after, ahead)


def _seen_from(past: FloatColumn, index: FloatColumn, steps: Steps) -> tuple[Features, FloatColumn]:
    """Features of a history freed of its season, and the log season (steps,) of what follows."""
    return features(without(past, index)), factors(index, past.shape[1], steps)


def _stacked(
    lessons: list[_Lesson],
) -> tuple[Scaling, FloatColumn, FloatColumn, FloatColumn]:
    """Scaling, design (rows, columns), what came after and log season (rows, steps)."""
    covariates = np.concatenate([each.before.covariates for each in lessons])
    after = np.concatenate([each.after for each in lessons])
    wave = np.concatenate([np.broadcast_to(each.season, each.after.shape) for each in lessons])
    scale = scaling(covariates)
    return scale, scale.design(covariates), after, wave


def _some(rows: int) -> np.ndarray:
    """Every row, or evenly spread ones where there are too many."""
    return np.unique(np.linspace(0, rows - 1, min(rows, MOST_ROWS)).astype(np.intp))
