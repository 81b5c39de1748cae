"""Which regime a machine is in at every moment: season, week, shift, and the steps of the work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_HOUR
from simulators.season import Climate, Holiday, activity, day_start_ms, local_date, working_day
from simulators.seeds import generator
from simulators.work import SHIFTS, Dice, Shifts

_MS_PER_MIN = 60_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """Segments of duty in order: `starts` (k,) ms; the last lasts until `end_ms`.

    `regime` (k,) counts into the product's regimes; `job` (k, 4) and `turn` (k, 2) are numbers
    from 0 to 1 that physics reads as load, height, mix and the like.
    """

    starts: IntColumn
    regime: NDArray[np.int16]
    job: FloatColumn
    turn: FloatColumn
    end_ms: int

    def at(self, at_ms: IntColumn) -> NDArray[np.intp]:
        """The segment each moment lies in; the first one for moments before it."""
        index = np.searchsorted(self.starts, at_ms, side="right") - 1
        return np.asarray(np.maximum(index, 0))


class Duty:
    """The duty of one machine, the same whenever it is asked for the same time.

    `rest` is its regime when nobody works: `off`, or `weathervane` for tower cranes.
    """

    def __init__(self, seed: int, serial: str, product: str, climate: Climate) -> None:
        self._seed = seed
        self._serial = serial
        self._product = product
        self._climate = climate
        self._shifts: Shifts = SHIFTS[product]
        self.regimes = self._shifts.regimes
        self.rest = "weathervane" if "weathervane" in self.regimes else "off"
        own = generator(seed, serial, "duty")
        self._busy = float(own.uniform(0.85, 1.15))
        self._holiday = Holiday(int(own.integers(5, 12)), int(own.integers(7, 16)))

    def timeline(self, start_ms: int, end_ms: int, awake_from_ms: int | None = None) -> Timeline:
        """The segments of [start_ms, end_ms).

        From `awake_from_ms` on the machine works without going home, whatever the hour: a
        demonstration is watched at any time of day.
        """
        calendar_end = end_ms if awake_from_ms is None else max(start_ms, awake_from_ms)
        pieces = _Pieces(self.regimes)
        first, last = working_day(start_ms), working_day(max(start_ms, calendar_end - 1))
        for number in range(first, last + 1):
            if day_start_ms(number) < calendar_end:
                self._day(number, pieces)
        pieces.cut(start_ms, calendar_end)
        if awake_from_ms is not None and calendar_end < end_ms:
            awake = _Pieces(self.regimes)
            self._awake(awake_from_ms, end_ms, awake)
            awake.cut(start_ms, end_ms)
            pieces.extend(awake)
        return pieces.timeline(end_ms)

    def endless(self, start_ms: int) -> Iterator[tuple[str, float, FloatColumn, FloatColumn]]:
        """Work without an end from its middle on: regime, minutes, job and turn numbers.

        What has to be warm for it is warmed up first.
        """
        rng = generator(self._seed, self._serial, "awake", start_ms)
        dice = Dice(rng)
        job = rng.random(4)
        steps = self._shifts.pattern(dice)
        skip = int(rng.integers(3, 20))
        for index, (regime, minutes, new_job) in enumerate(steps):
            if new_job:
                job = rng.random(4)
            if index >= skip or regime == self._shifts.warms_up:
                yield regime, minutes, job, rng.random(2)

    def _awake(self, start_ms: int, end_ms: int, pieces: _Pieces) -> None:
        at = start_ms
        for regime, minutes, job, turn in self.endless(start_ms):
            if at >= end_ms:
                return
            pieces.add(at, regime, job, turn)
            at += round(minutes * _MS_PER_MIN)

    def _day(self, number: int, pieces: _Pieces) -> None:
        rng = generator(self._seed, self._serial, "day", number)
        dice = Dice(rng)
        start = day_start_ms(number)
        pieces.add(start, self.rest, rng.random(4), rng.random(2))
        level = activity(self._product, self._climate, local_date(number), self._holiday)
        if not dice.chance(min(0.97, level * self._busy * self._shifts.day_chance)):
            if self.rest != "off" and dice.chance(0.3):
                pieces.add(start, "off", rng.random(4), rng.random(2))
            return
        hours = dice.between(*self._shifts.hours)
        late = dice.chance(self._shifts.night_share)
        begin = dice.between(14.0, 15.5) if late else dice.between(0.2, 2.5)
        hours = min(hours, 23.5 - begin)
        self._shift(start + round(begin * MS_PER_HOUR), hours, rng, dice, pieces)

    def _shift(
        self, at: int, hours: float, rng: np.random.Generator, dice: Dice, pieces: _Pieces
    ) -> None:
        end = at + round(hours * MS_PER_HOUR)
        job = rng.random(4)
        home = self._shifts.last_step
        home_ms = round(dice.between(20, 40) * _MS_PER_MIN) if home else 0
        for regime, minutes, new_job in self._shifts.pattern(dice):
            if at >= end - home_ms:
                break
            job = rng.random(4) if new_job else job
            pieces.add(at, regime, job, rng.random(2))
            at = min(end - home_ms, at + round(minutes * _MS_PER_MIN))
        if home:
            pieces.add(at, home, job, rng.random(2))
        pieces.add(end, self.rest, job, rng.random(2))


class _Pieces:
    """Segments being collected."""

    def __init__(self, regimes: tuple[str, ...]) -> None:
        self._number = {name: i for i, name in enumerate(regimes)}
        self._starts: list[int] = []
        self._regime: list[int] = []
        self._job: list[FloatColumn] = []
        self._turn: list[FloatColumn] = []

    def add(self, start: int, regime: str, job: FloatColumn, turn: FloatColumn) -> None:
        self._starts.append(start)
        self._regime.append(self._number[regime])
        self._job.append(job)
        self._turn.append(turn)

    def cut(self, start_ms: int, end_ms: int) -> None:
        """Keep what lies in [start_ms, end_ms); the segment that spans the start begins there."""
        keep = [i for i, at in enumerate(self._starts) if at < end_ms]
        while len(keep) > 1 and self._starts[keep[1]] <= start_ms:
            keep.pop(0)
        for name in ("_starts", "_regime", "_job", "_turn"):
            column = getattr(self, name)
            setattr(self, name, [column[i] for i in keep])
        if self._starts:
            self._starts[0] = max(self._starts[0], start_ms)

    def extend(self, later: _Pieces) -> None:
        self._starts += later._starts
        self._regime += later._regime
        self._job += later._job
        self._turn += later._turn

    def timeline(self, end_ms: int) -> Timeline:
        return Timeline(
            np.array(self._starts, dtype=np.int64),
            np.array(self._regime, dtype=np.int16),
            np.array(self._job, dtype=np.float64).reshape(-1, 4),
            np.array(self._turn, dtype=np.float64).reshape(-1, 2),
            end_ms,
        )
