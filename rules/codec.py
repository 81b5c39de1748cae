"""A machine's state as bytes for the store: compact, versioned, and readable after the plan has
changed, because signals, regimes and rules are kept by name.

The tails of the windows are not part of it: they are made anew from the stored rows. Nor is what
the gauges hold, but in a checkpoint: it would be most of the bytes, and is made anew from the
newest checkpoint and the rows since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from fleet.batch import FaultCode
from fleet.errors import IronpulseError
from rules.compiled import CompiledPlan
from rules.detectors.codec import (
    StoredSuspect,
    StoredWatched,
    restored,
    restored_suspects,
    stored_suspects,
    stored_watched,
)
from rules.detectors.watched import Suspects
from rules.faults import ActiveCode, FaultState
from rules.remembered.gauges import EARLIER
from rules.state import IDLE, NEVER, NO_REGIME, FleetState, empty_state

VERSION = 1


class _Code(msgspec.Struct, omit_defaults=True):
    since: int
    spn: int | None = None
    fmi: int | None = None
    code: str | None = None
    oc: int | None = None
    sa: int | None = None
    lamp: str | None = None
    counted_at: int = NEVER
    lit_at: int = NEVER
    anew_at: int = NEVER


class _Stored(msgspec.Struct, array_like=True):
    version: int
    as_of: int
    regime: str | None
    regime_since: int
    signals: msgspec.Raw
    values: bytes
    times: bytes
    rules: dict[str, tuple[int, int, int, int]]
    faults_as_of: int
    active: list[_Code]
    raised: list[tuple[str, str, int]]
    judged_by: dict[str, str] = {}
    operating: int = 0
    learned: dict[str, bytes] = {}
    watched: dict[str, StoredWatched] = {}
    suspects: dict[str, StoredSuspect] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)
_names = msgspec.msgpack.Decoder(list[str])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is kept of one machine: its row of a FleetState, and its trouble codes."""

    state: FleetState
    faults: FaultState

    @property
    def as_of(self) -> int:
        """The newest moment folded in."""
        return max(int(self.state.as_of[0]), self.faults.as_of)


def dump(
    compiled: CompiledPlan,
    state: FleetState,
    row: int,
    faults: FaultState,
    *,
    learned: bool = False,
) -> bytes:
    """The machine in `row` of `state`, and its trouble codes, as bytes; `learned` says whether
    with what the gauges hold."""
    known, names = _named(compiled.signals, (state.last_time[row] != NEVER).tobytes())
    regime = int(state.regime[row])
    rules = {
        compiled.conditions[i].rule.id: (
            int(state.phase[row, i]),
            int(state.since[row, i]),
            int(state.known[row, i]),
            int(state.raised_at[row, i]),
        )
        for i in np.flatnonzero(state.phase[row] != IDLE)
    }
    raised = {rule for rule, _ in faults.raised}
    watched = stored_watched(compiled, state.watched[row], state.open[row]) if learned else {}
    suspects = stored_suspects(state.suspects[row])
    judging = {*rules, *raised, *watched}
    if suspects and compiled.sensor_rule is not None:
        judging.add(compiled.sensor_rule.id)
    return _encoder.encode(
        _Stored(
            VERSION,
            int(state.as_of[row]),
            None if regime == NO_REGIME else compiled.plan.regimes[regime].id,
            int(state.regime_since[row]),
            names,
            np.asarray(state.last_value[row, known], "<f8").tobytes(),
            np.asarray(state.last_time[row, known], "<i8").tobytes(),
            rules,
            faults.as_of,
            [_code(entry) for entry in faults.active.values()],
            [(rule, key, at) for (rule, key), at in faults.raised.items()],
            {rule: compiled.plan.rule[rule].judgement for rule in judging},
            int(state.operating[row]),
            _held(compiled, state, row) if learned else {},
            watched,
            suspects,
        )
    )


@lru_cache(4096)
def _named(signals: tuple[str, ...], known: bytes) -> tuple[NDArray[np.intp], msgspec.Raw]:
    """Indices of the signals whose bool is true, and their names encoded: most machines know the
    same ones, and all are written in every transaction."""
    places = np.flatnonzero(np.frombuffer(known, bool))
    return places, msgspec.Raw(_encoder.encode([signals[i] for i in places]))


def _held(compiled: CompiledPlan, state: FleetState, row: int) -> dict[str, bytes]:
    """The numbers of each gauge that holds any, by its key."""
    return {
        gauge.key: state.learned[row, gauge.slots].astype("<f8").tobytes()
        for gauge in compiled.gauges.all
        if not np.isnan(state.learned[row, gauge.slots]).all()
    }


