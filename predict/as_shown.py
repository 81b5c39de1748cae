"""What the store keeps of parts' conditions, put to the parts that stand on the machines now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.wear import WearPart
from predict.condition import Shown, sharpened
from predict.outlook import LEVELS
from predict.usage import MachineUsage
from store.wear import Row

#: What was shown longer ago says little more.
SHOWN_DAYS = 90
#: The newest days are what people are told.
_RECENT_DAYS = 3

Days = Mapping[tuple[int, str], Sequence[tuple[date, float, float]]]
"""By machine and part: day, mean value, and use of the part from then until now."""


def by_part(rows: Sequence[Row], states: Mapping[int, MachineUsage]) -> Days:
    """Rows of the store by machine and part."""
    found: dict[tuple[int, str], list[tuple[date, float, float]]] = {}
    for row in rows:
        state = states.get(row["machine_id"])
        if state is not None:
            since = max(state.totals.get(row["part"], 0.0) - row["use"], 0.0)
            days = found.setdefault((row["machine_id"], row["part"]), [])
            days.append((row["day"], row["mean"], since))
    return found


def with_condition(
    part: WearPart, fitted: Sequence[Row], used: FloatColumn, left: FloatColumn, days: Days
) -> tuple[FloatColumn, list[dict[str, Any] | None]]:
    """Remaining use (n, levels) of fitted parts with what they showed, and what people are told of
    it (None: nothing was shown). What a machine showed before a part of this kind was replaced on
    it may have been that part's wear: it says nothing of those that stand there now."""
    condition = part.condition
    if condition is None:
        return left, [None] * len(fitted)
    newest: dict[int, datetime] = {}
    for row in fitted:
        machine = row["machine_id"]
        newest[machine] = max(row["fitted_at"], newest.get(machine, row["fitted_at"]))
    shown = [
        _since(newest[row["machine_id"]], now, days.get((row["machine_id"], part.id), ()))
        for row, now in zip(fitted, used.tolist(), strict=True)
    ]
    sharing = np.array([row["machine_id"] for row in fitted], dtype=np.int64)
    after = sharpened(condition, used, left, shown, sharing)
    middle = int(np.argmin(np.abs(LEVELS - 0.5)))
    told = [
        None
        if each is None
        else {
            "value": float(np.median(each.value[-_RECENT_DAYS:])),
            "new": condition.new,
            "limit": condition.limit,
            "unit": condition.unit,
            "days": len(each.value),
            "p50_before": float(left[place, middle]),
        }
        for place, each in enumerate(shown)
    ]
    return after, told


def _since(
    fitted_at: datetime, used: float, days: Sequence[tuple[date, float, float]]
) -> Shown | None:
    """What a part showed on whole days since a moment."""
    fitted_day = to_datetime(to_ms(fitted_at) + MS_PER_DAY).date()
    own = [(mean, used - since) for day, mean, since in days if day >= fitted_day]
    if not own:
        return None
    value, at = (np.array(column) for column in zip(*own, strict=True))
    return Shown(np.maximum(at, 0.0), value)
