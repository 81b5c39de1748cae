"""What condition, alarms and age say of fitted parts beyond their use, as a parts plan takes it.

The plan's chances come from how long parts of a kind stay; `remaining_life` knows the single part.
What it has learned of it beyond use is the difference of two cumulative hazards, -log(1 - chance):
with condition and alarms (`worn_by`) and without (`plain_by`). That much is added to the hazard of
the stay, so a part that shows wear is likelier to be asked for, and one that shows none less so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_ms
from fleet.wear import WearPart
from predict.outlook import month_ends

#: What the database rounds to: closer to certain is certain.
_CERTAIN = 1e-5
Row = dict[str, Any]


def hazard_beyond_use(rows: Sequence[Row], days: FloatColumn) -> FloatColumn:
    """Cumulative hazard (n, k) within `days` (k,) from each part's assessment that condition and
    alarms add to its use; 0 where they say nothing, below 0 where a part shows no wear."""
    found = np.zeros((len(rows), len(days)))
    for number, row in enumerate(rows):
        worn, plain = row.get("worn_by") or [], row.get("plain_by") or []
        if worn == plain or len(worn) != len(plain):
            continue
        ends = month_ends(to_ms(row["assessed_at"]))
        beyond = _hazard(np.array(worn)) - _hazard(np.array(plain))
        found[number] = np.interp(days, np.append(0.0, ends), np.append(0.0, beyond))
    return found


def _hazard(chance: FloatColumn) -> FloatColumn:
    return np.asarray(-np.log(np.maximum(1.0 - chance, _CERTAIN)))


def days_of_age(part: WearPart, rows: Sequence[Row], now_ms: int) -> FloatColumn:
    """Days (n,) until each part is as old as it may become; inf for parts of any age."""
    if part.most_days is None:
        return np.full(len(rows), np.inf)
    ages = np.array([(now_ms - to_ms(row["fitted_at"])) / MS_PER_DAY for row in rows])
    return np.maximum(part.most_days - ages, 0.0)