def load(compiled: CompiledPlan, machine_id: int, data: bytes) -> Snapshot:
    """The machine from its bytes; what the plan no longer has is left out, and a rule that
    judges otherwise now starts anew.

    Raises IronpulseError where the bytes are of another version.
    """
    kept, signals = _decode(data)
    state = empty_state(compiled, [machine_id])
    changed = {
        detector.rule.id
        for detector in compiled.detectors
        if not _judges_alike(compiled, kept, detector.rule.id)
    }
    watched, state.open[0] = restored(compiled, kept.watched, changed)
    state = replace(state, watched=(watched,), suspects=(_suspects(compiled, kept),))
    state.as_of[0] = kept.as_of
    regimes = [regime.id for regime in compiled.plan.regimes]
    state.regime[0] = regimes.index(kept.regime) if kept.regime in regimes else NO_REGIME
    state.regime_since[0] = kept.regime_since
    places = {key: i for i, key in enumerate(compiled.signals)}
    values, times = np.frombuffer(kept.values, "<f8"), np.frombuffer(kept.times, "<i8")
    for key, value, time in zip(signals, values, times, strict=True):
        if key in places:
            state.last_value[0, places[key]] = value
            state.last_time[0, places[key]] = time
    for rule, fields in kept.rules.items():
        if rule in compiled.condition_index and _judges_alike(compiled, kept, rule):
            i = compiled.condition_index[rule]
            phase, since, known, raised_at = fields
            state.phase[0, i], state.since[0, i] = phase, since
            state.known[0, i], state.raised_at[0, i] = known, raised_at
    state.operating[0] = kept.operating
    for gauge in compiled.gauges.all:
        numbers = np.frombuffer(kept.learned.get(gauge.key, b""), "<f8")
        # States of before growth knew of wild values lack its last numbers.
        short = gauge.width - len(numbers)
        if short == 0 or (gauge.function == "growth" and short == EARLIER):
            state.learned[0, gauge.slots] = np.append(numbers, np.full(short, np.nan))
    return Snapshot(state, _faults(compiled, kept))


def _suspects(compiled: CompiledPlan, kept: _Stored) -> Suspects:
    rule = compiled.sensor_rule
    if rule is None or not _judges_alike(compiled, kept, rule.id):
        return {}
    return restored_suspects(kept.suspects, compiled.plan.signal)


def _judges_alike(compiled: CompiledPlan, stored: _Stored, rule: str) -> bool:
    """Whether a rule judges as it did when the state was kept; states of before the judgement
    was noted are taken as they are."""
    return stored.judged_by.get(rule) in (None, compiled.plan.rule[rule].judgement)


def nothing_known(compiled: CompiledPlan, machine_id: int) -> Snapshot:
    """A machine nothing was heard of yet."""
    return Snapshot(empty_state(compiled, [machine_id]), FaultState())


def _decode(data: bytes) -> tuple[_Stored, list[str]]:
    """What was stored, and the signals of its values."""
    try:
        stored = _decoder.decode(data)
        signals = _names.decode(stored.signals)
    except msgspec.MsgspecError as error:
        raise IronpulseError(f"a machine's rule state cannot be read: {error}") from error
    if stored.version != VERSION:
        raise IronpulseError(
            f"a machine's rule state is of version {stored.version}, this program reads "
            f"{VERSION}; run the program that wrote it, or empty rule_state and rule_checkpoint"
        )
    return stored, signals


def _code(entry: ActiveCode) -> _Code:
    code = entry.code
    return _Code(
        entry.since, code.spn, code.fmi, code.code, code.oc, code.sa, code.lamp,
        entry.counted_at, entry.lit_at, entry.anew_at,
    )  # fmt: skip


def _faults(compiled: CompiledPlan, stored: _Stored) -> FaultState:
    active = {}
    for kept in stored.active:
        code = FaultCode(kept.spn, kept.fmi, kept.code, kept.oc, kept.sa, kept.lamp)
        moments = kept.since, kept.counted_at, kept.lit_at, kept.anew_at
        active[code.key] = ActiveCode(code, *moments)
    known = {rule.id for rule in compiled.fault_rules}
    raised = {(rule, key): at for rule, key, at in stored.raised}
    changed = {
        (rule, key)
        for rule, key in raised
        if rule not in known or not _judges_alike(compiled, stored, rule)
    }
    state = FaultState(stored.faults_as_of, active, raised)
    return state.begun_anew(changed, max(stored.faults_as_of, stored.as_of))
