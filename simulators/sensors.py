"""Sensors that go wrong over months, one machine at a time (domain 1.4).

A machine's signals are true; this is what becomes of them on the way to its telematics unit. What
a fault does is told by the same words as a finding tells it: `range` (a broken wire or a short: the
reading leaves the sensor's range, or the controller says "error"), `missing` (nothing is sent any
more), `stuck`, `unit` (MPa for bar after a change of firmware) and `drift` (the zero moves).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY
from fleet.plan import ProductPlan
from fleet.signals import Signal
from simulators.seeds import generator

Kind = Literal["range", "missing", "stuck", "unit", "drift"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: Faults of each kind per sensor and month: the domain names 0.2 % for one that sticks.
_PER_MONTH = 0.002
_MONTH_MS = 30.44 * MS_PER_DAY
#: A current loop of 4 to 20 mA without current, and with a short's 24 mA, as shares of its span.
_NO_CURRENT, _SHORT = -4.0 / 16.0, 20.0 / 16.0
#: How far a zero moves until the sensor is replaced, as shares of what is normal for the signal.
_DRIFTS = (0.15, 0.4)
#: Days until somebody replaces the sensor.
_LASTS_DAYS = (5.0, 15.0)


@dataclass
class SensorFault:
    """One sensor in [onset_ms, repaired_ms). `size` is what it reads out of its range, or by how
    much its zero has moved in the end, in the signal's unit; `held` where it is stuck, NaN before
    that; `wrong_ms` when it first told anything but the truth, None before that."""

    kind: Kind
    signal: str
    onset_ms: int
    repaired_ms: int
    size: float = float("nan")
    held: float = float("nan")
    wrong_ms: int | None = None

    def distort(self, at_ms: IntColumn, column: FloatColumn) -> None:
        """Put into a column (n,) of moments (n,) in order what the sensor says instead of it."""
        spoken = (at_ms >= self.onset_ms) & (at_ms < self.repaired_ms) & ~np.isnan(column)
        rows = np.flatnonzero(spoken)
        if not len(rows):
            return
        true = column[rows]
        column[rows] = told = self._told(at_ms[rows], true)
        lies = np.flatnonzero(told != true)
        if self.wrong_ms is None and len(lies):
            self.wrong_ms = int(at_ms[rows[lies[0]]])

    def _told(self, at_ms: IntColumn, true: FloatColumn) -> FloatColumn:
        match self.kind:
            case "range":
                return np.full(len(true), self.size)
            case "missing":
                return np.full(len(true), np.nan)
            case "stuck":
                self.held = float(true[0]) if np.isnan(self.held) else self.held
                return np.full(len(true), self.held)
            case "unit":
                return np.asarray(true / 10.0)
            case "drift":
                grown = (at_ms - self.onset_ms) / (self.repaired_ms - self.onset_ms)
                return np.asarray(true + self.size * grown)


class Sensors:
    """All sensors of one machine through [start_ms, end_ms)."""

    def __init__(
        self, plan: ProductPlan, seed: int, serial: str, start_ms: int, end_ms: int, rate: float
    ) -> None:
        self._place = {key: at for at, key in enumerate(plan.signal_keys)}
        #: What goes wrong, in order of time; `rate` scales the domain's rate.
        self.faults = tuple(_drawn(plan, seed, serial, start_ms, end_ms, rate))

    def told(self, at_ms: IntColumn, values: FloatColumn) -> FloatColumn:
        """What is told in place of `values` (n, signals) at moments (n,), all newer than before."""
        if not self.faults:
            return values
        values = values.copy(order="F")
        for fault in self.faults:
            fault.distort(at_ms, values[:, self._place[fault.signal]])
        return values


def _drawn(
    plan: ProductPlan, seed: int, serial: str, start_ms: int, end_ms: int, rate: float
) -> Iterator[SensorFault]:
    """Faults of all kinds in order of time; one sensor has one after the other."""
    rng = generator(seed, serial, "sensors")
    months = (end_ms - start_ms) / _MONTH_MS
    whole: dict[str, int] = {}
    found = []
    for kind in KINDS:
        signals = able(plan, kind)
        count = int(rng.poisson(rate * _PER_MONTH * months * len(signals)))
        for _ in range(count):
            signal = signals[int(rng.integers(len(signals)))]
            onset_ms = start_ms + int(rng.uniform(0.0, 1.0) * (end_ms - start_ms))
            days, size = float(rng.uniform(*_LASTS_DAYS)), rng.random(2)
            repaired_ms = onset_ms + round(days * MS_PER_DAY)
            fault = SensorFault(kind, signal.key, onset_ms, repaired_ms, _size(kind, signal, size))
            found.append(fault)
    for fault in sorted(found, key=lambda one: one.onset_ms):
        if fault.onset_ms >= whole.get(fault.signal, start_ms):
            whole[fault.signal] = fault.repaired_ms
            yield fault


def broken(plan: ProductPlan, kind: Kind, key: str, onset_ms: int, repaired_ms: int) -> SensorFault:
    """A fault on cue: a wire that is broken, a zero that moves up by a quarter of what is normal.

    Raises ValueError where the plan has no such sensor, or where this cannot happen to it.
    """
    signal = next((one for one in able(plan, kind) if one.key == key), None)
    if signal is None:
        keys = ", ".join(one.key for one in able(plan, kind))
        raise ValueError(f"{plan.product} has no sensor {key} that can be {kind}: {keys}")
    return SensorFault(kind, key, onset_ms, repaired_ms, _size(kind, signal, np.array([0.4, 0.0])))


def able(plan: ProductPlan, kind: Kind) -> Sequence[Signal]:
    """The sensors to which a kind of fault can happen, not those of the telematics unit itself."""
    gauges = [
        signal for signal in plan.signals
        if signal.kind == "gauge" and signal.unit is not None
        and signal.type in ("real", "double") and signal.component != "connection"
    ]  # fmt: skip
    if kind == "unit":
        return [signal for signal in gauges if signal.unit == "bar"]
    if kind == "drift":
        return [signal for signal in gauges if signal.normal is not None]
    return gauges


def _size(kind: Kind, signal: Signal, drawn: FloatColumn) -> float:
    """What a fault reads, or moves by, from two numbers between 0 and 1."""
    if kind == "range":
        tops = None if signal.j1939 is None else signal.j1939.tops
        if signal.j1939 is not None and tops is not None:
            return tops[0] + signal.j1939.resolution / 2  # half a raw step behind where it begins
        low, high = signal.range
        return low + (high - low) * (_NO_CURRENT if drawn[0] < 0.5 else _SHORT)
    if kind == "drift" and signal.normal is not None:
        low, high = signal.normal
        most = _DRIFTS[0] + (_DRIFTS[1] - _DRIFTS[0]) * float(drawn[0])
        return (high - low) * (most if drawn[1] < 0.5 else -most)
    return float("nan")


def told_by(plan: ProductPlan) -> Mapping[Kind, frozenset[str]]:
    """Which sensors' faults a plan's rules can tell, by kind: readings out of range of all, the
    rest of those that learned detectors judge; nothing where no rule is about sensors."""
    if not any(rule.sensors for rule in plan.rules):
        return dict.fromkeys(KINDS, frozenset())
    normals = [rule.normal for rule in plan.rules if rule.normal is not None]
    judged = frozenset(key for normal in normals for key in normal.signals)
    inputs = frozenset(key for normal in normals for factors in normal.factors for key in factors)
    told = dict.fromkeys(KINDS, judged)
    told["range"] = frozenset(plan.signal_keys)
    told["missing"] = judged | inputs
    return told
