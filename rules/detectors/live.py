"""Learned detectors in the engine: stretches in, alarms raised and cleared. Pure.

Runs over the same sheet as the rules (rules.engine): live, in backtests and in tests. What a fleet
taught, and when machines were repaired, is handed in as data, so that a replay agrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.plan import ProductPlan
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan, DetectorRule
from rules.condition import Identity
from rules.detectors.causes import Causes, causes_of
from rules.detectors.regime import REGIME_THRESHOLD, Normal, RegimeState
from rules.detectors.stretches import Stretches, gather
from rules.detectors.watch import Watch, relearn, watch
from rules.detectors.watched import BEGINNING, Raised, Watched
from rules.holding import Grid
from rules.remembered.peers import NO_PEERS, PeerDays

#: A sensor that stands still for so many stretches in a row while others move is stuck; one that
#: tells nothing for so many, although it used to, is missing.
FAULTY_STRETCHES = 4
#: Signals named in a finding.
MOST_TOLD = 6


@dataclass(frozen=True, slots=True)
class Taught:
    """What a fleet taught: `normals` by rule and model ("" for any), by their `since_ms`; and its
    days, for rules that compare with `peers`."""

    normals: Mapping[tuple[str, str], Sequence[Normal]] = field(default_factory=dict)
    peers: PeerDays = NO_PEERS

    def normal(self, rule: str, model: str, at: int) -> Normal | None:
        """What counted as normal at a moment; None before anything was learned."""
        return next((one for one in self._lessons(rule, model) if one.since_ms <= at), None)

    def version(self, rule: str, model: str, since_ms: int) -> Normal | None:
        """What counted as normal from a moment on."""
        return next((one for one in self._lessons(rule, model) if one.since_ms == since_ms), None)

    def _lessons(self, rule: str, model: str) -> Iterator[Normal]:
        """The model's own, the newest first, and those of all models, which counted before."""
        for name in dict.fromkeys((model, "")):
            yield from reversed(self.normals.get((rule, name), ()))


NOTHING_TAUGHT = Taught()


def fold_detectors(
    compiled: CompiledPlan,
    taught: Taught,
    machines: Sequence[tuple[int, Identity | None]],
    before: Sequence[tuple[Watched, ...]],
    opened: FloatColumn,
    grid: Grid,
    columns: Mapping[str, FloatColumn],
    regime: NDArray[np.int16],
) -> tuple[tuple[tuple[Watched, ...], ...], FloatColumn, list[AlarmChange]]:
    """Fold all detectors over rows of m machines; `before` (m, detectors) and the stretches that
    were `opened` (m, slots) in this order."""
    after: dict[int, list[Watched]] = {}
    changes: list[AlarmChange] = []
    still_open = np.empty_like(opened)
    ids = np.array([machine for machine, _ in machines], np.int64)
    for d, (detector, slots) in enumerate(
        zip(compiled.detectors, compiled.open_slots, strict=True)
    ):
        still_open[:, slots], ended = gather(detector, ids, opened[:, slots], grid, columns, regime)
        if len(ended):
            rows, still = features_of(detector, ended), still_of(detector, ended)
            unheard = unheard_of(detector, ended)
        for at in range(len(ended)):
            m = int(ended.machine[at])
            judge = _Judge(compiled, detector, taught, *machines[m])
            end_ms, told_ms = int(ended.end_ms[at]), int(ended.told_ms[at])
            own = after.setdefault(m, list(before[m]))
            own[d] = judge.stretch(own[d], end_ms, told_ms, rows[at], still[at], unheard[at])
            changes += judge.changes
    watched = tuple(tuple(after[m]) if m in after else own for m, own in enumerate(before))
    return watched, still_open, changes


