"""Duty at this moment: the calendar's, or work without an end for a demonstration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY
from simulators.duty import Duty
from simulators.moments import Moments


@dataclass(frozen=True, slots=True)
class Segment:
    """One regime from `start_ms` until `end_ms`, with its job and turn numbers."""

    regime: str
    start_ms: int
    end_ms: int
    job: FloatColumn
    turn: FloatColumn


class LiveDuty:
    """What a machine does now; times must not go back."""

    def __init__(self, duty: Duty, start_ms: int, awake_from_ms: int | None) -> None:
        self._duty = duty
        self._endless = duty.endless(awake_from_ms) if awake_from_ms is not None else None
        self._now = self._next(awake_from_ms if awake_from_ms is not None else start_ms)

    def at(self, at_ms: int, before_ms: int) -> Moments:
        """The moment `at_ms`, `before_ms` being the one before it."""
        while at_ms >= self._now.end_ms:
            self._now = self._next(self._now.end_ms)
        segment = self._now
        return Moments(
            at_ms=np.array([at_ms], dtype=np.int64),
            clock_s=np.array([(at_ms - before_ms) / 1000.0]),
            regime=np.array([self._duty.regimes.index(segment.regime)], dtype=np.int16),
            since_s=np.array([(at_ms - segment.start_ms) / 1000.0]),
            length_s=np.array([max(1.0, (segment.end_ms - segment.start_ms) / 1000.0)]),
            job=segment.job[None, :],
            turn=segment.turn[None, :],
        )

    @property
    def regime(self) -> str:
        """The regime now."""
        return self._now.regime

    @property
    def resting(self) -> bool:
        """Whether nobody works with the machine now."""
        return self._now.regime in (self._duty.rest, "off", "transport")

    @property
    def since_ms(self) -> int:
        """When the regime of now began."""
        return self._now.start_ms

    @property
    def until_ms(self) -> int:
        """When the regime of now ends."""
        return self._now.end_ms

    def stay(self, regime: str, at_ms: int, minutes: float) -> None:
        """Go into `regime` now and stay there."""
        until = at_ms + round(60_000 * minutes)
        self._now = Segment(regime, at_ms, until, self._now.job, self._now.turn)

    def _next(self, at_ms: int) -> Segment:
        if self._endless is not None:
            regime, minutes, job, turn = next(self._endless)
            return Segment(regime, at_ms, at_ms + max(1000, round(60_000 * minutes)), job, turn)
        timeline = self._duty.timeline(at_ms, at_ms + MS_PER_DAY)
        end = int(timeline.starts[1]) if len(timeline.starts) > 1 else timeline.end_ms
        regime = self._duty.regimes[int(timeline.regime[0])]
        return Segment(regime, at_ms, end, timeline.job[0], timeline.turn[0])
