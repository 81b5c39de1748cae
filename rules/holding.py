"""Alarm state machines over whole columns: raise after `hold`, clear after `clear hold`.

A row whose condition is unknown counts as no row. A run of true rows is broken by a false row
or by more than `gap_ms` between two known ones. An alarm is raised at the first true row that
lies `hold_ms` after its run began, and cleared likewise by the rows after that; the run that
raises it again begins after the row that cleared it.

Everything is run-length work in NumPy; only runs long enough to change a state are looped over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.evaluate import true
from rules.state import CLEARING, IDLE, NEVER, PENDING, RAISED

Rows = NDArray[np.intp]
NOTHING_KNOWN = -2
ENDS_FALSE = -1


@dataclass(frozen=True, slots=True)
class RuleState:
    """One rule's state of m machines; see FleetState."""

    phase: NDArray[np.int8]
    since: IntColumn
    known: IntColumn
    raised_at: IntColumn


@dataclass(frozen=True, slots=True)
class Transition:
    """Machine (index) `machine` was raised or cleared at row `row`; its run began at `since`."""

    machine: int
    raised: bool
    row: int
    since: int
    raised_at: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of m machines: `times` (n,), `machine` index of each row, `starts` (m,)."""

    times: IntColumn
    machine: Rows
    starts: Rows


class _Runs:
    """The runs of true rows of one condition."""

    def __init__(
        self, truth: FloatColumn, grid: Grid, hold_ms: int, gap_ms: int,
        since: IntColumn, known: IntColumn,
    ) -> None:  # fmt: skip
        m = len(grid.starts)
        seen = np.flatnonzero(~np.isnan(truth))
        is_true = truth[seen] != 0
        machine, times = grid.machine[seen], grid.times[seen]
        new_machine = np.ones(len(seen), bool)
        new_machine[1:] = machine[1:] != machine[:-1]
        before = np.concatenate((times[:1], times[:-1]))
        before = np.where(new_machine, known[machine], before)
        was_true = np.concatenate((is_true[:1], is_true[:-1])) | new_machine
        goes_on = is_true & was_true & (times - before <= gap_ms)
        begins = is_true & (~goes_on | new_machine)
        self.rows = seen[is_true]
        self.times = times[is_true]
        self.first = np.flatnonzero(begins[is_true])
        self.last = np.append(self.first[1:], len(self.rows))[: len(self.first)] - 1
        self.machine = machine[is_true][self.first]
        carried = goes_on[is_true][self.first]
        self.begun = np.where(carried, since[self.machine], self.times[self.first])
        self.hold_ms = hold_ms
        long_enough = self.times[self.last] - self.begun >= hold_ms
        self.candidates = np.flatnonzero(long_enough)
        self.final = _final_runs(m, machine, is_true, begins)

    def of(self, machine: int) -> Rows:
        """Runs of a machine that may change its state."""
        owners = self.machine[self.candidates]
        low, high = np.searchsorted(owners, [machine, machine + 1])
        return self.candidates[low:high]

    def start_after(self, run: int, row: int) -> tuple[int, int] | None:
        """Where a run begins when only rows after `row` count: position in `rows`, time."""
        first, last = int(self.first[run]), int(self.last[run])
        if self.rows[first] > row:
            return first, int(self.begun[run])
        if self.rows[last] <= row:
            return None
        position = int(np.searchsorted(self.rows, row, side="right"))
        return position, int(self.times[position])

    def held(self, run: int, row: int) -> tuple[int, int] | None:
        """The row after `row` at which the run has held long enough, and when it began."""
        start = self.start_after(run, row)
        if start is None:
            return None
        position, begun = start
        end = int(self.last[run]) + 1
        at = position + int(np.searchsorted(self.times[position:end], begun + self.hold_ms))
        return (int(self.rows[at]), begun) if at < end else None


def _final_runs(
    m: int, machine: Rows, is_true: NDArray[np.bool_], begins: NDArray[np.bool_]
) -> Rows:
    """For each machine the run its last known row belongs to, ENDS_FALSE or NOTHING_KNOWN."""
    final = np.full(m, NOTHING_KNOWN, np.intp)
    run = np.cumsum(begins) - 1
    ends = np.flatnonzero(np.append(machine[1:] != machine[:-1], True)[: len(machine)])
    final[machine[ends]] = np.where(is_true[ends], run[ends], ENDS_FALSE)
    return final


def step(
    before: RuleState,
    when: FloatColumn,
    clear: Callable[[], FloatColumn],
    grid: Grid,
    hold_ms: int,
    clear_hold_ms: int,
    gap_ms: int,
) -> tuple[RuleState, list[Transition]]:
    """Fold one rule over the rows of m machines. `clear` is computed only if it can matter."""
    if not before.phase.any() and not true(when).any():  # IDLE is 0
        return before, []
    raised = before.phase >= RAISED
    pending = before.phase == PENDING
    rising = _runs(when, grid, hold_ms, gap_ms, before, pending)
    may_rise = np.zeros(len(raised), bool)
    may_rise[rising.machine[rising.candidates]] = True
    falling = None
    moving = may_rise
    if raised.any() or may_rise.any():
        clearing = before.phase == CLEARING
        falling = _runs(clear(), grid, clear_hold_ms, gap_ms, before, clearing)
        may_fall = np.zeros(len(raised), bool)
        may_fall[falling.machine[falling.candidates]] = True
        moving = np.where(raised, may_fall, may_rise)
    transitions: list[Transition] = []
    if falling is not None:
        for machine in np.flatnonzero(moving):
            raised_at = int(before.raised_at[machine]) if raised[machine] else None
            transitions += _walk(int(machine), raised_at, rising, falling, grid)
    return _after(before, rising, falling, transitions), transitions


def _runs(
    truth: FloatColumn, grid: Grid, hold_ms: int, gap_ms: int, before: RuleState,
    counting: NDArray[np.bool_],
) -> _Runs:  # fmt: skip
    since = np.where(counting, before.since, NEVER)
    known = np.where(counting, before.known, NEVER)
    return _Runs(truth, grid, hold_ms, gap_ms, since, known)


def _walk(
    machine: int, raised_at: int | None, rising: _Runs, falling: _Runs, grid: Grid
) -> list[Transition]:
    """All transitions of one machine, from one to the next."""
    found: list[Transition] = []
    row = -1
    todo = {True: list(rising.of(machine)), False: list(falling.of(machine))}
    while True:
        rise = raised_at is None
        runs, waiting = (rising if rise else falling), todo[rise]
        held = None
        while waiting and held is None:
            held = runs.held(int(waiting[0]), row)
            if held is None:
                waiting.pop(0)
        if held is None:
            return found
        row, begun = held
        at = int(grid.times[row])
        found.append(Transition(machine, rise, row, begun, at if raised_at is None else raised_at))
        raised_at = at if rise else None


def _after(
    before: RuleState, rising: _Runs, falling: _Runs | None, transitions: list[Transition]
) -> RuleState:
    """The state after the batch: where each machine stands, and the run it is in."""
    m = len(before.phase)
    raised = before.phase >= RAISED
    raised_at = np.where(raised, before.raised_at, NEVER)
    row = np.full(m, -1, np.intp)
    for change in transitions:
        raised[change.machine] = change.raised
        raised_at[change.machine] = change.raised_at if change.raised else NEVER
        row[change.machine] = change.row
    phase, since, known = before.phase.copy(), before.since.copy(), before.known.copy()
    for standing, runs, in_run, at_rest in (
        (~raised, rising, PENDING, IDLE),
        (raised, falling, CLEARING, RAISED),
    ):
        if runs is None:
            continue
        final = runs.final
        unchanged = (final == NOTHING_KNOWN) & (row < 0)
        resting = standing & ~unchanged
        phase[resting] = at_rest
        since[resting] = known[resting] = NEVER
        for machine in np.flatnonzero(standing & (final >= 0)):
            run = int(final[machine])
            start = runs.start_after(run, int(row[machine]))
            if start is not None:
                phase[machine], since[machine] = in_run, start[1]
                known[machine] = runs.times[runs.last[run]]
    return RuleState(phase, since, known, raised_at)