def features_of(detector: DetectorRule, ended: Stretches) -> FloatColumn:
    """What stretches show, (n, q + k): the detector's features, then its inputs."""
    place = {key: i for i, key in enumerate(detector.columns)}
    normal = detector.normal
    return np.column_stack(
        [
            *(ended.mean[:, place[key]] for key in normal.signals),
            *(ended.deviation[:, place[key]] for key in normal.unsteady),
            *(
                ended.mean[:, [place[key] for key in factors]].prod(axis=1)
                for factors in normal.factors
            ),
        ]
    )


def still_of(detector: DetectorRule, ended: Stretches) -> NDArray[np.bool_]:
    """Which features (n, q) did not move in a stretch; those that are unsteadiness never count."""
    place = [detector.columns.index(key) for key in detector.normal.signals]
    known = ~np.isnan(ended.mean[:, place])
    still = known & (ended.low[:, place] == ended.high[:, place])
    return np.column_stack([still, np.zeros((len(ended), len(detector.normal.unsteady)), bool)])


def unheard_of(detector: DetectorRule, ended: Stretches) -> NDArray[np.bool_]:
    """Which signals of the detector's inputs (n, i) told nothing in a stretch."""
    place = [detector.columns.index(key) for key in detector.input_signals]
    return np.asarray(np.isnan(ended.mean[:, place]))


