"""Failures that grow: from an onset nobody can see to the day the machine stops (domain 7.1).

Health is a number h from 0 (sound) to 1 (failed). It grows with working time such that the
plan's lead time lies between the moment the symptom can be told from noise and h = 1. A drift
shows as h squared; a sudden fault (lead time from zero, or a step or stuck signal) shows as a
step when it happens. After the repair a small offset stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.failure import FailureMode
from simulators.run import Mask

#: Health at which a drift stands out of the noise by about three sigma.
DETECTABLE = 0.3
_SHORTEST_LEAD_H = 0.05
#: Nobody comes to repair what takes less than this from its first sign to standstill.
_WITHIN_MINUTES_H = 0.5


@dataclass
class Illness:
    """One failure on its way.

    `lead_h` hours pass from detectable to failed: of working time, or of the clock when
    `by_clock` (a scripted illness). It is repaired once `grown` reaches `repair_at`, or with
    `by_clock` at `repair_ms`. Times are None until they come to pass.
    """

    mode: str
    onset_ms: int
    lead_h: float
    repair_at: float
    sudden: bool
    by_clock: bool = False
    repair_ms: int | None = None
    grown: float = 0.0
    part: str | None = None
    detectable_ms: int | None = None
    failed_ms: int | None = None
    repaired_ms: int | None = None

    def advance(self, at_ms: IntColumn, pace_s: FloatColumn, working: Mask) -> FloatColumn:
        """How strongly the failure shows in each moment, 0 to 1; moves this illness on."""
        active = at_ms >= self.onset_ms
        grows = active if self.by_clock else active & working
        rate = (1.0 - DETECTABLE) / (3600.0 * self.lead_h)
        health = self.grown + np.cumsum(grows * pace_s) * rate
        self._note(at_ms, health)
        self.grown = float(health[-1])
        shows = self._shown(np.clip(health, 0.0, 1.0))
        if self.repaired_ms is not None:
            shows = np.where(at_ms >= self.repaired_ms, 0.0, shows)
        return np.where(active, shows, 0.0)

    def _shown(self, health: FloatColumn) -> FloatColumn:
        if not self.sudden:
            return health**2
        return np.where(health >= DETECTABLE, 0.75 + 0.25 * health, 0.0)

    def _note(self, at_ms: IntColumn, health: FloatColumn) -> None:
        if self.detectable_ms is None:
            self.detectable_ms = _first(at_ms, health >= DETECTABLE)
        if self.failed_ms is None:
            self.failed_ms = _first(at_ms, health >= 1.0)
        over = health >= self.repair_at
        if self.by_clock:
            over = at_ms >= (self.repair_ms if self.repair_ms is not None else np.inf)
        if self.repaired_ms is None:
            self.repaired_ms = _first(at_ms, np.asarray(over))
        if self.repaired_ms is not None and (self.failed_ms or 0) > self.repaired_ms:
            self.failed_ms = None


def is_sudden(mode: FailureMode) -> bool:
    """Whether a failure comes as a step and not as a drift."""
    steps = any(symptom.direction in ("step", "stuck") for symptom in mode.signature)
    drifts = any(symptom.direction in ("up", "down", "asymmetric") for symptom in mode.signature)
    short = mode.lead_h is not None and mode.lead_h[0] == 0
    return short or (steps and not drifts)


def draw(mode: FailureMode, onset_ms: int, rng: np.random.Generator) -> Illness:
    """An illness of kind `mode` that begins at `onset_ms`, with a lead time of its own."""
    low, high = mode.lead_h or (1.0, 20.0)
    when, lead_h = rng.random(), max(_SHORTEST_LEAD_H, float(rng.uniform(low, high)))
    # What comes within minutes is cleared after it has happened, the rest mostly before.
    first, last = (1.5, 4.0) if lead_h < _WITHIN_MINUTES_H else (0.85, 1.1)
    return Illness(
        mode=mode.id,
        onset_ms=onset_ms,
        lead_h=lead_h,
        repair_at=first + (last - first) * when,
        sudden=is_sudden(mode),
    )


def _first(at_ms: IntColumn, where: Mask) -> int | None:
    hits = np.flatnonzero(where)
    return int(at_ms[hits[0]]) if len(hits) else None
