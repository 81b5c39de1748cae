"""What a transaction writes about the machines it judged: states, checkpoints, what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from fleet.batch import FloatColumn
from rules.codec import dump
from rules.compiled import CompiledPlan
from rules.faults import FaultState, active_state
from rules.lifecycle import Entry
from rules.state import NEVER, NO_REGIME, FleetState, Memory
from store import rule_state
from store.connection import Connection
from store.rule_state import Now, Saved

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
    """What a worker knows of a product's machines: states, trouble codes, newest checkpoints."""

    states: Memory
    faults: dict[int, FaultState] = field(default_factory=dict)
    checkpointed: dict[int, int] = field(default_factory=dict)

    def take_over(self, work: Work) -> None:
        """Keep what a committed transaction learnt."""
        for state in work.states:
            self.states.put(state)
        self.faults.update(work.faults)
        self.checkpointed.update(work.checkpointed)


def keep(connection: Connection, compiled: CompiledPlan, known: Known, work: Work) -> None:
    """Write the states of a transaction's machines and what is known of them now."""
    rows: dict[int, tuple[FleetState, int, FaultState]] = {}
    now: list[Now] = []
    for state in work.states:
        for row, machine in enumerate(state.machine_id.tolist()):
            faults = work.faults.get(machine, known.faults[machine])
            rows[machine] = (state, row, faults)
        now += _known_now(compiled, state)
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
    if now:
        rule_state.put_now(connection, now)
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


def _known_now(compiled: CompiledPlan, state: FleetState) -> list[Now]:
    regimes = [regime.id for regime in compiled.plan.regimes]
    keys, known = compiled.signals, state.last_time != NEVER
    columns = zip(
        state.machine_id.tolist(), state.as_of.tolist(), state.regime.tolist(),
        state.regime_since.tolist(), _shown(compiled, state.last_value).tolist(),
        state.last_time.tolist(), known.tolist(), strict=True,
    )  # fmt: skip
    return [
        Now(
            machine,
            as_of,
            None if regime == NO_REGIME else regimes[regime],
            None if since == NEVER else since,
            # Without a loop of its own: a fleet has hundreds of thousands of values.
            dict(compress(zip(keys, zip(values, times, strict=True), strict=True), own)),
        )
        for machine, as_of, regime, since, values, times, own in columns
    ]


def _shown(compiled: CompiledPlan, values: FloatColumn) -> FloatColumn:
    """Values (m, s) without the digits that a column of type real does not hold: 7 of them."""
    real = [signal.type == "real" for signal in compiled.plan.signals]
    own = values[:, real]
    with np.errstate(divide="ignore"):
        digits = 6 - np.floor(np.log10(np.abs(own)))
    digits = np.where(np.isfinite(digits), digits, 0)
    # Powers of ten up to 22 are exact, so what is divided by one is what its digits would be read
    # as; of values below 1e-16 the last bit may differ.
    up, down = 10.0 ** np.maximum(digits, 0), 10.0 ** np.maximum(-digits, 0)
    shown = values.copy()
    shown[:, real] = np.rint(own * up / down) / up * down
    return shown