class _Judge:
    """One detector on one machine."""

    def __init__(
        self,
        compiled: CompiledPlan,
        detector: DetectorRule,
        taught: Taught,
        machine_id: int,
        who: Identity | None,
    ) -> None:
        self._plan: ProductPlan = compiled.plan
        self._sensors = compiled.sensor_rule
        self._detector = detector
        self._taught = taught
        self._machine_id = machine_id
        self._model = "" if who is None else who.model
        self._repairs = () if who is None else who.repairs
        self._threshold = replace(REGIME_THRESHOLD, limit=detector.normal.limit)
        self._regime = compiled.plan.regimes[detector.regimes[0]].id
        self.changes: list[AlarmChange] = []

    def stretch(
        self,
        watched: Watched,
        end_ms: int,
        told_ms: int,
        row: FloatColumn,
        still: NDArray[np.bool_],
        unheard: NDArray[np.bool_],
    ) -> Watched:
        """The machine after one more stretch."""
        rule = self._detector.rule
        normal = self._taught.normal(rule.id, self._model, end_ms)
        if normal is None or not self._is_about(normal):
            return watched
        watched = self._taken_over(watched, normal, told_ms)
        watched = self._after_repairs(watched, end_ms, told_ms)
        chosen = [self._detector.features.index(name) for name in normal.features]
        q = len(self._detector.features)
        if np.isnan(row[chosen]).all():
            return watched
        watched = self._inputs_of(watched, unheard, told_ms)
        if not normal.point.knows(row[q:]):
            return watched
        watched = self._sensors_of(watched, normal, still[chosen], np.isnan(row[chosen]), told_ms)
        row = np.concatenate((row[chosen], row[q:]))
        assert watched.state is not None
        deaf = [normal.features.index(name) for name in watched.faulty if name in normal.features]
        row[deaf] = np.nan
        state = normal.without(watched.state, deaf) if deaf else watched.state
        carried, judged = watch(
            normal, self._threshold, Watch(state, watched.standing), row[None, :]
        )
        high = bool(judged.score[0] > judged.limit[0])
        begun = watched.standing.run == 0 and not watched.standing.alarmed
        since = end_ms - self._detector.every_ms if begun and high else watched.since
        watched = replace(
            watched, state=carried.state, standing=carried.standing, since=since, as_of=end_ms
        )
        if carried.standing.alarmed and watched.raised is None:
            return self._raise(watched, normal, row, float(judged.score[0]), told_ms)
        if not carried.standing.alarmed and watched.raised is not None:
            self._clear(watched.raised, told_ms)
            return replace(watched, raised=None)
        return watched

    def _is_about(self, normal: Normal) -> bool:
        """Whether a lesson is about what the rule looks at today; else the next one is waited
        for."""
        known = set(normal.features) <= set(self._detector.features)
        return known and normal.inputs == self._detector.normal.inputs

    def _taken_over(self, watched: Watched, normal: Normal, told_ms: int) -> Watched:
        if watched.taught == normal.since_ms and watched.state is not None:
            return watched
        old = self._taught.version(self._detector.rule.id, self._model, watched.taught)
        if (
            watched.state is not None
            and old is not None
            and old.features == normal.features
            and len(watched.state.place) == len(normal.features)
        ):
            state = normal.taken_over(old, watched.state)
            return replace(watched, taught=normal.since_ms, state=state)
        looked_at = {*normal.features, *self._detector.input_signals}
        for name, raised in watched.faulty.items():
            if name not in looked_at:
                self._clear(raised, told_ms)
        faulty = {name: one for name, one in watched.faulty.items() if name in looked_at}
        return replace(
            watched, taught=normal.since_ms, state=normal.begin(), still=(), faulty=faulty,
            standing=BEGINNING,
        )  # fmt: skip

    def _after_repairs(self, watched: Watched, end_ms: int, told_ms: int) -> Watched:
        """Learn anew after a repair of what the detector sees; one that is heard of late counts
        from when it is heard of."""
        own = self._components()
        moments = [at for component, at in self._repairs if component in own and at <= end_ms]
        newest = max(moments, default=0)
        if newest <= watched.repaired:
            return watched
        if watched.as_of == 0:
            return replace(watched, repaired=newest)
        if watched.raised is not None:
            self._clear(watched.raised, told_ms)
        assert watched.state is not None
        again = relearn(self._threshold, Watch(watched.state, watched.standing))
        return replace(watched, standing=again.standing, raised=None, repaired=newest)

    def _components(self) -> set[str]:
        """Whose repair changes what the detector sees: components of its signals and of the
        failures that show in them, and the signals, for their sensors."""
        signals = set(self._detector.normal.signals)
        shown = {
            mode.component
            for mode in self._plan.failure_modes
            if signals & {symptom.signal for symptom in mode.signature}
        }
        return signals | shown | {self._plan.signal[key].component for key in signals}

    def _sensors_of(
        self,
        watched: Watched,
        normal: Normal,
        still: NDArray[np.bool_],
        unsaid: NDArray[np.bool_],
        told_ms: int,
    ) -> Watched:
        """Sensors that stand still although others move, or tell nothing any more; they say nothing
        about the machine."""
        before = watched.still or (0,) * len(still)
        moved = int((~still).sum())
        counts = tuple(
            0 if not stands else count + (moved > 0 and not rests)
            for stands, count, rests in zip(still.tolist(), before, normal.rests, strict=True)
        )
        watched = replace(watched, still=counts)
        silent = _silent_for(watched.silent, normal.features, unsaid)
        watched = replace(watched, silent=silent)
        for name, count in zip(normal.features, counts, strict=True):
            watched = self._suspected(watched, name, count, silent.get(name, 0), told_ms)
        return watched

    def _inputs_of(self, watched: Watched, unheard: NDArray[np.bool_], told_ms: int) -> Watched:
        """Inputs that are not sent any more while other signals are: nothing is judged then, which
        nobody would know."""
        inputs = self._detector.input_signals
        silent = _silent_for(watched.silent, inputs, unheard)
        watched = replace(watched, silent=silent)
        for name in inputs:
            watched = self._suspected(watched, name, 0, silent.get(name, 0), told_ms)
        return watched

    def _suspected(
        self, watched: Watched, name: str, still: int, silent: int, told_ms: int
    ) -> Watched:
        """Raise or clear the alarm of a sensor that stood still or told nothing for so many
        stretches."""
        stretches = max(still, silent)
        if self._sensors is None or (stretches == 0) != (name in watched.faulty):
            return watched
        faulty = dict(watched.faulty)
        if stretches == 0:
            self._clear(faulty.pop(name), told_ms)
        elif stretches >= FAULTY_STRETCHES:
            since = told_ms - stretches * self._detector.every_ms
            faulty[name] = self._raised(self._sensors.id, name, since, told_ms)
            fault = "stuck" if stretches == still else "missing"
            learned = {"sensor": name, "fault": fault, "stretches": stretches}
            self._tell(faulty[name], learned)
        return replace(watched, faulty=faulty)

    def _raised(self, rule: str, signal: str, since: int, at: int) -> Raised:
        return Raised(rule, f"{self._plan.rule[rule].component}/{signal}", since, at)

    def _raise(
        self, watched: Watched, normal: Normal, row: FloatColumn, score: float, told_ms: int
    ) -> Watched:
        assert watched.state is not None
        told = normal.explain(watched.state)
        away = dict(zip(normal.features, normal.away(watched.state) / normal.spread, strict=True))
        levels = normal.levels(watched.state, row)
        causes = causes_of(self._plan, self._detector.rule, away, told, levels)
        if causes.sensor is not None and self._sensors is not None:
            raised = self._raised(self._sensors.id, causes.sensor, watched.since, told_ms)
        else:
            first = causes.modes[0][0] if causes.modes else None
            rule = self._detector.rule
            component = self._plan.failure_mode[first].component if first else rule.component
            raised = Raised(rule.id, component, watched.since, told_ms)
        learned = _learned(normal, watched.state, causes)
        self._tell(raised, {**learned, "score": round(score, 3), "limit": self._threshold.limit})
        return replace(watched, raised=raised)

    def _tell(self, raised: Raised, learned: Mapping[str, Any]) -> None:
        seconds = self._detector.every_ms / 1000
        self.changes.append(
            AlarmChange(
                self._machine_id, raised.rule, raised.component, "raised", raised.at,
                raised.since, raised.at, self._regime,
                learned={**learned, "detector": self._detector.rule.id, "stretch_s": seconds},
            )
        )  # fmt: skip

    def _clear(self, raised: Raised, at: int) -> None:
        self.changes.append(
            AlarmChange(
                self._machine_id, raised.rule, raised.component, "cleared", at, raised.since,
                raised.at, self._regime,
            )
        )  # fmt: skip


