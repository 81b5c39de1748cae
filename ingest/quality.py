"""Which values and which times can be believed, for whole columns at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn, SampleBatch
from fleet.clock import MS_PER_DAY
from fleet.plan import ProductPlan
from fleet.signals import J1939, Signal

#: No device of ours is older (milliseconds since 1970 UTC: 2015-01-01): its clock was never set.
CLOCK_SET_MS = 1_420_070_400_000
OLDEST_MS = 366 * MS_PER_DAY
AHEAD_MS = 5 * 60_000
#: Measured so long before it was received, a sample is late.
LATE_MS = 10 * 60_000

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

#: First raw value that means error and first that means not available, by width in bits
#: (SAE J1939-71, transmitted signal ranges).
_RAW_TOPS = {
    2: (2, 3),
    5: (30, 31),
    8: (0xFE, 0xFF),
    16: (0xFE00, 0xFF00),
    32: (0xFE000000, 0xFF000000),
}
_TYPE_LIMITS = {
    "real": float(np.finfo(np.float32).max),
    "double": np.inf,
    "integer": 2.0**31 - 1,
    "smallint": 2.0**15 - 1,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Values that cannot be used: which signal, as the machine called it, why, in which rows."""

    signal: str
    reason: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Limits:
    """What a signal's value may be: within `low` and `high`, whole where `whole`; from
    `error_from` on it is J1939's "error", from `missing_from` to `missing_to` "not available"."""

    low: float
    high: float
    whole: bool
    error_from: float = np.nan
    missing_from: float = np.nan
    missing_to: float = np.nan


def limits_of(plan: ProductPlan) -> dict[str, Limits]:
    """The limits of every signal of a plan."""
    return {signal.key: _limits(signal) for signal in plan.signals}


def mark(batch: SampleBatch, limits: dict[str, Limits]) -> list[Mark]:
    """Make what cannot be used missing, in place, and say what it was."""
    marks = []
    for number, key in enumerate(batch.signals):
        column: FloatColumn = batch.values[:, number]
        for reason, bad in _judge(column, limits[key]):
            rows = np.flatnonzero(bad)
            if len(rows):
                column[rows] = np.nan
                marks.append(Mark(key, reason, rows))
    return marks


def judge_times(measured_at: IntColumn, received_at: IntColumn) -> Iterator[tuple[str, Mask]]:
    """Reasons why times cannot be believed, with the rows."""
    unset = measured_at < CLOCK_SET_MS
    yield "clock_not_set", unset
    old = ~unset & (measured_at < received_at - OLDEST_MS)
    yield "too_old", old
    ahead = measured_at > received_at + AHEAD_MS
    yield "clock_ahead", ahead


def _judge(column: FloatColumn, limits: Limits) -> Iterator[tuple[str, Mask]]:
    if not np.isnan(limits.error_from):
        yield "error", (column >= limits.error_from) & (column < limits.missing_from)
        yield "not_available", (column >= limits.missing_from) & (column <= limits.missing_to)
    if limits.whole:
        yield "wrong_type", ~np.isnan(column) & (column != np.rint(column))
    yield "out_of_range", (column < limits.low) | (column > limits.high)


def _limits(signal: Signal) -> Limits:
    most = _TYPE_LIMITS[signal.type]
    low, high = max(signal.range[0], -most), min(signal.range[1], most)
    whole = signal.type in ("integer", "smallint")
    if signal.j1939 is None or signal.j1939.bits is None:
        return Limits(low, high, whole)
    return Limits(low, high, whole, *_raw_tops(signal.j1939, signal.j1939.bits))


def _raw_tops(coding: J1939, bits: int) -> tuple[float, float, float]:
    """The bounds of "error" and "not available" in the signal's own unit, half a raw step early,
    as devices round."""
    error, missing = _RAW_TOPS[bits]
    raws = (error - 0.5, missing - 0.5, 2**bits - 0.5)
    first, second, last = (raw * coding.resolution + coding.offset for raw in raws)
    return first, second, last
