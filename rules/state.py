"""What the engine keeps of each machine between batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from rules.compiled import CompiledPlan

#: Before every time of measurement.
NEVER = -(2**62)
NO_REGIME = -1

IDLE, PENDING, RAISED, CLEARING = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Tail:
    """A machine's recent past for the windows: `times` (n,) and `values` (n, windowed signals),
    carried forward as the rules saw them."""

    times: IntColumn
    values: FloatColumn


@dataclass(frozen=True, slots=True)
class FleetState:
    """State of m machines of one product, as columns; s signals, r rules with a condition.

    `as_of` newest moment folded in; `regime` index or NO_REGIME, since `regime_since`;
    `last_value`, `last_time` (m, s) the last known value of each signal. Of each rule (m, r):
    `phase`, `since` when the pending or clearing run began, `known` its last known moment,
    `raised_at`, and of the tails one per machine. All times are milliseconds since 1970 UTC.
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
    tails: tuple[Tail, ...]

    def __len__(self) -> int:
        return len(self.machine_id)

    def select(self, rows: Sequence[int] | NDArray[np.intp]) -> FleetState:
        """The machines at these positions, in this order."""
        return FleetState(
            self.machine_id[rows],
            self.as_of[rows],
            self.regime[rows],
            self.regime_since[rows],
            self.last_value[rows],
            self.last_time[rows],
            self.phase[rows],
            self.since[rows],
            self.known[rows],
            self.raised_at[rows],
            tuple(self.tails[int(row)] for row in rows),
        )


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
        (empty_tail(compiled),) * m,
    )


def empty_tail(compiled: CompiledPlan) -> Tail:
    return Tail(np.empty(0, np.int64), np.empty((0, len(compiled.windowed))))


def stack(states: Sequence[FleetState]) -> FleetState:
    """Several states as one, ordered by machine id. No machine may stand in two of them."""
    if len(states) == 1:
        return states[0]
    machine_id = np.concatenate([state.machine_id for state in states])
    joined = FleetState(
        machine_id,
        np.concatenate([state.as_of for state in states]),
        np.concatenate([state.regime for state in states]),
        np.concatenate([state.regime_since for state in states]),
        np.concatenate([state.last_value for state in states]),
        np.concatenate([state.last_time for state in states]),
        np.concatenate([state.phase for state in states]),
        np.concatenate([state.since for state in states]),
        np.concatenate([state.known for state in states]),
        np.concatenate([state.raised_at for state in states]),
        tuple(tail for state in states for tail in state.tails),
    )
    return joined.select(np.argsort(machine_id))
