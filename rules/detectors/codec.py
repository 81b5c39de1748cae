"""What detectors keep of a machine, in a form that can be stored: compact, and readable after the
plan has changed, because detectors and columns are kept by name."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from fleet.batch import FloatColumn
from rules.compiled import CompiledPlan, DetectorRule
from rules.detectors.regime import RegimeState
from rules.detectors.threshold import Phase, Standing
from rules.detectors.watched import (
    NOTHING_WATCHED,
    Raised,
    Suspect,
    Suspects,
    Watched,
    nothing_open,
)

_RaisedFields = tuple[str, str, int, int]


class StoredWatched(msgspec.Struct, array_like=True):
    """One detector of one machine. `open` are five rows of the `columns`, `state` are now, last
    and place, then inputs and seen_at; all little-endian float64."""

    columns: list[str]
    number: int
    open: bytes
    taught: int
    state: bytes
    features: int
    age: float
    standing: tuple[str, int, int, int, float]
    since: int
    as_of: int
    raised: _RaisedFields | None
    still: list[int]
    faulty: dict[str, _RaisedFields]
    repaired: int = 0
    silent: dict[str, int] = {}


class StoredSuspect(msgspec.Struct, array_like=True):
    """A suspect sensor."""

    level: int
    at: int
    since: int
    count: int
    low: float
    high: float
    raised: _RaisedFields | None


def stored_suspects(suspects: Suspects) -> dict[str, StoredSuspect]:
    """The suspects of a machine, by signal."""
    return {
        key: StoredSuspect(
            one.level, one.at, one.since, one.count, one.low, one.high,
            None if one.raised is None else _fields(one.raised),
        )
        for key, one in suspects.items()
    }  # fmt: skip


def restored_suspects(
    kept: Mapping[str, StoredSuspect], signals: Container[str]
) -> dict[str, Suspect]:
    """The same as the plan knows it, which has these `signals`."""
    return {
        key: Suspect(
            one.level, one.at, one.since, one.count, one.low, one.high,
            None if one.raised is None else Raised(*one.raised),
        )
        for key, one in kept.items()
        if key in signals
    }  # fmt: skip


def stored_watched(
    compiled: CompiledPlan, watched: Sequence[Watched], opened: FloatColumn
) -> dict[str, StoredWatched]:
    """What is worth keeping of a machine, by rule; `opened` are its open stretches."""
    found = {}
    for detector, own, slots in zip(compiled.detectors, watched, compiled.open_slots, strict=True):
        number, sums = int(opened[slots][0]), opened[slots][1:]
        begun = sums[: len(detector.columns)].any()  # counts come first
        if own.state is not None or begun:
            kept = _bytes(sums) if begun else b""
            found[detector.rule.id] = _stored(detector, own, number, kept)
    return found


def restored(
    compiled: CompiledPlan,
    kept: Mapping[str, StoredWatched],
    changed: Container[str] = (),
) -> tuple[tuple[Watched, ...], FloatColumn]:
    """The machine as the plan's detectors know it, and its open stretches; what the plan no longer
    has is left out, and detectors that are `changed` start anew."""
    watched, opened = [], [np.empty(0)]
    for detector in compiled.detectors:
        own = kept.get(detector.rule.id)
        anew = detector.rule.id in changed
        watched.append(
            NOTHING_WATCHED if own is None
            else _restored(detector, own, compiled.plan.rule, anew=anew)
        )  # fmt: skip
        opened.append(nothing_open(detector) if own is None or anew else _open(detector, own))
    return tuple(watched), np.concatenate(opened)


def _open(detector: DetectorRule, kept: StoredWatched) -> FloatColumn:
    found = nothing_open(detector)
    if tuple(kept.columns) == detector.columns:
        found[0] = kept.number
        if kept.open:
            found[1:] = _floats(kept.open)
    return found


def _stored(detector: DetectorRule, own: Watched, number: int, sums: bytes) -> StoredWatched:
    state = own.state
    kept = (
        [] if state is None else [state.now, state.last, state.place, state.inputs, state.seen_at]
    )
    standing = own.standing
    return StoredWatched(
        list(detector.columns),
        number,
        sums,
        own.taught,
        _bytes(np.concatenate(kept)) if kept else b"",
        0 if state is None else len(state.place),
        0.0 if state is None else state.age,
        (
            standing.phase.value, standing.left, standing.run, standing.alarmed_rows,
            standing.alarmed_sum,
        ),
        own.since,
        own.as_of,
        None if own.raised is None else _fields(own.raised),
        list(own.still),
        {name: _fields(raised) for name, raised in own.faulty.items()},
        own.repaired,
        dict(own.silent),
    )  # fmt: skip


def _restored(
    detector: DetectorRule, kept: StoredWatched, rules: Container[str], *, anew: bool
) -> Watched:
    raised = Raised(*kept.raised) if kept.raised is not None else None
    if raised is not None and raised.rule not in rules:
        raised = None
    faulty = {name: Raised(*one) for name, one in kept.faulty.items() if one[0] in rules}
    if anew:
        # Its own alarm was closed with the rule that raised it; those of sensors stand.
        others = None if raised is not None and raised.rule == detector.rule.id else raised
        return replace(
            NOTHING_WATCHED, raised=others, faulty=faulty, repaired=kept.repaired,
            silent=kept.silent,
        )  # fmt: skip
    phase, left, run, alarmed_rows, alarmed_sum = kept.standing
    return Watched(
        kept.taught,
        _state(kept),
        Standing(Phase(phase), left, run, alarmed_rows, alarmed_sum),
        kept.since,
        kept.as_of,
        raised,
        tuple(kept.still),
        faulty,
        kept.repaired,
        kept.silent,
    )


def _state(kept: StoredWatched) -> RegimeState | None:
    if not kept.state:
        return None
    values, q = _floats(kept.state), kept.features
    now, last, place = values[: 3 * q].reshape(3, q)
    inputs, seen_at = values[3 * q :].reshape(2, -1)
    return RegimeState(now, last, place, kept.age, inputs, seen_at)


def _fields(raised: Raised) -> _RaisedFields:
    return raised.rule, raised.component, raised.since, raised.at


def _bytes(values: FloatColumn) -> bytes:
    return values.astype("<f8").tobytes()


def _floats(data: bytes) -> FloatColumn:
    return np.frombuffer(data, "<f8")
