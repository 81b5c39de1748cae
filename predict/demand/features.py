"""What the history of each part says: the covariates from which all parts are learned together.

Histories are counts (n parts, m months), oldest first, NaN where nobody knows. Means are
discounted over several memories, because how fast the past is forgotten is to be learned and not
assumed; each is drawn to the pooled mean by a fraction of a month, so that a part without demand
has a small expectation and not none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn

BoolColumn = NDArray[np.bool_]

#: Weight of the newest month in each discounted mean: memories of 50, 12 and 4 months.
MEMORIES = (0.02, 0.08, 0.25)
#: The memory from which a part's own level is taken before anything is learned.
LEVEL_MEMORY = 0.08
BURST_MEMORY = 0.05
#: Months of the pooled mean that are added to every part's own.
PRIOR_MONTHS = 0.25
#: Spans of plain means, in months.
SPANS = (3, 6)
#: Covariates by column that may bend, and the shares of training rows at which they bend.
BENDING = (0, 1, 2, 6, 7)
BENDS = (0.33, 0.67)


@dataclass(frozen=True, slots=True)
class Features:
    """Covariates (n, p) and each part's own level: mean demand, chance of any, size of one."""

    covariates: FloatColumn
    mean: FloatColumn
    chance: FloatColumn
    size: FloatColumn


@dataclass(frozen=True, slots=True)
class Scaling:
    """How covariates become columns of a design: centred, scaled, bent at fixed places."""

    centre: FloatColumn
    spread: FloatColumn
    knots: FloatColumn

    def design(self, covariates: FloatColumn) -> FloatColumn:
        """Columns (n, 1 + p + bends) with the constant first."""
        scaled = (covariates - self.centre) / self.spread
        bent = [
            np.maximum(scaled[:, column] - knot, 0.0)
            for column, knots in zip(BENDING, self.knots, strict=True)
            for knot in knots
        ]
        return np.column_stack([np.ones(len(scaled)), scaled, *bent])


def scaling(covariates: FloatColumn) -> Scaling:
    """The scaling of training rows (n, p); a covariate that never varies becomes zero."""
    centre = covariates.mean(axis=0)
    spread = covariates.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    scaled = (covariates[:, BENDING] - centre[list(BENDING)]) / spread[list(BENDING)]
    return Scaling(centre, spread, np.quantile(scaled, BENDS, axis=0).T)


def features(counts: FloatColumn) -> Features:
    """Covariates of histories (n, m) of non-negative counts; NaN is a month nobody knows."""
    seen = ~np.isnan(counts)
    units = np.where(seen, counts, 0.0)
    hits = (units > 0).astype(np.float64)
    # Half a demand and a month more keep the pooled level positive where there was no demand.
    mean = (units.sum() + 0.5) / (seen.sum() + 1.0)
    chance = (hits.sum() + 0.5) / (seen.sum() + 1.0)
    typical = mean / chance
    means = {each: _discounted(units, seen, each, mean) for each in MEMORIES}
    chances = {each: _discounted(hits, seen, each, chance) for each in MEMORIES}
    size = (units.sum(axis=1) + typical) / (hits.sum(axis=1) + 1.0)
    spans = [_recent(units, seen, span, mean) for span in SPANS]
    columns = [
        *(np.log(each) for each in means.values()),
        *(np.log(each) for each in chances.values()),
        np.log1p(_since_last(hits, seen)),
        np.log(size),
        np.log(_burst(units)),
        np.log1p(units[:, -12:].max(axis=1)),
        *(np.log(each) for each in spans),
        np.log1p(units.max(axis=1)),
        np.log1p(hits.sum(axis=1)),
    ]
    return Features(np.column_stack(columns), means[LEVEL_MEMORY], chances[LEVEL_MEMORY], size)


def discounts(months: int, memory: float) -> FloatColumn:
    """Weights (months,) of a discounted mean, the newest month weighing 1."""
    return np.asarray((1.0 - memory) ** np.arange(months)[::-1], dtype=np.float64)


def _discounted(values: FloatColumn, seen: BoolColumn, memory: float, pooled: float) -> FloatColumn:
    weights = discounts(values.shape[1], memory)
    return np.asarray((values @ weights + PRIOR_MONTHS * pooled) / (seen @ weights + PRIOR_MONTHS))


def _recent(values: FloatColumn, seen: BoolColumn, span: int, pooled: float) -> FloatColumn:
    known = seen[:, -span:].sum(axis=1)
    return np.asarray(
        (values[:, -span:].sum(axis=1) + PRIOR_MONTHS * pooled) / (known + PRIOR_MONTHS)
    )


def _since_last(hits: FloatColumn, seen: BoolColumn) -> FloatColumn:
    """Known months since the last demand; all known months where there was none."""
    later = np.cumsum(hits[:, ::-1], axis=1) == 0
    return np.asarray((later & seen[:, ::-1]).sum(axis=1), dtype=np.float64)


def _burst(units: FloatColumn) -> FloatColumn:
    """Discounted mean square over mean: the size of demand that a unit demanded belongs to."""
    weights = discounts(units.shape[1], BURST_MEMORY)
    weights /= weights.sum()
    return np.asarray((units**2 @ weights + 0.1) / (units @ weights + 0.1))
