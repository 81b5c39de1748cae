"""What the engine keeps of each machine between batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.carry import NEVER as NEVER
from rules.compiled import CompiledPlan
from rules.detectors.watched import NOTHING_WATCHED, Suspects, Watched, nothing_open
from rules.sliding.lanes import nothing_slid
from rules.sliding.recent import Recent, packed, together

NO_REGIME = -1

IDLE, PENDING, RAISED, CLEARING = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class FleetState:
    """State of m machines of one product, as columns; s signals, r rules with a condition.

    `as_of` newest moment folded in; `regime` index or NO_REGIME, since `regime_since`;
    `last_value`, `last_time` (m, s) the last known value of each signal. Of each rule (m, r):
    `phase`, `since` when the pending or clearing run began, `known` its last known moment,
    `raised_at`. `operating` is the operating time so far, ms, and `learned` (m, k) the numbers of
    the gauges (rules.remembered.gauges), NaN where there is none yet; `open` (m, o) the stretches
    that learned detectors gather (rules.detectors.stretches). Of the windows `sliding` (m, w) are
    the numbers (rules.sliding.lanes) and `places` (m, p) where its rows stand in `recent`, one for
    each lane of the plan. And of each machine what its detectors keep, and the sensors that are
    suspect. All times are milliseconds since 1970 UTC.
    """

    machine_id: IntColumn
    as_of: IntColumn
    regime: NDArray[np.int16]
    regime_since: IntColumn
    last_value: FloatColumn
    last_time: IntColumn
    phase: NDArray[np.int8]
    since: IntColumn
    known: IntColumn
    raised_at: IntColumn
    operating: IntColumn
    learned: FloatColumn
    open: FloatColumn
    sliding: FloatColumn
    places: IntColumn
    recent: tuple[Recent, ...]
    watched: tuple[tuple[Watched, ...], ...]
    suspects: tuple[Suspects, ...]

    def __len__(self) -> int:
        return len(self.machine_id)

    def select(self, rows: Sequence[int] | NDArray[np.intp]) -> FleetState:
        """The machines at these positions, in this order."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in COLUMNS}
        return FleetState(
            **columns,
            recent=self.recent,
            watched=tuple(self.watched[int(row)] for row in rows),
            suspects=tuple(self.suspects[int(row)] for row in rows),
        )


#: The columns of FleetState, in the order of its fields.
COLUMNS = tuple(FleetState.__dataclass_fields__)[:-3]


def empty_state(compiled: CompiledPlan, machine_ids: Sequence[int]) -> FleetState:
    """Machines of which nothing is known yet, ordered by id."""
    m, s, r = len(machine_ids), len(compiled.signals), len(compiled.conditions)
    return FleetState(
        np.array(sorted(machine_ids), np.int64),
        np.full(m, NEVER, np.int64),
        np.full(m, NO_REGIME, np.int16),
        np.full(m, NEVER, np.int64),
        np.full((m, s), np.nan),
        np.full((m, s), NEVER, np.int64),
        np.zeros((m, r), np.int8),
        np.full((m, r), NEVER, np.int64),
        np.full((m, r), NEVER, np.int64),
        np.full((m, r), NEVER, np.int64),
        np.zeros(m, np.int64),
        np.full((m, compiled.gauges.width), np.nan),
        np.tile(_nothing_open(compiled), (m, 1)),
        np.tile(nothing_slid(compiled.lanes), (m, 1)),
        np.zeros((m, compiled.lanes[-1].places.stop if compiled.lanes else 0), np.int64),
        tuple(Recent(one.columns, len(one.windows), one.sparse) for one in compiled.lanes),
        ((NOTHING_WATCHED,) * len(compiled.detectors),) * m,
        ({},) * m,
    )


def _nothing_open(compiled: CompiledPlan) -> FloatColumn:
    return np.concatenate([np.empty(0), *map(nothing_open, compiled.detectors)])


def stack(states: Sequence[FleetState]) -> FleetState:
    """Several states as one, ordered by machine id. No machine may stand in two of them."""
    if len(states) == 1:
        return states[0]
    watched = tuple(own for each in states for own in each.watched)
    suspects = tuple(own for each in states for own in each.suspects)
    joined = _joined(states, watched, suspects)
    return joined.select(np.argsort(joined.machine_id))


def _joined(
    states: Sequence[FleetState],
    watched: tuple[tuple[Watched, ...], ...],
    suspects: tuple[Suspects, ...],
) -> FleetState:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in states]) for name in COLUMNS
    }
    recent = []
    for i, own in enumerate(_lanes(states[0].recent)):
        parts = [(each.recent[i], each.places[:, own]) for each in states]
        rows, columns["places"][:, own] = together(parts)
        recent.append(rows)
    return FleetState(**columns, recent=tuple(recent), watched=watched, suspects=suspects)


def _lanes(recent: Sequence[Recent]) -> list[slice]:
    """Which of a machine's places are those of each lane."""
    ends = list(accumulate((rows.width for rows in recent), initial=0))
    return [slice(*pair) for pair in pairwise(ends)]


class Memory:
    """The states a worker keeps between batches, by machine. Once a machine's state is replaced,
    the one before it is used up: nobody may go on from it."""

    def __init__(self, compiled: CompiledPlan) -> None:
        self._all = empty_state(compiled, [])
        self._watched: list[tuple[Watched, ...]] = []
        self._suspects: list[Suspects] = []
        self._row: dict[int, int] = {}

    def lacks(self, machine_ids: Iterable[int]) -> list[int]:
        """Those of the machines that were not put in yet."""
        return [machine for machine in machine_ids if machine not in self._row]

    def take(self, machine_ids: Sequence[int]) -> FleetState:
        """The states of these machines, all of which were put in, in this order."""
        rows = [self._row[machine] for machine in machine_ids]
        columns: dict[str, Any] = {name: getattr(self._all, name)[rows] for name in COLUMNS}
        return FleetState(
            **columns,
            recent=self._all.recent,
            watched=tuple(self._watched[row] for row in rows),
            suspects=tuple(self._suspects[row] for row in rows),
        )

    def put(self, state: FleetState) -> None:
        """Keep these states; they replace what was known of the same machines."""
        new = self.lacks(state.machine_id.tolist())
        if new:
            added = state.select(np.flatnonzero(np.isin(state.machine_id, new)))
            for machine in added.machine_id.tolist():
                self._row[machine] = len(self._row)
            self._watched += added.watched
            self._suspects += added.suspects
            self._all = _joined([self._all, added], (), ())
        rows = [self._row[machine] for machine in state.machine_id.tolist()]
        before = self._all.places[rows]
        for name in COLUMNS:
            getattr(self._all, name)[rows] = getattr(state, name)
        self._keep_rows(rows, before, state)
        for row, own in zip(rows, state.watched, strict=True):
            self._watched[row] = own
        for row, suspects in zip(rows, state.suspects, strict=True):
            self._suspects[row] = suspects

    def _keep_rows(self, rows: Sequence[int], before: IntColumn, state: FleetState) -> None:
        """The recent rows of states whose places were taken over, here and without waste; `before`
        are the places that these machines had."""
        kept = []
        for i, own in enumerate(_lanes(self._all.recent)):
            recent, places = self._all.recent[i], self._all.places[:, own]
            places[rows] = recent.adopt(state.recent[i], places[rows])
            recent.release(before[:, own], places[rows])
            recent, places[:] = packed(recent, places)
            kept.append(recent)
        self._all = replace(self._all, recent=tuple(kept))
