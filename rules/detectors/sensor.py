"""Faults of a sensor, which look like faults of the machine and are a different ticket.

Each detector watches one signal, the first of its row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleet.batch import FloatColumn
from rules.detectors.fitting import varies
from rules.detectors.shape import Concern, Score
from rules.detectors.threshold import Threshold

SENSOR_THRESHOLD = Threshold(limit=1.0, hold=3, clear=1.0, clear_hold=10, returned=0.0, grace=0)
FAR = 8.0
NEAR = 3.0
SHORTEST_STUCK = 20
STUCK_MARGIN = 3
FOLLOW = 1000

# What a value becomes when it is sent in the other unit: factor, then offset. NIST SP 811.
CONVERSIONS: dict[str, tuple[float, float]] = {
    "bar as psi": (14.50377, 0.0),
    "bar as kPa": (100.0, 0.0),
    "bar as MPa": (0.1, 0.0),
    "°C as °F": (1.8, 32.0),
    "°C as K": (1.0, 273.15),
    "m as mm": (1000.0, 0.0),
    "m as ft": (3.28084, 0.0),
    "km/h as m/s": (1 / 3.6, 0.0),
    "L as US gal": (0.264172, 0.0),
}


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A value its sensor cannot give; `low` and `high` are the sensor's range in its unit."""

    signals: tuple[str]
    low: float
    high: float
    concerns: Concern = "sensor"

    def begin(self) -> float:
        return float("nan")

    def observe(self, state: float, row: FloatColumn) -> float:
        return state if np.isnan(row[0]) else float(row[0])

    def score(self, state: float) -> Score:
        """1 at the ends of the range, 0 in its middle."""
        if np.isnan(state):
            return _score(0.0, 1)
        half = (self.high - self.low) / 2
        return _score(abs(state - (self.low + half)) / half, 1)

    def learn(self, state: float) -> float:
        return state

    def adopt(self, state: float, first: bool) -> float:
        return state


@dataclass(frozen=True, slots=True)
class StuckState:
    """The last known values (p,) and for how many rows the first stood still."""

    last: FloatColumn
    run: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """A value that stands still for more than `allowed` rows in which other signals moved."""

    signals: tuple[str, ...]
    allowed: int
    concerns: Concern = "sensor"

    def begin(self) -> StuckState:
        return StuckState(np.full(len(self.signals), np.nan), 0)

    def observe(self, state: StuckState, row: FloatColumn) -> StuckState:
        last = np.where(np.isnan(row), state.last, row)
        if np.isnan(row[0]):
            return StuckState(last, state.run)
        if row[0] != state.last[0]:
            return StuckState(last, 0)
        others_moved = bool((row[1:] != state.last[1:])[~np.isnan(row[1:])].any())
        return StuckState(last, state.run + others_moved)

    def score(self, state: StuckState) -> Score:
        return _score(state.run / self.allowed, len(self.signals))

    def learn(self, state: StuckState) -> StuckState:
        return state

    def adopt(self, state: StuckState, first: bool) -> StuckState:
        return state


@dataclass(frozen=True, slots=True)
class UnitJumpState:
    """The value now and what was normal for it; the conversion it jumped by, if it did."""

    value: float
    middle: float
    conversion: str | None


@dataclass(frozen=True, slots=True)
class UnitJump:
    """A signal that from one row to the next is far out, and normal in another unit.

    `middle` and `scale` are of healthy rows, in the signal's unit.
    """

    signals: tuple[str]
    middle: float
    scale: float
    concerns: Concern = "sensor"

    def begin(self) -> UnitJumpState:
        return UnitJumpState(float("nan"), self.middle, None)

    def observe(self, state: UnitJumpState, row: FloatColumn) -> UnitJumpState:
        value = float(row[0])
        if np.isnan(value):
            return state
        if state.conversion is not None:
            stays = self._explains(state.conversion, value, state.middle)
            return replace(state, value=value, conversion=state.conversion if stays else None)
        conversion = None
        if self._away(state.value, state.middle) <= NEAR < FAR < self._away(value, state.middle):
            fitting = (c for c in BOTH_WAYS if self._explains(c, value, state.middle))
            conversion = next(fitting, None)
        return replace(state, value=value, conversion=conversion)

    def score(self, state: UnitJumpState) -> Score:
        if state.conversion is None:
            return _score(0.0, 1)
        return _score(self._away(state.value, state.middle) / FAR, 1)

    def learn(self, state: UnitJumpState) -> UnitJumpState:
        if np.isnan(state.value):
            return state
        return replace(state, middle=state.middle + (state.value - state.middle) / FOLLOW)

    def adopt(self, state: UnitJumpState, first: bool) -> UnitJumpState:
        return state

    def _away(self, value: float, middle: float) -> float:
        """Distance from normal in scales; not a number before a first value."""
        return abs(value - middle) / self.scale

    def _explains(self, conversion: str, value: float, middle: float) -> bool:
        factor, offset = BOTH_WAYS[conversion]
        return self._away((value - offset) / factor, middle) <= NEAR


def sensor_detectors(
    signals: Sequence[str], rows: FloatColumn, ranges: dict[str, tuple[float, float]]
) -> list[OutOfRange | Stuck | UnitJump]:
    """Detectors for each signal's sensor, from healthy `rows` (n, p) and the plan's `ranges`.

    A signal that often rests cannot be told from a stuck one and gets no such detector.
    """
    detectors: list[OutOfRange | Stuck | UnitJump] = []
    for at in np.flatnonzero(varies(rows)).tolist():
        name, column = signals[at], rows[:, at]
        present = column[~np.isnan(column)]
        if name in ranges:
            detectors.append(OutOfRange((name,), *ranges[name]))
        rest = longest_rest(present)
        if rest <= len(rows) // 10 and len(signals) > 1:
            others = tuple(s for s in signals if s != name)
            detectors.append(Stuck((name, *others), max(SHORTEST_STUCK, STUCK_MARGIN * rest)))
        middle = float(np.median(present))
        scale = 1.4826 * float(np.median(np.abs(present - middle))) or float(present.std())
        detectors.append(UnitJump((name,), middle, scale))
    return detectors


def longest_rest(values: FloatColumn) -> int:
    """The longest run of repetitions in `values` (n,); 0 where each differs from the last."""
    moved = np.flatnonzero(np.diff(values) != 0)
    edges = np.concatenate(([-1], moved, [len(values) - 1]))
    return int(np.diff(edges).max()) - 1


def whose(signals: Sequence[str], shares: FloatColumn, faulty: Collection[str]) -> Concern:
    """Whose finding it is when the sensors of `faulty` signals are known to be at fault.

    A finding that rests on them for half or more says nothing about the machine.
    """
    carried = sum(share for name, share in zip(signals, shares, strict=True) if name in faulty)
    return "sensor" if carried >= 0.5 else "machine"


def _score(value: float, signals: int) -> Score:
    shares = np.zeros(signals)
    shares[0] = 1.0
    return Score(value, shares)


BOTH_WAYS = CONVERSIONS | {
    " as ".join(reversed(name.split(" as "))): (1 / factor, -offset / factor)
    for name, (factor, offset) in CONVERSIONS.items()
}
