"""How a machine works in a regime, against what is normal for it there.

What stands apart from the operating point's part (point.py) is put in units of what healthy
machines vary by, smoothed, and compared with the machine's own place: the mean of its healthy
past, which begins as that of its fleet and gives way to its own the sooner, the more machines
differ in that signal. The two distances are those of the joint detector (joint.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fleet.batch import FloatColumn
from rules.detectors.joint import Contribution, JointSettings, distances, scaled_rows, smooth
from rules.detectors.point import OperatingPoint
from rules.detectors.shape import Concern, Score
from rules.detectors.threshold import Threshold

#: Stretches are quarters of an hour mostly: the smoothing covers about two hours, and what drifts
#: within a thousand working hours is not taken for normal.
REGIME = JointSettings(span=8, follow=4000, wild=6.0, furthest=30.0)
#: An alarm of a machine stays until the machine is back where it was, or was repaired; the limit
#: is the plan's.
REGIME_THRESHOLD = Threshold(
    limit=2.2, hold=3, clear=0.7, clear_hold=8, returned=0.0, plateau=30, grace=24
)


@dataclass(frozen=True, slots=True)
class RegimeState:
    """`now`, `last`, `place` (q,) as in JointState; `age` stretches the place was learned from;
    `inputs` (k,) the mean operating point of these, `seen_at` (k,) the latest one."""

    now: FloatColumn
    last: FloatColumn
    place: FloatColumn
    age: float
    inputs: FloatColumn
    seen_at: FloatColumn


@dataclass(frozen=True)
class Normal:
    """What a fleet taught of one regime, from `since_ms` on. A row is the q features, then the k
    inputs. `scale` (q,) is in the features' units; `precision` (q, q), `spread` (q,) and `apart`
    (q,), how much machines differ, are on the scaled ones. `rests` (q,) are features that often
    stand still, so that they cannot be told from stuck ones."""

    since_ms: int
    features: tuple[str, ...]
    inputs: tuple[str, ...]
    point: OperatingPoint
    scale: FloatColumn
    precision: FloatColumn
    spread: FloatColumn
    apart: FloatColumn
    rests: FloatColumn
    pattern: float
    single: float
    machines: int
    settings: JointSettings = REGIME
    concerns: Concern = "machine"

    @property
    def signals(self) -> tuple[str, ...]:
        return (*self.features, *self.inputs)

    @cached_property
    def _fleet_weight(self) -> FloatColumn:
        """Stretches that the fleet's place counts for, by feature: the ratio of how much one
        machine varies to how much machines differ."""
        return self.spread**2 / np.maximum(self.apart**2, 1e-3)

    def begin(self) -> RegimeState:
        nothing = np.full(len(self.scale), np.nan)
        unknown = np.full(len(self.inputs), np.nan)
        return RegimeState(nothing, nothing, np.zeros(len(self.scale)), 0.0, unknown, unknown)

    def observe(self, state: RegimeState, row: FloatColumn) -> RegimeState:
        q = len(self.features)
        inputs = row[q:]
        if np.isnan(inputs).any():
            return state
        away = row[:q] - self.point.expected(inputs)
        scaled = scaled_rows(away, np.zeros(q), self.scale, self.settings)
        now = smooth(state.now, state.last, scaled, self.settings)
        return replace(state, now=now, last=scaled, seen_at=inputs)

    def without(self, state: RegimeState, features: Sequence[int]) -> RegimeState:
        """The state in which nothing is known of these features now."""
        now, last = state.now.copy(), state.last.copy()
        now[list(features)] = last[list(features)] = np.nan
        return replace(state, now=now, last=last)

    def away(self, state: RegimeState) -> FloatColumn:
        """How far each feature is from the machine's place, in scales; 0 where not known."""
        return np.nan_to_num(state.now - state.place)

    def score(self, state: RegimeState) -> Score:
        away = self.away(state)
        pattern, single = self._distances(away)
        carried = self._carried(away, pattern >= single)
        shares = np.zeros(len(self.signals))
        if carried.sum() > 0:
            shares[: len(away)] = carried / carried.sum()
        return Score(max(pattern, single), shares)

    def learn(self, state: RegimeState) -> RegimeState:
        part = np.maximum(1 / (state.age + self._fleet_weight + 1), 1 / self.settings.follow)
        share = max(1 / (state.age + 1), 1 / self.settings.follow)
        inputs = np.where(
            np.isnan(state.inputs),
            state.seen_at,
            state.inputs + share * (state.seen_at - state.inputs),
        )
        place = state.place + part * np.nan_to_num(state.last - state.place)
        return replace(state, place=place, age=state.age + 1, inputs=inputs)

    def adopt(self, state: RegimeState, first: bool) -> RegimeState:
        """After a repair the machine's own past counts no more than the fleet's."""
        return self.learn(replace(state, age=0.0) if first else state)

    def explain(self, state: RegimeState) -> list[Contribution]:
        """What carries the latest score, the largest share first: seen (smoothed) and expected
        of this machine at its latest operating point, in the features' units."""
        away = self.away(state)
        pattern, single = self._distances(away)
        by_pattern = pattern >= single
        carried = self._carried(away, by_pattern)
        off = away @ self.precision / np.diag(self.precision) if by_pattern else away
        seen = self.point.expected(state.seen_at) + np.nan_to_num(state.now) * self.scale
        total = carried.sum()
        return [
            Contribution(
                self.features[at], float(carried[at] / total), float(seen[at]),
                float(seen[at] - off[at] * self.scale[at]),
            )
            for at in np.argsort(-carried, kind="stable").tolist()
            if total > 0 and carried[at] > 0
        ]  # fmt: skip

    def levels(self, state: RegimeState, row: FloatColumn) -> dict[str, tuple[float, float]]:
        """Of each level in a row: what it is, and what it was to be by the machine's own past."""
        expected = self.point.expected(state.seen_at) + state.place * self.scale
        return {
            name: (float(row[at]), float(expected[at]))
            for at, name in enumerate(self.features)
            if not name.startswith("~") and not np.isnan(row[at])
        }

    def taken_over(self, old: Normal, state: RegimeState) -> RegimeState:
        """The machine's state in terms of this model, which was learned later than `old`: at its
        mean operating point it is where it was."""
        if (old.features, old.inputs) != (self.features, self.inputs):
            return self.begin()
        at = np.where(np.isnan(state.inputs), self.point.middle, state.inputs)
        shift = old.point.expected(at) - self.point.expected(at)

        def moved(values: FloatColumn) -> FloatColumn:
            return np.asarray((values * old.scale + shift) / self.scale)

        return replace(
            state, now=moved(state.now), last=moved(state.last), place=moved(state.place)
        )

    def _distances(self, away: FloatColumn) -> tuple[float, float]:
        pattern, single = distances(away[None, :], self.precision, self.spread)
        return float(pattern[0]) / self.pattern, float(single[0]) / self.single

    def _carried(self, away: FloatColumn, by_pattern: bool) -> FloatColumn:
        if by_pattern:
            return np.asarray((away @ self.precision) ** 2 / np.diag(self.precision))
        return np.asarray((away / self.spread) ** 2)
