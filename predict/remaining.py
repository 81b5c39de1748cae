"""Remaining life of many fitted parts at once, and the dates it leads to through recent use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from fleet.batch import FloatColumn
from predict.life import LifeModel

QUANTILES = (0.1, 0.5, 0.9)
#: A date further away than this says nothing.
HORIZON_DAYS = 3 * 365.25


@dataclass(frozen=True, slots=True)
class Remaining:
    """Of n fitted parts of one kind: use so far `used`, recent use `per_day` (NaN: unknown),
    remaining use `left` (n, 3) at P10, P50, P90, and `worn_share` of the median life."""

    used: FloatColumn
    per_day: FloatColumn
    left: FloatColumn
    worn_share: FloatColumn


def remaining(model: LifeModel, used: FloatColumn, per_day: FloatColumn) -> Remaining:
    """What is left of the life of parts used so far, (n,) in the part's unit."""
    left = np.column_stack([model.quantiles(used, q) for q in QUANTILES])
    return Remaining(used, per_day, left, used / model.median)


def chance_within(
    model: LifeModel, used: FloatColumn, per_day: FloatColumn, days: float
) -> FloatColumn:
    """Chance that each part is worn out within so many days of recent use; 0 without use."""
    more = np.nan_to_num(per_day) * days
    return model.fail_within(used, more)


def dates(left: FloatColumn, per_day: FloatColumn, now: datetime) -> Sequence[datetime | None]:
    """When `left` (n,) is used up at `per_day`; None without use or beyond the horizon."""
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.where(per_day > 0, left / per_day, np.inf)
    return [now + timedelta(days=float(each)) if each <= HORIZON_DAYS else None for each in days]
