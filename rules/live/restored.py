"""Machines' states as the store holds them, made whole again: windows, and what gauges and
detectors hold, come from the samples since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rules.codec import load, nothing_known
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.engine import fold, with_windows
from rules.faults import FaultState
from rules.live.knowledge import Knowledge
from rules.state import NEVER, FleetState, Memory, stack
from store import rule_state
from store.connection import Connection
from store.reading import read_range

_HOUR_MS = 3_600_000
#: Machines whose rows since their checkpoint are read together.
READ_AT_ONCE = 200


class Restorer:
    """Reads states of one product's machines, of what `identities` and `knowledge` say of them."""

    def __init__(
        self, compiled: CompiledPlan, identities: Mapping[int, Identity], knowledge: Knowledge
    ) -> None:
        self._compiled = compiled
        self._identities = identities
        self._knowledge = knowledge

    def states(
        self, connection: Connection, machines: Sequence[int], now: int
    ) -> tuple[FleetState, dict[int, FaultState]]:
        """The states of machines and of their trouble codes, as of their newest samples."""
        stored = rule_state.states(connection, machines)
        snapshots = [
            load(self._compiled, machine, stored[machine])
            if machine in stored
            else nothing_known(self._compiled, machine)
            for machine in machines
        ]
        states = warm(
            connection, self._compiled, self._identities,
            [snapshot.state for snapshot in snapshots],
        )  # fmt: skip
        faults = {m: one.faults for m, one in zip(machines, snapshots, strict=True)}
        return self._recalled(connection, states, now), faults

    def _recalled(self, connection: Connection, states: FleetState, now: int) -> FleetState:
        """The same with what gauges and detectors hold: that of the newest checkpoint, and of the
        rows since."""
        if not self._compiled.gauges.all and not self._compiled.detectors:
            return states
        saved = rule_state.newest_checkpoints(connection, states.machine_id.tolist())
        found = []
        for at in range(0, len(states), READ_AT_ONCE):
            part = states.select(np.arange(at, min(at + READ_AT_ONCE, len(states))))
            begun = [
                load(self._compiled, machine, saved[machine].state).state
                if machine in saved
                else nothing_known(self._compiled, machine).state
                for machine in part.machine_id.tolist()
            ]
            begun_warm = warm(connection, self._compiled, self._identities, begun)
            found.append(self._recall_since(connection, part, begun_warm, now))
        return stack(found)

    def _recall_since(
        self, connection: Connection, states: FleetState, begun: FleetState, now: int
    ) -> FleetState:
        heard = states.as_of != NEVER
        if not heard.any():
            return states
        known = begun.as_of[begun.as_of != NEVER]
        since = int(known.min()) + 1 if len(known) else int(states.as_of[heard].min())
        ids, until = states.machine_id.tolist(), int(states.as_of.max()) + 1
        rows = read_range(connection, self._compiled.plan, ids, since, until)
        place = np.searchsorted(states.machine_id, rows.machine_id)
        new = (rows.measured_at > begun.as_of[place]) & (rows.measured_at <= states.as_of[place])
        taught = self._knowledge.covering(connection, since, now)
        after, _ = fold(self._compiled, self._identities, begun, rows.take(new), taught=taught)
        memory = Memory(self._compiled)
        memory.put(begun)
        memory.put(after)
        again = memory.take(ids)
        return replace(
            states, operating=again.operating, learned=again.learned, open=again.open,
            watched=again.watched,
        )  # fmt: skip


def warm(
    connection: Connection,
    compiled: CompiledPlan,
    identities: Mapping[int, Identity],
    states: Sequence[FleetState],
) -> FleetState:
    """States read from the store, with their windows. Machines whose state is of
    the same hour are read together."""
    whole = stack(states)
    if not compiled.lanes:
        return whole
    hours = whole.as_of // _HOUR_MS
    warmed = []
    for hour in np.unique(hours):
        group = whole.select(np.flatnonzero(hours == hour))
        if group.as_of[0] != NEVER:
            since = int(group.as_of.min()) - compiled.past_ms
            until = int(group.as_of.max()) + 1
            past = read_range(connection, compiled.plan, group.machine_id.tolist(), since, until)
            own = np.searchsorted(group.machine_id, past.machine_id)
            past = past.take(past.measured_at <= group.as_of[own])
            group = with_windows(compiled, identities, group, past)
        warmed.append(group)
    return stack(warmed)
