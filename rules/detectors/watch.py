"""The pure fold of a detector and a threshold over rows: live, in backtests and in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from rules.detectors.shape import Detector, Score, State
from rules.detectors.threshold import Phase, Standing, Threshold, level, start, step


@dataclass(frozen=True, slots=True)
class Watch(Generic[State]):
    """What is carried from row to row: the detector's state and where its judgement stands."""

    state: State
    standing: Standing


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers for n rows: `score` and `limit` (n,), `verdict` (n,) bool, `shares` (n, p).

    `limit` is the score that decides in that row: to exceed, or while alarmed, to fall below.
    """

    score: FloatColumn
    limit: FloatColumn
    verdict: NDArray[np.bool_]
    shares: FloatColumn


def begin(detector: Detector[State], threshold: Threshold) -> Watch[State]:
    """The watch before the first row; it begins with the threshold's grace."""
    return Watch(detector.begin(), start(threshold))


def watch(
    detector: Detector[State], threshold: Threshold, carried: Watch[State], rows: FloatColumn
) -> tuple[Watch[State], Judged]:
    """Judge `rows` (n, p) in order of time. Each answer uses its row and earlier ones only."""
    n, p = rows.shape
    judged = Judged(np.zeros(n), np.zeros(n), np.zeros(n, bool), np.zeros((n, p)))
    state, standing = carried.state, carried.standing
    for at in range(n):
        state = detector.observe(state, rows[at])
        score = detector.score(state)
        judged.score[at], judged.shares[at] = score.value, score.shares
        judged.limit[at] = level(threshold, standing)
        before, standing = standing, step(threshold, standing, score.value)
        judged.verdict[at] = standing.alarmed
        state = _learn(detector, threshold, state, before, standing, score)
    return Watch(state, standing), judged


def relearn(threshold: Threshold, carried: Watch[State]) -> Watch[State]:
    """After a repair: what comes next settles for the threshold's grace, is learned for another,
    and is judged by from then on."""
    if not threshold.grace:
        return Watch(carried.state, Standing(Phase.QUIET))
    return Watch(carried.state, Standing(Phase.REPAIRED, left=threshold.grace))


def _learn(
    detector: Detector[State],
    threshold: Threshold,
    state: State,
    before: Standing,
    standing: Standing,
    score: Score,
) -> State:
    """Nothing is learned while alarmed, nor from rows that may be the beginning of an alarm."""
    if standing.phase is Phase.RETURNED or before.phase is Phase.RETURNED:
        return detector.adopt(state, first=before.phase is not Phase.RETURNED)
    quiet = before.phase is Phase.QUIET and standing.phase is Phase.QUIET
    return detector.learn(state) if quiet and score.value < threshold.limit else state
