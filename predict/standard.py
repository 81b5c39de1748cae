"""Covariates made alike before anything is learned: filled, measured from their regime, without
constants, standardised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from predict.histories import Histories, HistoryError, Matrix
from predict.regimes import Regimes, learn_regimes
from predict.trends import filled


@dataclass(frozen=True, slots=True)
class Standard:
    """Learned from histories: their regimes, which covariates vary, `kept` (k,), and mean and
    deviation of those."""

    names: tuple[str, ...]
    regimes: Regimes | None
    kept: NDArray[np.bool_]
    mean: FloatColumn
    deviation: FloatColumn

    def apply(self, given: Histories) -> list[Matrix]:
        """Rows (n, kept) of each unit; a value never seen is the mean. Raises HistoryError if the
        covariates are not those learned from."""
        if given.names != self.names:
            differ = sorted(set(self.names) ^ set(given.names)) or list(given.names)
            raise HistoryError(
                "The units to answer for have other covariates, or in another order, than the "
                f"histories: look at {', '.join(differ)}."
            )
        ready = [_measured(rows, self.regimes)[:, self.kept] for rows in given.rows]
        return [np.nan_to_num((rows - self.mean) / self.deviation) for rows in ready]


def learn_standard(known: Histories) -> Standard:
    """Regimes, mean and deviation; raises HistoryError where no covariate varies."""
    regimes = learn_regimes(known.rows)
    rows = np.vstack([_measured(each, regimes) for each in known.rows])
    seen = np.isfinite(rows)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, rows, 0.0).sum(axis=0) / count
    deviation = np.sqrt((np.where(seen, rows - mean, 0.0) ** 2).sum(axis=0) / count)
    kept = deviation > 1e-9 * np.maximum(1.0, np.abs(mean))
    if not kept.any():
        raise HistoryError(
            "No covariate varies in the histories; there is nothing to learn remaining life from."
        )
    return Standard(known.names, regimes, kept, mean[kept], deviation[kept])


def _measured(rows: Matrix, regimes: Regimes | None) -> Matrix:
    return filled(rows if regimes is None else regimes.apply(rows))
