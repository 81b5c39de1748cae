"""C-MAPSS FD001: engines to learn from, engines cut off, and how answers are judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fleet.batch import FloatColumn
from predict.histories import Histories, Matrix, histories

#: Remaining lives above this count as this, in learning and in the capped figures.
CAP = 125.0
_NAMES = (*(f"setting_{n}" for n in range(1, 4)), *(f"sensor_{n}" for n in range(1, 22)))


@dataclass(frozen=True, slots=True)
class Interval:
    """A stated interval: share of true lives inside it, and its mean width in cycles; the same
    for lives and limits cut at the cap."""

    stated: float
    coverage: float
    width: float
    coverage_capped: float
    width_capped: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the protocol names; `score` and `rmse` against capped and uncapped true lives."""

    rmse: float
    rmse_uncapped: float
    score: float
    score_uncapped: float
    intervals: tuple[Interval, ...]


def engines(path: Path) -> Histories:
    """The engines of one file of the data set: unit, cycle, 3 settings, 21 sensors."""
    table = np.loadtxt(path)
    units = [str(int(unit)) for unit in table[:, 0]]
    return histories(units, _NAMES, table[:, 1], table[:, 2:])


def judge(true: FloatColumn, mean: FloatColumn, quantiles: Matrix) -> Figures:
    """Figures of answers for m engines: `mean` (m,), `quantiles` (m, 5) at 5, 10, 50, 90, 95 %."""
    capped = np.minimum(true, CAP)
    return Figures(
        rmse=_rmse(mean - capped),
        rmse_uncapped=_rmse(mean - true),
        score=_score(mean - capped),
        score_uncapped=_score(mean - true),
        intervals=(
            _interval(0.8, true, quantiles[:, 1], quantiles[:, 3]),
            _interval(0.9, true, quantiles[:, 0], quantiles[:, 4]),
        ),
    )


def _interval(stated: float, true: FloatColumn, low: FloatColumn, high: FloatColumn) -> Interval:
    capped, cut_low, cut_high = (np.minimum(each, CAP) for each in (true, low, high))
    return Interval(
        stated,
        float(np.mean((low <= true) & (true <= high))),
        float(np.mean(high - low)),
        float(np.mean((cut_low <= capped) & (capped <= cut_high))),
        float(np.mean(cut_high - cut_low)),
    )


def _rmse(off: FloatColumn) -> float:
    return float(np.sqrt(np.mean(off**2)))


def _score(off: FloatColumn) -> float:
    return float(np.where(off < 0, np.expm1(-off / 13), np.expm1(off / 10)).sum())
