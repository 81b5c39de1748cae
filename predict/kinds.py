"""What sets one machine's parts apart from another's: model, region, and how hard it works.

Each becomes flags of 0 and 1, so that a life model has one factor for each, pooled towards none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_ms
from fleet.wear import WearPart
from predict.likelihood import Matrix
from predict.services import DAYS_PER_MONTH
from store.wear import Row

#: Use a month against the usual one from which duty is heavy, and below which it is light.
HEAVY, LIGHT = 1.3, 0.75
#: A shorter time says nothing about duty.
_LEAST_MONTHS = 1.0


@dataclass(frozen=True, slots=True)
class Kinds:
    """Flags by name (`model:TP60D`, `region:east`, `duty:heavy`), and the `usual` use a month
    (NaN: unknown, or the part ages by the calendar)."""

    names: tuple[str, ...]
    usual: float

    def flags(self, rows: Sequence[Row], now_ms: int) -> Matrix:
        """Flags (n, k) of fitted parts."""
        duty = np.full(len(rows), np.nan)
        if np.isfinite(self.usual):
            duty = _use_a_month(rows, now_ms) / self.usual
        column = {
            "duty:heavy": (duty > HEAVY).tolist(),
            "duty:light": (duty < LIGHT).tolist(),
        }
        for kind in ("model", "region"):
            for value in {row[kind] for row in rows}:
                column[f"{kind}:{value}"] = [row[kind] == value for row in rows]
        nobody = [False] * len(rows)
        flags = [column.get(name, nobody) for name in self.names]
        return np.array(flags, dtype=np.float64).reshape(len(self.names), len(rows)).T


def kinds_of(part: WearPart, rows: Sequence[Row], now_ms: int) -> Kinds:
    """The kinds among fitted parts of one kind of part, those there is only one of left out."""
    names: list[str] = []
    for kind in ("model", "region"):
        values = sorted({row[kind] for row in rows})
        names += [f"{kind}:{value}" for value in values] if len(values) > 1 else []
    usual = float("nan")
    if not part.driver.age:
        monthly = _use_a_month(rows, now_ms)
        known = monthly[np.isfinite(monthly)]
        usual = float(np.median(known)) if len(known) and np.median(known) > 0 else usual
        share = known / usual
        names += ["duty:heavy"] if (share > HEAVY).any() else []
        names += ["duty:light"] if (share < LIGHT).any() else []
    return Kinds(tuple(names), usual)


def _use_a_month(rows: Sequence[Row], now_ms: int) -> FloatColumn:
    """Use a month since it was fitted; NaN where that is too short ago."""
    ends = [to_ms(row["removed_at"]) if row["removed_at"] else now_ms for row in rows]
    months = np.array(
        [(end - to_ms(row["fitted_at"])) / MS_PER_DAY for end, row in zip(ends, rows, strict=True)]
    )
    months = months / DAYS_PER_MONTH
    used = np.array([np.nan if row["used"] is None else row["used"] for row in rows], dtype=float)
    known = months >= _LEAST_MONTHS
    return np.asarray(np.divide(used, months, out=np.full(len(rows), np.nan), where=known))
