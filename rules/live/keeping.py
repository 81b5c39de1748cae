"""What a transaction writes about the machines it judged: states, checkpoints, trouble codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rules.alarms.lifecycle import Entry
from rules.codec import dump
from rules.compiled import CompiledPlan
from rules.faults import FaultState, active_state
from rules.state import NEVER, FleetState, Memory
from store import rule_state
from store.connection import Connection
from store.rule_state import Saved

#: A machine's state is kept as a checkpoint about this often, in its own time.
CHECKPOINT_MS = 3_600_000


@dataclass(slots=True)
class Work:
    """What one transaction did: alarms that changed, and states to keep once it is committed."""

    entries: list[Entry] = field(default_factory=list)
    states: list[FleetState] = field(default_factory=list)
    faults: dict[int, FaultState] = field(default_factory=dict)
    checkpointed: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """What a worker knows of a product's machines: states, trouble codes, newest checkpoints, and
    which of them have moved on since they were shown, those that wait for longest first."""

    states: Memory
    faults: dict[int, FaultState] = field(default_factory=dict)
    checkpointed: dict[int, int] = field(default_factory=dict)
    unshown: dict[int, None] = field(default_factory=dict)

    def take_over(self, work: Work) -> None:
        """Keep what a committed transaction learnt."""
        for state in work.states:
            self.states.put(state)
            self.unshown |= dict.fromkeys(state.machine_id.tolist())
        self.faults.update(work.faults)
        self.checkpointed.update(work.checkpointed)


def keep(connection: Connection, compiled: CompiledPlan, known: Known, work: Work) -> None:
    """Write the states of a transaction's machines, and their trouble codes."""
    rows: dict[int, tuple[FleetState, int, FaultState]] = {}
    for state in work.states:
        for row, machine in enumerate(state.machine_id.tolist()):
            faults = work.faults.get(machine, known.faults[machine])
            rows[machine] = (state, row, faults)
    for machine, faults in work.faults.items():
        if machine not in rows:
            rows[machine] = (known.states.take([machine]), 0, faults)
    if rows:
        saved = [saved_state(compiled, *one) for one in rows.values()]
        rule_state.put_states(connection, saved)
        due = _due(saved, known.checkpointed, work)
        whole = [saved_state(compiled, *rows[machine], learned=True) for machine in due]
        if whole:
            rule_state.put_checkpoints(connection, whole)
    if work.faults:
        active = {machine: active_state(state) for machine, state in work.faults.items()}
        rule_state.put_faults_now(connection, active)


def saved_state(
    compiled: CompiledPlan,
    state: FleetState,
    row: int,
    faults: FaultState,
    *,
    learned: bool = False,
) -> Saved:
    """The machine in a row of `state` as the store keeps it; as of its newest sample, or report
    where it never sent a sample. A checkpoint holds what was `learned` too."""
    as_of = int(state.as_of[row])
    moment = faults.as_of if as_of == NEVER else as_of
    data = dump(compiled, state, row, faults, learned=learned)
    return Saved(int(state.machine_id[row]), moment, data)


def _due(saved: Sequence[Saved], before: Mapping[int, int], work: Work) -> list[int]:
    """The machines whose state is to be kept as a checkpoint."""
    due = []
    for one in saved:
        last = work.checkpointed.get(one.machine_id, before.get(one.machine_id, NEVER))
        if one.as_of - last >= CHECKPOINT_MS:
            due.append(one.machine_id)
            work.checkpointed[one.machine_id] = one.as_of
    return due
