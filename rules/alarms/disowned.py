"""Alarms that something else than the machine's data has closed: its rule was changed and changed
back before the machine spoke, or the machine was retired and is in the fleet again. Pure.

A state still holds them as raised, and would never raise them again. It begins anew with what no
alarm stands for: what still holds is raised after its hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from rules.alarms.booking import standing_in
from rules.alarms.episodes import Key
from rules.compiled import CompiledPlan
from rules.detectors.watched import Watched
from rules.faults import FaultState, standing_codes
from rules.state import IDLE, NEVER, FleetState


def held_as_raised(
    compiled: CompiledPlan, states: FleetState, faults: Mapping[int, FaultState]
) -> set[Key]:
    """The alarms that states and trouble codes (by machine) hold as raised."""
    codes = (standing_codes(compiled, machine, own) for machine, own in faults.items())
    return {key for key, _ in standing_in(compiled, states)} | {k for own in codes for k, _ in own}


def without(compiled: CompiledPlan, states: FleetState, closed: Collection[Key]) -> FleetState:
    """The states without the alarms that were `closed`."""
    states = states.select(range(len(states)))
    watched = [list(own) for own in states.watched]
    suspects = list(states.suspects)
    rows = {machine: row for row, machine in enumerate(states.machine_id.tolist())}
    for machine, component, rule in closed:
        row, index = rows[machine], compiled.condition_index.get(rule)
        if index is not None:
            states.phase[row, index] = IDLE
            for moments in (states.since, states.known, states.raised_at):
                moments[row, index] = NEVER
        watched[row] = [_unwatched(own, component, rule) for own in watched[row]]
        suspects[row] = {
            signal: own
            for signal, own in suspects[row].items()
            if not any(one.key == (rule, component) for one in own.standing_alarms)
        }
    return replace(states, watched=tuple(tuple(own) for own in watched), suspects=tuple(suspects))


def _unwatched(watched: Watched, component: str, rule: str) -> Watched:
    if not any(one.key == (rule, component) for one in watched.standing_alarms):
        return watched
    faulty = {k: v for k, v in watched.faulty.items() if v.key != (rule, component)}
    own = watched.raised
    gone = own is not None and own.key == (rule, component)
    return replace(watched, raised=None if gone else own, faulty=faulty)


def without_codes(
    compiled: CompiledPlan, machine: int, faults: FaultState, at: int, closed: Collection[Key]
) -> FaultState:
    """A machine's trouble codes without the alarms that were `closed`, as of `at` (ms)."""
    standing = standing_codes(compiled, machine, faults)
    gone = [
        one for one, (key, _) in zip(faults.raised, standing, strict=True) if key in closed
    ]  # fmt: skip
    return faults.begun_anew(gone, max(faults.as_of, at))
