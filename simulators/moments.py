"""Duty turned into the moments at which a machine reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from simulators.duty import Duty, Timeline

_AWAKE_MS = 1_800_000


@dataclass(frozen=True, slots=True)
class Moments:
    """n moments in order: time, time since the moment before, and what the machine does then.

    `at_ms` (n,) ms; `clock_s`, `since_s` (since the regime began), `length_s` (of the regime)
    (n,) seconds; `regime` (n,) counts into the duty's regimes; `job` (n, 4), `turn` (n, 2).
    """

    at_ms: IntColumn
    clock_s: FloatColumn
    regime: NDArray[np.int16]
    since_s: FloatColumn
    length_s: FloatColumn
    job: FloatColumn
    turn: FloatColumn

    def __len__(self) -> int:
        return len(self.at_ms)

    def part(self, first: int, last: int) -> Moments:
        """Moments `first` up to, not with, `last`."""
        cut = slice(first, last)
        return Moments(
            self.at_ms[cut], self.clock_s[cut], self.regime[cut], self.since_s[cut],
            self.length_s[cut], self.job[cut], self.turn[cut],
        )  # fmt: skip


def moments(timeline: Timeline, at_ms: IntColumn, before_ms: int) -> Moments:
    """What the machine does at each of `at_ms`; `before_ms` is the moment before the first."""
    index = timeline.at(at_ms)
    ends = np.append(timeline.starts[1:], timeline.end_ms)
    starts = timeline.starts[index]
    return Moments(
        at_ms=at_ms,
        clock_s=np.diff(at_ms, prepend=before_ms) / 1000.0,
        regime=timeline.regime[index],
        since_s=(at_ms - starts) / 1000.0,
        length_s=np.maximum((ends[index] - starts) / 1000.0, 1.0),
        job=timeline.job[index],
        turn=timeline.turn[index],
    )


def steady(duty: Duty, start_ms: int, end_ms: int, awake_from_ms: int | None) -> Moments:
    """Moments a minute apart in [start_ms, end_ms), to let a machine come into its stride."""
    timeline = duty.timeline(start_ms, end_ms, awake_from_ms)
    at_ms = np.arange(start_ms, end_ms, 60_000, dtype=np.int64)
    return moments(timeline, at_ms, start_ms - 60_000)


def reporting(
    timeline: Timeline, duty: Duty, start_ms: int, end_ms: int, step_s: float, rest_s: float
) -> Moments:
    """Moments every `step_s` seconds while the machine works and every `rest_s` while it rests,
    with one more before work begins, so that heat and counters know when the rest ended. After
    work the telematics unit stays awake for half an hour."""
    grid = np.arange(start_ms, end_ms, round(step_s * 1000), dtype=np.int64)
    index = timeline.at(grid)
    rests = [i for i, name in enumerate(duty.regimes) if name in (duty.rest, "off")]
    resting = np.isin(timeline.regime[index], rests)
    every = max(1, round(rest_s / step_s))
    awake = grid - timeline.starts[index] < _AWAKE_MS
    before = np.append(~resting[1:], True)
    keep = ~resting | awake | before | (np.arange(len(grid)) % every == 0)
    return moments(timeline, grid[keep], start_ms - round(step_s * 1000))
