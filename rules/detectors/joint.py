"""How the signals of a machine move together, against what was normal for it.

Each signal is put on a robust scale and smoothed. Two distances from normal are taken: that of
the whole pattern (Mahalanobis, as Hotelling's T2 over all directions), which sees a relation
that is broken while every value is in its range; and that of the signal that is furthest out by
itself. Each is divided by the largest one that a block of the training rows typically had while
it was kept out of the fit, so that slow change between blocks widens what is tolerated.

Normal is a small memory of places: where training was, and where the machine came back to after
alarms. The nearest one counts, and follows slowly.

Missing is neither zero nor healthy, nor what was seen last: a signal that has had no value for
longer than is usual for it is unknown, and the pattern is that of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from rules.detectors.shape import Concern, Score


@dataclass(frozen=True, slots=True)
class JointSettings:
    """Durations in rows, factors without unit; docs/decisions/ says where they come from."""

    span: int = 10
    follow: int = 1000
    places: int = 3
    drift: float = 4.0
    shrink: float = 0.01
    floor: float = 0.002
    wild: float = 8.0
    furthest: float = 30.0
    block_rows: int = 100
    blocks: tuple[int, int] = (4, 20)
    aside: float = 0.5


@dataclass(frozen=True, slots=True)
class JointState:
    """`now` (q,) smoothed and scaled, NaN where a signal is unknown, `last` (q,) its last value,
    only scaled, since which `missed` (q,) rows had none; `places` (k, q), k >= 1, and
    how many rows each was learned from, `ages` (k,)."""

    now: FloatColumn
    last: FloatColumn
    missed: FloatColumn
    places: FloatColumn
    ages: FloatColumn


@dataclass(frozen=True, slots=True)
class Contribution:
    """One signal of a finding: its share, and in its unit what was `seen` (smoothed) and what
    the other signals let one expect."""

    signal: str
    share: float
    seen: float
    expected: float


@dataclass(frozen=True, slots=True)
class Joint:
    """A fitted detector; `kept` (p,) says which signals varied in training and are judged.

    `middle` and `scale` (q,) are in the signals' units, `precision` (q, q) and `spread` (q,) on
    the scaled ones, `patience` (q,) says for how many rows a signal without a value is as it was,
    `pattern` and `single` how far blocks kept aside get.
    """

    signals: tuple[str, ...]
    kept: NDArray[np.bool_]
    middle: FloatColumn
    scale: FloatColumn
    centre: FloatColumn
    precision: FloatColumn
    spread: FloatColumn
    patience: FloatColumn
    pattern: float
    single: float
    settings: JointSettings
    concerns: Concern = "machine"

    def begin(self) -> JointState:
        nothing, none = np.full(len(self.scale), np.nan), np.zeros(len(self.scale))
        return JointState(nothing, nothing, none, self.centre[None, :], np.array([np.inf]))

    def observe(self, state: JointState, row: FloatColumn) -> JointState:
        scaled = scaled_rows(row[self.kept], self.middle, self.scale, self.settings)
        if np.isnan(scaled).all():
            return state  # nothing was told: the answer of the row before stands
        # One that comes back begins where the others let one expect it: its first value alone
        # says as little as any other single one.
        back = (state.missed > self.patience) & ~np.isnan(scaled)
        before = np.where(back, self._expected(state), state.now) if back.any() else state.now
        now = smooth(before, state.last, scaled, self.settings)
        missed = np.where(np.isnan(scaled), state.missed + 1, 0)
        now = np.where(missed > self.patience, np.nan, now)
        last = np.where(np.isnan(scaled), state.last, scaled)
        return replace(state, now=now, last=last, missed=missed)

    def score(self, state: JointState) -> Score:
        away, pattern, single = self._distances(state)
        nearest = int(np.maximum(pattern, single).argmin())
        away = away[nearest]
        if pattern[nearest] >= single[nearest]:
            # How much nearer to normal the pattern were with this signal as the others say:
            # Alcala and Qin's contribution, largest for the signal at fault.
            filled = with_expected(away[None, :], self.precision)[0]
            carried = (filled @ self.precision) ** 2 / np.diag(self.precision)
        else:
            carried = np.nan_to_num(away / self.spread) ** 2
        carried[np.isnan(away)] = 0
        shares = np.zeros(len(self.signals))
        total = carried.sum()
        if total > 0:
            shares[self.kept] = carried / total
        return Score(float(max(pattern[nearest], single[nearest])), shares)

    def learn(self, state: JointState) -> JointState:
        _, pattern, single = self._distances(state)
        return self._learned(state, int(np.maximum(pattern, single).argmin()))

    def adopt(self, state: JointState, first: bool) -> JointState:
        if not first:
            return self._learned(state, len(state.places) - 1)
        now = np.where(np.isnan(state.now), self.centre, state.now)
        # The place of training is never forgotten; the oldest of the others is.
        there = len(state.places)
        kept = [0, *range(max(1, there + 2 - self.settings.places), there)]
        places = np.vstack([state.places[kept], now])
        return replace(state, places=places, ages=np.append(state.ages[kept], self.settings.span))

    def explain(self, state: JointState) -> list[Contribution]:
        """What carries the latest score, the largest share first; signals with no share not."""
        away, pattern, single = self._distances(state)
        nearest = int(np.maximum(pattern, single).argmin())
        filled = with_expected(away[nearest : nearest + 1], self.precision)[0]
        off = filled @ self.precision / np.diag(self.precision)
        seen = state.now * self.scale + self.middle
        names = [name for name, kept in zip(self.signals, self.kept, strict=True) if kept]
        shares = self.score(state).shares[self.kept]
        return [
            Contribution(names[at], shares[at], seen[at], seen[at] - off[at] * self.scale[at])
            for at in np.argsort(-shares, kind="stable").tolist()
            if shares[at] > 0
        ]

    def _expected(self, state: JointState) -> FloatColumn:
        """Where the signals are (q,), with what the known let one expect of the unknown, seen from
        the nearest place."""
        away, pattern, single = self._distances(state)
        nearest = int(np.maximum(pattern, single).argmin())
        filled = with_expected(away[nearest : nearest + 1], self.precision)[0]
        return np.asarray(state.places[nearest] + filled)

    def _learned(self, state: JointState, place: int) -> JointState:
        """The place nearer to now: the mean of its rows while it is young, then of the latest."""
        places, ages = state.places.copy(), state.ages.copy()
        ages[place] += 1
        part = max(1 / ages[place], 1 / self.settings.follow)
        places[place] += part * np.nan_to_num(state.now - places[place])
        return replace(state, places=places, ages=ages)

    def _distances(self, state: JointState) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
        """From each place: how far away (k, q), NaN for what is unknown, and both distances (k,)
        over their limits."""
        away = state.now - state.places
        pattern, single = distances(away, self.precision, self.spread)
        return away, pattern / self.pattern, single / self.single


def distances(
    away: FloatColumn, precision: FloatColumn, spread: FloatColumn
) -> tuple[FloatColumn, FloatColumn]:
    """Of the whole pattern, per signal, and of the signal furthest out; `away` (n, q) to (n,). A
    signal that is unknown (NaN) is neither near nor far."""
    filled = with_expected(away, precision)
    known = np.maximum((~np.isnan(away)).sum(axis=1), 1)
    squared = np.einsum("ij,jk,ik->i", filled, precision, filled).clip(0) / known
    return np.sqrt(squared), np.nan_to_num(np.abs(away) / spread).max(axis=1)


def with_expected(away: FloatColumn, precision: FloatColumn) -> FloatColumn:
    """`away` (n, q) with what the known signals let one expect in the place of unknown ones (NaN):
    so the distance of the pattern is that of the known signals alone."""
    unknown = np.isnan(away)
    if not unknown.any():
        return away
    filled = np.nan_to_num(away)
    for missing in np.unique(unknown[unknown.any(axis=1)], axis=0):
        rows = np.flatnonzero((unknown == missing).all(axis=1))
        between = precision[np.ix_(missing, ~missing)] @ filled[np.ix_(rows, ~missing)].T
        filled[np.ix_(rows, missing)] = -np.linalg.solve(
            precision[np.ix_(missing, missing)], between
        ).T
    return filled


def scaled_rows(
    rows: FloatColumn, middle: FloatColumn, scale: FloatColumn, settings: JointSettings
) -> FloatColumn:
    """Rows (..., q) in scales from the middle, none further than `furthest`."""
    return np.asarray(((rows - middle) / scale).clip(-settings.furthest, settings.furthest))


def smoothed(
    scaled: FloatColumn, settings: JointSettings, patience: FloatColumn | None = None
) -> FloatColumn:
    """Rows (n, q) smoothed exponentially from the first on; a missing value changes nothing, until
    it has been missing for more rows than `patience` (q,) says, where that is given: then the
    signal is unknown, NaN."""
    out = np.empty_like(scaled)
    now = last = np.full(scaled.shape[1], np.nan)
    missed = np.zeros(scaled.shape[1])
    for at, row in enumerate(scaled):
        now = smooth(now, last, row, settings)
        if patience is not None:
            missed = np.where(np.isnan(row), missed + 1, 0)
            now = np.where(missed > patience, np.nan, now)
            row = np.where(np.isnan(row), last, row)
        out[at], last = now, row
    return out


def smooth(
    now: FloatColumn, last: FloatColumn, scaled: FloatColumn, settings: JointSettings
) -> FloatColumn:
    """A wild value counts once a second one stands beside it: one alone is the sensor's."""
    step = scaled - now
    before = np.nan_to_num(last - now)
    nearer = np.where(step * before > 0, np.copysign(np.minimum(abs(step), abs(before)), step), 0)
    step = np.where(abs(step) > settings.wild, nearer, step)
    moved = np.where(np.isnan(now), scaled, now + step * (2 / (settings.span + 1)))
    return np.where(np.isnan(scaled), now, moved)
