"""A health indicator of a unit: the combination of its covariates' drift that tells life best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from predict.histories import Matrix

#: Penalty on the weights, per row; it settles what covariates tell alike.
PENALTY = 0.05


@dataclass(frozen=True, slots=True)
class Indicator:
    """Weights (k,) on standardised drift; the result has mean 0 and deviation 1."""

    weights: FloatColumn
    centre: float
    scale: float

    def of(self, drift: Matrix) -> FloatColumn:
        """Health at each row of (n, k) drift, high when new."""
        return (drift @ self.weights - self.centre) / self.scale


def learn_indicator(drifts: Sequence[Matrix], left: Sequence[FloatColumn]) -> Indicator:
    """Ridge regression of life left on drift, over all rows of all units."""
    x, y = np.vstack(drifts), np.concatenate(left)
    inner = x - x.mean(axis=0)
    gram = inner.T @ inner + PENALTY * len(y) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, inner.T @ (y - y.mean()))
    health = x @ weights
    return Indicator(weights, float(health.mean()), float(health.std()) or 1.0)
