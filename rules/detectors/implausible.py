"""Sensors that deliver what cannot be true: values out of their range, or the word "error". Pure.

Such values are missing for every rule, so nothing else would ever tell. A suspicion fills up over
the work in which only such values come, and empties over the work in which good ones come: a wild
value that stands alone says nothing, and a loose contact, which delivers both in turns, is found
where it is bad for most of the time. Like all that is folded, it does not depend on how rows are
cut into batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.carry import hold_ms
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.detectors.watched import Raised, Suspect, Suspects
from rules.sheet import Sheet
from rules.state import NO_REGIME

#: So much work with nothing but implausible values raises the alarm, and with good ones ends it.
FULL_MS = 15 * 60_000


def fold_suspects(
    compiled: CompiledPlan, sheet: Sheet, regime: NDArray[np.int16]
) -> tuple[tuple[Suspects, ...], list[AlarmChange]]:
    """Fold the rows of a sheet over what is suspected of its machines' sensors."""
    before, bad = sheet.before.suspects, sheet.batch.implausible
    if compiled.sensor_rule is None or (not len(bad) and not any(before)):
        return before, []
    machine = sheet.grid.machine[bad.row]
    spoken_of = set(zip(machine.tolist(), bad.signal.tolist(), strict=True))
    numbers = {key: number for number, key in enumerate(compiled.signals)}
    spoken_of |= {(m, numbers[key]) for m, own in enumerate(before) for key in own}
    after = [dict(own) for own in before]
    changes: list[AlarmChange] = []
    working = _working(compiled, sheet, regime)
    ends = np.append(sheet.grid.starts[1:], len(sheet.grid.times))
    for m, number in sorted(spoken_of):
        key = compiled.signals[number]
        rows = slice(int(sheet.grid.starts[m]), int(ends[m]))
        mine = (machine == m) & (bad.signal == number)
        said = np.full(rows.stop - rows.start, np.nan)
        said[bad.row[mine] - rows.start] = bad.value[mine]
        readings = _Readings(
            sheet.grid.times[rows], sheet.batch.values[rows, number], said, working[rows]
        )
        gap_ms = max(compiled.max_gap_ms, hold_ms(compiled.plan, key))
        judge = _Judge(compiled, int(sheet.before.machine_id[m]), key, gap_ms)
        suspect = judge.run(after[m].pop(key, None), readings, regime[rows])
        if suspect is not None:
            after[m][key] = suspect
        changes += judge.changes
    return tuple(after), changes


def _working(compiled: CompiledPlan, sheet: Sheet, regime: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Rows in which the machine works: sensors without supply say anything. A regime that is not
    known may be so because of the very sensor; then any other known value will do."""
    running = [i for i, one in enumerate(compiled.plan.regimes) if one.running]
    known = (regime == NO_REGIME) & ~np.isnan(sheet.batch.values).all(axis=1)
    return np.asarray(np.isin(regime, running) | known, np.bool_)


@dataclass(frozen=True, slots=True)
class _Readings:
    """One signal in rows of one machine: `good` values and `bad` ones, NaN where there is none."""

    times: IntColumn
    good: FloatColumn
    bad: FloatColumn
    working: NDArray[np.bool_]

    def __iter__(self) -> Iterator[tuple[int, int, float]]:
        """Row, time, and the value that came in it, NaN for a good one."""
        came = self.working & ~(np.isnan(self.good) & np.isnan(self.bad))
        bad = np.where(np.isnan(self.good), self.bad, np.nan)
        rows = np.flatnonzero(came)
        yield from zip(rows.tolist(), self.times[rows].tolist(), bad[rows].tolist(), strict=True)


class _Judge:
    """One sensor of one machine."""

    def __init__(self, compiled: CompiledPlan, machine_id: int, key: str, gap_ms: int) -> None:
        assert compiled.sensor_rule is not None
        self._rule = compiled.sensor_rule
        self._regimes = compiled.plan.regimes
        self._machine_id, self._key, self._gap_ms = machine_id, key, gap_ms
        self.changes: list[AlarmChange] = []

    def run(
        self, suspect: Suspect | None, readings: _Readings, regime: NDArray[np.int16]
    ) -> Suspect | None:
        """The suspicion after the readings."""
        for row, at, bad in readings:
            if suspect is None:
                suspect = None if np.isnan(bad) else Suspect(0, at, at, 1, bad, bad)
                continue
            passed = at - suspect.at if at - suspect.at <= self._gap_ms else 0
            if np.isnan(bad):
                suspect = self._better(suspect, at, passed)
            else:
                suspect = self._worse(suspect, at, passed, bad, int(regime[row]))
        return suspect

    def _worse(self, suspect: Suspect, at: int, passed: int, bad: float, here: int) -> Suspect:
        level = min(suspect.level + passed, FULL_MS)
        low, high = min(suspect.low, bad), max(suspect.high, bad)
        suspect = replace(suspect, level=level, at=at, count=suspect.count + 1, low=low, high=high)
        if level < FULL_MS or suspect.raised is not None:
            return suspect
        component = f"{self._rule.component}/{self._key}"
        raised = Raised(self._rule.id, component, suspect.since, at)
        learned = {"sensor": self._key, "fault": "range", "values": suspect.count}
        learned |= {"low": low, "high": high}
        regime = None if here == NO_REGIME else self._regimes[here].id
        self.changes.append(
            AlarmChange(
                self._machine_id, raised.rule, component, "raised", at, raised.since, at, regime,
                learned=learned,
            )
        )  # fmt: skip
        return replace(suspect, raised=raised)

    def _better(self, suspect: Suspect, at: int, passed: int) -> Suspect | None:
        level = suspect.level - passed
        if level >= 0:
            return replace(suspect, level=level, at=at)
        if (raised := suspect.raised) is not None:
            self.changes.append(
                AlarmChange(
                    self._machine_id, raised.rule, raised.component, "cleared", at, raised.since,
                    raised.at,
                )
            )  # fmt: skip
        return None