def _silent_for(
    before: Mapping[str, int], names: Sequence[str], unsaid: NDArray[np.bool_]
) -> Mapping[str, int]:
    """For how many stretches in a row each level told nothing, of those that ever told anything on
    this machine: it may never have had the others."""
    after = {
        name: before[name] + 1 if nothing else 0
        for name, nothing in zip(names, unsaid.tolist(), strict=True)
        if not name.startswith("~") and (name in before or not nothing)
    }
    return before if after.items() <= before.items() else {**before, **after}


def _learned(normal: Normal, state: RegimeState, causes: Causes) -> dict[str, Any]:
    """A finding as JSON."""
    return {
        "signals": [
            {
                "signal": one.signal.removeprefix("~"),
                "fluctuation": one.signal.startswith("~"),
                "share": round(one.share, 3),
                "seen": float(f"{one.seen:.5g}"),
                "expected": float(f"{one.expected:.5g}"),
            }
            for one in normal.explain(state)[:MOST_TOLD]
            if one.share >= 0.05
        ],
        "failure_modes": [{"mode": mode, "fit": fit} for mode, fit in causes.modes],
        "sensor": causes.sensor,
        "fault": None if causes.sensor is None else "unit" if causes.unit else "drift",
        "unit": causes.unit,
        "own_stretches": round(state.age),
        "fleet_machines": normal.machines,
        "learned_ms": normal.since_ms,
        "operating_point": {
            key: float(f"{value:.5g}")
            for key, value in zip(normal.inputs, state.seen_at.tolist(), strict=True)
        },
    }
