"""A product plan made ready for the engine: expressions parsed, durations in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from fleet.carry import hold_ms
from fleet.expression import Expression, parse
from fleet.plan import ProductPlan
from fleet.rule import Normal, Rule
from rules.condition import ConditionRule
from rules.remembered.gauges import Gauges, gauges_of
from rules.sliding.lanes import CallKey, Lane, keys_of, lanes_of, past_needed_ms, window_calls


@dataclass(frozen=True)
class DetectorRule:
    """A rule with a learned `normal`; `regimes` are indices of the plan's, `bands` how wide the
    plan's normal range of each feature is, 0 where it names none."""

    rule: Rule
    normal: Normal
    regimes: tuple[int, ...]
    every_ms: int
    bands: tuple[float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The signals it reads: those judged, then those that are only unsteady, then inputs."""
        read = [*self.normal.signals, *self.normal.unsteady, *self.input_signals]
        return tuple(dict.fromkeys(read))

    @property
    def input_signals(self) -> tuple[str, ...]:
        """What it reads and does not judge: signals that inputs are, or are products of."""
        read = (key for factors in self.normal.factors for key in factors)
        return tuple(key for key in dict.fromkeys(read) if key not in self.normal.signals)

    @property
    def open_width(self) -> int:
        """Numbers that are kept of a stretch under way: which it is, and of each column five."""
        return 1 + 5 * len(self.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """What it judges, in order: mean levels by signal, then unsteadiness, marked by `~`."""
        return (*self.normal.signals, *(f"~{key}" for key in self.normal.unsteady))


@dataclass(frozen=True)
class CompiledPlan:
    """What the engine needs of a plan."""

    plan: ProductPlan
    regimes: tuple[Expression, ...]
    conditions: tuple[ConditionRule, ...]
    fault_rules: tuple[Rule, ...]
    silence_rules: tuple[Rule, ...]
    detectors: tuple[DetectorRule, ...] = ()
    sensor_rule: Rule | None = None

    @cached_property
    def signals(self) -> tuple[str, ...]:
        return self.plan.signal_keys

    @cached_property
    def gauges(self) -> Gauges:
        """What rules remember beyond the rows of a window."""
        return gauges_of(self.conditions, self.plan)

    @cached_property
    def open_slots(self) -> tuple[slice, ...]:
        """Where the stretch that each detector gathers stands among those of a machine."""
        ends = list(accumulate((d.open_width for d in self.detectors), initial=0))
        return tuple(slice(*pair) for pair in pairwise(ends))

    @cached_property
    def max_gap_ms(self) -> int:
        return round(self.plan.max_gap_s * 1000)

    @cached_property
    def filled(self) -> tuple[str, ...]:
        """Signals that any regime or rule reads or shows."""
        names = {name for regime in self.regimes for name in regime.names}
        for condition in self.conditions:
            names.update(condition.signals)
        for detector in self.detectors:
            names.update(detector.columns)
        return tuple(key for key in self.signals if key in names)

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """What windows of machine time keep."""
        return lanes_of(self.conditions, self.plan)

    def windows(self, expression: Expression, owner: int | None) -> list[CallKey]:
        """The windows of machine time that an expression of the condition `owner` looks at."""
        found = self._windows.get((expression.text, owner))
        if found is None:
            params = () if owner is None else self.conditions[owner].rule.params
            found = keys_of(expression, owner, frozenset(params))
            self._windows[expression.text, owner] = found
        return found

    @cached_property
    def _windows(self) -> dict[tuple[str, int | None], list[CallKey]]:
        return {}

    @cached_property
    def past_ms(self) -> int:
        """How far back rows are read to make the windows of a machine anew."""
        known = set(self.signals)
        needs = [
            past_needed_ms(one)
            + max((hold_ms(self.plan, key) for key in one.names & known), default=0)
            for condition in self.conditions
            for one in (condition.when, condition.clear)
            if window_calls(one)
        ]
        return max(needs, default=0)

    @cached_property
    def learned_rules(self) -> frozenset[str]:
        """Rules that detectors raise: learned ones, and that of the sensors."""
        own = {detector.rule.id for detector in self.detectors}
        return frozenset(own | ({self.sensor_rule.id} if self.sensor_rule else set()))

    @cached_property
    def condition_index(self) -> Mapping[str, int]:
        return {condition.rule.id: i for i, condition in enumerate(self.conditions)}


def compile_plan(plan: ProductPlan) -> CompiledPlan:
    """The plan for the engine. The loader has checked it: nothing here can fail."""
    regimes = tuple(parse(regime.when, plan.signal) for regime in plan.regimes)
    index = {regime.id: i for i, regime in enumerate(plan.regimes)}
    return CompiledPlan(
        plan,
        regimes,
        tuple(_condition(rule, plan, index) for rule in plan.rules if rule.when is not None),
        tuple(rule for rule in plan.rules if rule.faults is not None),
        tuple(rule for rule in plan.rules if rule.silence is not None),
        tuple(_detector(rule, plan, index) for rule in plan.rules if rule.normal is not None),
        next((rule for rule in plan.rules if rule.sensors), None),
    )


def _detector(rule: Rule, plan: ProductPlan, index: Mapping[str, int]) -> DetectorRule:
    assert rule.normal is not None and isinstance(rule.regimes, tuple)
    regimes = tuple(index[regime] for regime in rule.regimes)
    normals = [plan.signal[key].normal for key in rule.normal.signals]
    bands = [0.0 if normal is None else normal[1] - normal[0] for normal in normals]
    bands += [0.0] * len(rule.normal.unsteady)
    return DetectorRule(rule, rule.normal, regimes, round(rule.normal.every_s * 1000), tuple(bands))


def _condition(rule: Rule, plan: ProductPlan, index: Mapping[str, int]) -> ConditionRule:
    assert rule.when is not None and rule.clear is not None and rule.hold_s is not None
    known = set(plan.signal) | set(rule.params)
    guards = rule.regimes if isinstance(rule.regimes, tuple) else None
    return ConditionRule(
        rule,
        parse(rule.when, known),
        parse(rule.clear, known),
        None if guards is None else tuple(index[regime] for regime in guards),
        round(rule.hold_s * 1000),
        round(rule.clear_hold_s * 1000),
    )
