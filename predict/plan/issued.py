"""What left the warehouses by past month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from predict.plan.network import Network
from predict.plan.window import MONTH_DAYS

Row = dict[str, Any]


def use_by_month(
    issues: Sequence[Row], at: datetime, months: int, reasons: set[str], network: Network
) -> dict[tuple[str, int], FloatColumn]:
    """(number, place) -> pieces issued in each of the `months` months of 30 days before `at`,
    oldest first."""
    found: dict[tuple[str, int], FloatColumn] = {}
    numbers = {id_: n for n, id_ in enumerate(network.ids)}
    for row in issues:
        back = (at.date() - row["day"]).days // MONTH_DAYS
        if row["reason"] in reasons and 0 <= back < months:
            key = (row["number"], numbers[row["warehouse"]])
            found.setdefault(key, np.zeros(months))[months - 1 - back] += row["quantity"]
    return found


def months_known(issues: Sequence[Row], at: datetime, most: int) -> int:
    """Whole months of 30 days that the history of issues covers."""
    first = min((row["day"] for row in issues), default=None)
    return 0 if first is None else min(((at.date() - first).days + 1) // MONTH_DAYS, most)
