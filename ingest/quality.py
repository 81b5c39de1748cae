"""Which values and which times can be believed, for whole columns at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import NOTHING_IMPLAUSIBLE, FloatColumn, Implausible, IntColumn, SampleBatch
from fleet.clock import CLOCK_SET_MS
from fleet.plan import ProductPlan
from fleet.signals import Signal
from store.clocks import CURRENT_MS, OLDEST_MS

AHEAD_MS = CURRENT_MS
#: Measured so long before it was received, a sample is late.
LATE_MS = 10 * 60_000

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

_TYPE_LIMITS = {
    "real": float(np.finfo(np.float32).max),
    "double": np.inf,
    "integer": 2.0**31 - 1,
    "smallint": 2.0**15 - 1,
}


#: Reasons that speak against the sensor: the machine did send a value, and it cannot be true.
_IMPLAUSIBLE = ("error", "out_of_range")


@dataclass(frozen=True, slots=True)
class Mark:
    """Values that cannot be used: which signal, as the machine called it, why, in which rows; and
    what `came` there, where that was a number."""

    signal: str
    reason: str
    rows: Rows
    came: FloatColumn = field(default_factory=lambda: np.empty(0))


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
                came = column[rows]
                column[rows] = np.nan
                marks.append(Mark(key, reason, rows, came))
    return marks


def judged(batch: SampleBatch, limits: dict[str, Limits]) -> tuple[SampleBatch, list[Mark]]:
    """A batch whose values were looked at: it says what of them speaks against sensors. With what
    `mark` found."""
    marks = mark(batch, limits)
    return replace(batch, implausible=implausible(batch.signals, marks)), marks


def implausible(signals: Sequence[str], marks: Sequence[Mark]) -> Implausible:
    """What `mark` found in a batch of these signals that speaks against the sensor."""
    found = [one for one in marks if one.reason in _IMPLAUSIBLE]
    if not found:
        return NOTHING_IMPLAUSIBLE
    return Implausible(
        np.concatenate([one.rows for one in found]),
        np.concatenate([np.full(len(one.rows), signals.index(one.signal)) for one in found]),
        np.concatenate([one.came for one in found]),
    )


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
    tops = None if signal.j1939 is None else signal.j1939.tops
    return Limits(low, high, whole, *(tops or ()))
