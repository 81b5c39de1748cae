"""Features a learned remaining life stands on: trends of covariates and of the health indicator.

Neither the number of a row nor its time is among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from predict.histories import Histories, Matrix
from predict.indicator import Indicator
from predict.trends import Windows, early_mean, trends

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Scale:
    """Windows by the length of a typical life."""

    columns: Windows
    indicator: Windows
    least_rows: int


def scale_of(known: Histories) -> Scale:
    """Windows of fixed shares of the median number of rows from new to failure."""
    typical = float(np.median([len(times) for times in known.times]))

    def rows(*shares: float) -> tuple[int, ...]:
        return tuple(sorted({max(2, round(share * typical)) for share in shares}))

    short = rows(0.025, 0.05, 0.1, 0.2)
    early = rows(0.1)[0]
    return Scale(
        columns=Windows(short, rows(0.05, 0.1, 0.2), short, early),
        indicator=Windows(
            (1, *rows(0.025, 0.05, 0.1, 0.2, 0.4)), rows(0.05, 0.1, 0.2, 0.4, 0.8), short, early
        ),
        least_rows=rows(0.15)[0],
    )


class Features:
    """Features of the rows of all units; those of the columns are computed once."""

    def __init__(self, rows: Sequence[Matrix], times: Sequence[FloatColumn], scale: Scale) -> None:
        self.times, self.scale = times, scale
        self.drift = [each - early_mean(each, scale.columns.early) for each in rows]
        self.columns = [
            trends(each, t, scale.columns).astype(np.float32)
            for each, t in zip(rows, times, strict=True)
        ]

    def of(self, unit: int, indicator: Indicator, at: Places) -> Matrix:
        """Features of a unit at rows `at`."""
        health = indicator.of(self.drift[unit])[:, None]
        shown = trends(health, self.times[unit], self.scale.indicator)
        return np.hstack([self.columns[unit][at], shown[at]])
