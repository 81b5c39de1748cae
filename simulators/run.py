"""One stretch of a machine's time, and the few kinds of dynamics that physics is made of.

The same equations make ninety days of history and the next two seconds of a live machine: a
`Run` holds the inputs of a stretch as columns, and a state that is carried from one stretch to
the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from fleet.batch import FloatColumn, IntColumn
from simulators.traits import Traits

Mask = NDArray[np.bool_]
State = dict[str, float]
#: Calling a filter costs as much as so many moments one by one.
_WORTH_A_FILTER = 30


@dataclass(frozen=True)
class Run:
    """Inputs of n moments: all columns are (n,) unless noted.

    `clock_s` is the time since the moment before, seconds; `pace_s` the same in the time in which
    heat and faults move (longer than `clock_s` when life is sped up). `regime` counts into
    `regimes`; `since_s` is the time since it began and `length_s` its whole length. `job` (n, 4)
    and `turn` (n, 2) are numbers from 0 to 1 that stay the same through one job (a pour, a section
    of road) and one segment of a regime. `ill` holds how strongly each failure mode shows, 0 to 1;
    `traits` are what sets this machine apart from its sisters.
    """

    at_ms: IntColumn
    clock_s: FloatColumn
    pace_s: FloatColumn
    regime: NDArray[np.int16]
    regimes: tuple[str, ...]
    since_s: FloatColumn
    length_s: FloatColumn
    job: FloatColumn
    turn: FloatColumn
    ambient_c: FloatColumn
    wind_ms: FloatColumn
    baro_kpa: FloatColumn
    model: str
    ill: Mapping[str, FloatColumn]
    traits: Traits
    state: State
    rng: np.random.Generator = field(repr=False)

    def __len__(self) -> int:
        return len(self.at_ms)

    def doing(self, *regimes: str) -> Mask:
        """Moments in one of `regimes`."""
        wanted = np.array([name in regimes for name in self.regimes])
        return np.asarray(wanted[self.regime])

    def by_regime(self, values: Mapping[str, float], default: float = 0.0) -> FloatColumn:
        """A column that depends on the regime alone."""
        table = np.array([values.get(name, default) for name in self.regimes])
        return np.asarray(table[self.regime])

    def mode(self, name: str) -> FloatColumn:
        """How strongly failure mode `name` shows, (n,); zeros when the machine is free of it."""
        return self.ill.get(name, np.zeros(len(self)))

    def trait(self, name: str, mean: float, spread: float) -> float:
        """This machine's own constant: `mean`, off by its relative `spread` (one sigma)."""
        return mean * (1.0 + spread * self.traits.of(name))

    def white(self, sigma: float) -> FloatColumn:
        """Noise without memory."""
        return sigma * self.rng.standard_normal(len(self))

    def drift(self, name: str, sigma: float, tau_s: float) -> FloatColumn:
        """Noise with memory: mean 0, standard deviation `sigma`, forgets in `tau_s` seconds."""
        keep = np.exp(-self.pace_s / tau_s)
        push = sigma * np.sqrt(1.0 - keep**2) * self.rng.standard_normal(len(self))
        return self._recur(name, keep, push, 0.0)

    def lag(
        self, name: str, target: FloatColumn, tau_s: FloatColumn | float, start: float | None = None
    ) -> FloatColumn:
        """A quantity that follows `target` with time constant `tau_s`; exact for steps."""
        keep = np.exp(-self.pace_s / tau_s)
        first = float(target[0]) if start is None else start
        return self._recur(name, keep, (1.0 - keep) * target, first)

    def count(self, name: str, per_s: NDArray[np.floating]) -> FloatColumn:
        """A counter that grows by `per_s` each second of the clock and never falls."""
        total = self.state.get(name, 0.0) + np.cumsum(np.maximum(per_s, 0.0) * self.clock_s)
        self.state[name] = float(total[-1])
        return total

    def _recur(self, name: str, keep: FloatColumn, push: FloatColumn, start: float) -> FloatColumn:
        """value = keep * value + push from moment to moment: a filter for each run of moments
        that keep the same share, as those of a steady rate do."""
        value = self.state.get(name, start)
        result = np.empty(len(self))
        short = len(self) < _WORTH_A_FILTER
        edges = [] if short else (np.flatnonzero(np.diff(keep)) + 1).tolist()
        for first, last in pairwise([0, *edges, len(self)]):
            if last - first < _WORTH_A_FILTER:
                steps = zip(keep[first:last].tolist(), push[first:last].tolist(), strict=True)
                for i, (share, more) in enumerate(steps, first):
                    value = result[i] = share * value + more
                continue
            share = float(keep[first])
            result[first:last], _ = lfilter(
                [1.0], [1.0, -share], push[first:last], zi=[share * value]
            )
            value = float(result[last - 1])
        self.state[name] = value
        return result


def held(value: FloatColumn, where: Mask, before: float) -> FloatColumn:
    """`value` where true, elsewhere the last such value (`before` ahead of the first)."""
    index = np.where(where, np.arange(len(value)), -1)
    np.maximum.accumulate(index, out=index)
    return np.where(index >= 0, value[index], before)
