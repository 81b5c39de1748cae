"""The protocol: which parts, which months, pinball loss against the static empirical quantile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from predict.demand.mixing import pinball

TEST_MONTHS = 6
LEAST_GAP = 1.32
LEVELS = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
#: Levels whose mean ratio is the aim's, and those whose coverage is reported.
JUDGED = slice(1, 5)
COVERED = slice(2, 5)


@dataclass(frozen=True, slots=True)
class Row:
    """One forecast: pinball ratios (5,) and the shares of months not above .9, .95, .99."""

    name: str
    ratios: FloatColumn
    coverage: FloatColumn

    @property
    def mean_ratio(self) -> float:
        """Mean ratio over the levels .8 to .99."""
        return float(self.ratios[JUDGED].mean())


def split(demand: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
    """Training and test months (n, m - 6), (n, 6) of complete, intermittent parts.

    The gap between demands counts the open ones before the first and after the last.
    """
    complete = demand[~np.isnan(demand).any(axis=1)]
    train, test = complete[:, :-TEST_MONTHS], complete[:, -TEST_MONTHS:]
    gap = (train.shape[1] + 1) / ((train > 0).sum(axis=1) + 1)
    return train[gap >= LEAST_GAP], test[gap >= LEAST_GAP]


def judge(name: str, said: FloatColumn, yardstick: FloatColumn, came: FloatColumn) -> Row:
    """Judge quantiles (n, 6, 5) against the yardstick's by what came, (n, 6)."""
    lost = pinball(came, said, LEVELS).sum(axis=(0, 1))
    ratios = lost / pinball(came, yardstick, LEVELS).sum(axis=(0, 1))
    held = (came[..., None] <= said).mean(axis=(0, 1))
    return Row(name, ratios, held[COVERED])
