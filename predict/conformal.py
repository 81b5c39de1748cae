"""Intervals that hold: how far predictions lay off on units not learned from, near the same value.

Split-conformal quantiles after Vovk and Lei, made local: units far from failure are told worse
than worn ones, so each answer is measured against its neighbours in rank of prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from predict.histories import Matrix

LEAST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Residuals:
    """Predictions (n,) in rising order for rows of units not learned from, and by how much the
    truth lay above, (n,); `unit` (n,) numbers the units, which weigh alike: `weight` (n,)."""

    predicted: FloatColumn
    excess: FloatColumn
    unit: NDArray[np.intp]
    weight: FloatColumn
    rank: FloatColumn


def residuals(predicted: FloatColumn, truth: FloatColumn, unit: NDArray[np.intp]) -> Residuals:
    """Residuals of rows in any order."""
    order = np.argsort(predicted, kind="stable")
    unit = unit[order]
    weight = 1.0 / np.bincount(unit)[unit]
    weight = weight / weight.sum()
    rank = np.cumsum(weight) - weight / 2
    ordered = predicted[order]
    return Residuals(ordered, truth[order] - ordered, unit, weight, rank)


def local_quantiles(
    known: Residuals, predicted: FloatColumn, levels: Sequence[float], reach: float
) -> Matrix:
    """Quantiles of the truth at `levels` for (m,) predictions, (m, levels), from the residuals
    within `reach` (share of all, and at least ten rows) of the same rank."""
    reach = max(reach, LEAST_ROWS / len(known.predicted))
    return np.array([_at(known, float(p), levels, reach) for p in predicted])


def _at(known: Residuals, predicted: float, levels: Sequence[float], reach: float) -> FloatColumn:
    rank = float(np.interp(predicted, known.predicted, known.rank))
    edge = min(reach / 2, 0.5)
    rank = min(max(rank, edge), 1 - edge)
    distance = np.abs(known.rank - rank) / reach
    near = distance < 1
    weight = known.weight[near] * (1 - distance[near] ** 3) ** 3
    units = len(np.unique(known.unit[near]))
    excess = known.excess[near]
    order = np.argsort(excess)
    share = np.cumsum(weight[order]) / weight.sum()
    found = []
    for level in levels:
        # The new unit counts as one more: (n + 1) / n, outwards.
        outward = 0.5 + (level - 0.5) * (units + 1) / units
        place = np.searchsorted(share, np.clip(outward, 0.0, 1.0))
        found.append(predicted + excess[order][min(int(place), len(excess) - 1)])
    return np.array(found)
