"""The simple rule that the plan stands beside: 3 x mean monthly use x seasonal factor - stock."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fleet.batch import FloatColumn

#: Months of use that the rule wants on the shelf.
RULE_MONTHS = 3.0
#: Months of history that the mean is taken over, at most.
MEAN_OVER = 12


def rule_level(history: Sequence[float], season: float, months: float = RULE_MONTHS) -> float:
    """Pieces that the rule wants to have: `history` is use by month, oldest first."""
    recent = np.asarray(history, dtype=np.float64)[-MEAN_OVER:]
    known = recent[~np.isnan(recent)]
    return months * float(known.mean()) * season if len(known) else 0.0


def rule_order(level: float, position: int) -> int:
    """Pieces that the rule orders, rounded up: the level less what is there or coming."""
    return max(math.ceil(level - position - 1e-9), 0)


def seasonal_factor(monthly: FloatColumn, first: int, months: int = 3) -> float:
    """How much busier the coming months are than the mean; `monthly` (12,) from January,
    `first` the coming month counted from 0."""
    mean = float(monthly.mean())
    ahead = monthly[(first + np.arange(months)) % 12].mean()
    return float(ahead) / mean if mean > 0 else 1.0
