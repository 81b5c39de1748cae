"""Folding machines with late rows again: from the checkpoint before them, in slices of bounded
size, with a new checkpoint behind the late rows so that the next of them have not far to go."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fleet.batch import IntColumn, SampleBatch
from rules.changes import AlarmChange
from rules.codec import load, nothing_known
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.detectors.live import Taught
from rules.engine import fold
from rules.faults import FaultState
from rules.live.keeping import saved_state
from rules.live.restored import warm
from rules.state import NEVER, FleetState, Memory
from store import rule_state
from store.connection import Connection
from store.reading import read_range

#: Rows read at a time, about.
SLICE_ROWS = 150_000
_LEAST_SLICE_MS = 3_600_000


class Refold:
    """Machines with late rows: `states` as they were, `rows` all that came of them, and `late`
    the times of the late ones among these. They are read again from `first_row` (ms) on."""

    def __init__(
        self,
        connection: Connection,
        compiled: CompiledPlan,
        identities: Mapping[int, Identity],
        states: FleetState,
        rows: SampleBatch,
        late: SampleBatch,
    ) -> None:
        self._connection = connection
        self._compiled = compiled
        self._identities = identities
        self._ids = states.machine_id.tolist()
        place, late_place = _places(states, rows), _places(states, late)
        self._until = states.as_of.copy()
        np.maximum.at(self._until, place, rows.measured_at)
        self._oldest = np.full(len(states), np.iinfo(np.int64).max)
        np.minimum.at(self._oldest, late_place, late.measured_at)
        self._newest_late = np.full(len(states), NEVER, np.int64)
        np.maximum.at(self._newest_late, late_place, late.measured_at)
        self.start = self._start()
        self.first_row = self._first_row()
        self.checkpointed: dict[int, int] = {}

    def run(
        self, faults: Mapping[int, FaultState], taught: Taught
    ) -> tuple[FleetState, list[AlarmChange]]:
        """The machines' states and changes since `start`; writes the new checkpoints."""
        since = dict(zip(self._ids, self._oldest.tolist(), strict=True))
        rule_state.forget_checkpoints(self._connection, since)
        memory = Memory(self._compiled)
        memory.put(self.start)
        changes: list[AlarmChange] = []
        at, end = self.first_row, int(self._until.max()) + 1
        while at < end:
            stop = min(at + self._slice_ms(), end)
            rows = read_range(self._connection, self._compiled.plan, self._ids, at, stop)
            place = _places(self.start, rows)
            wanted = (rows.measured_at > self.start.as_of[place]) & (
                rows.measured_at <= self._until[place]
            )
            behind = rows.measured_at <= self._newest_late[place]
            for part, marked in ((wanted & behind, True), (wanted & ~behind, False)):
                state, more = self._fold(memory, rows.take(part), taught)
                changes += more
                if marked and len(state):
                    self._mark(state, faults)
            at = stop
        return memory.take(self._ids), changes

    def _fold(
        self,
        memory: Memory,
        rows: SampleBatch,
        taught: Taught,
    ) -> tuple[FleetState, list[AlarmChange]]:
        machines = np.unique(rows.machine_id).tolist()
        before = memory.take(machines)
        state, changes = fold(self._compiled, self._identities, before, rows, taught=taught)
        memory.put(state)
        return state, changes

    def _start(self) -> FleetState:
        """Each machine's newest checkpoint before its oldest late row."""
        stored = rule_state.checkpoints(self._connection, self._ids)
        found = []
        for machine, oldest in zip(self._ids, self._oldest.tolist(), strict=True):
            snapshots = (
                load(self._compiled, machine, saved.state)
                for saved in stored.get(machine, [])
                if saved.as_of < oldest
            )
            fitting = (one for one in snapshots if int(one.state.as_of[0]) < oldest)
            nothing = nothing_known(self._compiled, machine)
            found.append(next(fitting, nothing).state)
        return warm(self._connection, self._compiled, self._identities, found)

    def _first_row(self) -> int:
        """The earliest moment any of the machines has to be read from."""
        unknown = [m for m, at in zip(self._ids, self.start.as_of, strict=True) if at == NEVER]
        firsts = rule_state.first_samples(self._connection, unknown) if unknown else {}
        moments = [int(at) + 1 for at in self.start.as_of if at != NEVER]
        for machine, oldest in zip(self._ids, self._oldest.tolist(), strict=True):
            if machine in unknown:
                moments.append(min(oldest, firsts.get(machine, oldest)))
        return min(moments)

    def _slice_ms(self) -> int:
        rows = SLICE_ROWS * self._compiled.plan.report.working_s * 1000
        return max(round(rows / len(self._ids)), _LEAST_SLICE_MS)

    def _mark(self, state: FleetState, faults: Mapping[int, FaultState]) -> None:
        saved = [
            saved_state(self._compiled, state, row, faults[machine], learned=True)
            for row, machine in enumerate(state.machine_id.tolist())
        ]
        rule_state.put_checkpoints(self._connection, saved)
        self.checkpointed.update({one.machine_id: one.as_of for one in saved})


def _places(states: FleetState, rows: SampleBatch) -> IntColumn:
    return np.asarray(np.searchsorted(states.machine_id, rows.machine_id), np.int64)
