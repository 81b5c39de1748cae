"""Covariates made alike before anything is learned: filled, without constants, standardised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from predict.histories import Histories, HistoryError, Matrix
from predict.trends import filled


@dataclass(frozen=True, slots=True)
class Standard:
    """Learned from histories: which covariates vary, `kept` (k,), their mean and deviation."""

    names: tuple[str, ...]
    kept: NDArray[np.bool_]
    mean: FloatColumn
    deviation: FloatColumn

    def apply(self, given: Histories) -> list[Matrix]:
        """Rows (n, kept) of each unit; a value never seen is the mean. Raises HistoryError if the
        covariates are not those learned from."""
        if given.names != self.names:
            missing = sorted(set(self.names) ^ set(given.names)) or list(given.names)
            raise HistoryError(
                "The units to answer for have other covariates, or in another order, than the "
                f"histories: look at {', '.join(missing)}."
            )
        return [
            np.nan_to_num((filled(rows)[:, self.kept] - self.mean) / self.deviation)
            for rows in given.rows
        ]


def learn_standard(known: Histories) -> Standard:
    """Mean and deviation of every covariate that varies."""
    rows = np.vstack([filled(each) for each in known.rows])
    seen = np.isfinite(rows)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, rows, 0.0).sum(axis=0) / count
    deviation = np.sqrt(np.where(seen, rows - mean, 0.0).__pow__(2).sum(axis=0) / count)
    kept = deviation > 1e-9 * np.maximum(1.0, np.abs(mean))
    if not kept.any():
        raise HistoryError(
            "No covariate varies in the histories; there is nothing to learn remaining life from."
        )
    return Standard(known.names, kept, mean[kept], deviation[kept])
