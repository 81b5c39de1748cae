"""A product plan made ready for the engine: expressions parsed, durations in milliseconds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from fleet.carry import hold_ms
from fleet.expression import (
    WINDOW_FUNCTIONS,
    Expression,
    called,
    parse,
    part_of,
    text_of,
    window_of,
)
from fleet.pace import ANY_PACE, Pace, pace_of
from fleet.plan import ProductPlan
from fleet.rule import Normal, Rule
from rules.condition import ConditionRule
from rules.gauges import Gauges, gauges_of

#: Windows up to ten minutes, an hour, a shift, and longer ones keep their past apart.
_LANE_LIMITS_MS = (600_000, 3_600_000, 28_800_000)


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


@dataclass(frozen=True, slots=True)
class Lane:
    """Signals whose last `span_ms` milliseconds are kept for windows."""

    signals: tuple[str, ...]
    span_ms: int


@dataclass(frozen=True, slots=True)
class WindowCall:
    """A call over a window of machine time; `names` are those of its rule's numbers that it reads,
    `lane` where its past is kept, `pace` how fast a counter that is its argument can grow."""

    text: str
    function: str
    argument: Expression
    names: frozenset[str]
    window_ms: int
    lane: int
    pace: Pace = ANY_PACE


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
        """The past that windows need, long windows apart from short ones: a window of a day
        does not make those of ten minutes keep a day."""
        chosen: dict[int, list[Expression]] = {}
        for condition in self.conditions:
            for expression in (condition.when, condition.clear):
                for call in window_calls(expression):
                    own = part_of(expression, call)
                    chosen.setdefault(_lane_class(own), []).append(own)
        return tuple(
            Lane(
                tuple(key for key in self.signals if any(key in e.names for e in members)),
                max(past_needed_ms(e) for e in members),
            )
            for _, members in sorted(chosen.items())
        )

    def windows(self, expression: Expression) -> tuple[WindowCall, ...]:
        """The windows of machine time that an expression looks at."""
        found = self._windows.get(expression.text)
        if found is None:
            found = self._windows[expression.text] = tuple(self._windows_of(expression))
        return found

    @cached_property
    def _windows(self) -> dict[str, tuple[WindowCall, ...]]:
        return {}

    def _windows_of(self, expression: Expression) -> Iterator[WindowCall]:
        for call in window_calls(expression):
            argument = part_of(expression, call.args[0])
            yield WindowCall(
                text_of(call), called(call), argument, argument.names - set(self.signals),
                window_of(call).ms, self._lane_of(part_of(expression, call)),
                pace_of(self.plan, argument.text),
            )  # fmt: skip

    def _lane_of(self, expression: Expression) -> int:
        """Index of the lane that holds what an expression with windows needs."""
        need = past_needed_ms(expression)
        fitting = (i for i, lane in enumerate(self.lanes) if lane.span_ms >= need)
        return next(i for i in fitting if expression.names & set(self.signals)
                    <= set(self.lanes[i].signals))  # fmt: skip

    @cached_property
    def past_ms(self) -> int:
        """How far back rows are read to make a machine's tails anew."""
        needs = [lane.span_ms + max((hold_ms(self.plan, key) for key in lane.signals), default=0)
                 for lane in self.lanes]  # fmt: skip
        return max(needs, default=0)

    @cached_property
    def learned_rules(self) -> frozenset[str]:
        """Rules that detectors raise: learned ones, and that of the sensors."""
        own = {detector.rule.id for detector in self.detectors}
        return frozenset(own | ({self.sensor_rule.id} if self.sensor_rule else set()))

    @cached_property
    def condition_index(self) -> Mapping[str, int]:
        return {condition.rule.id: i for i, condition in enumerate(self.conditions)}


def window_calls(expression: Expression) -> list[ast.Call]:
    """The calls over a window of machine time."""
    return [
        node
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Call)
        and called(node) in WINDOW_FUNCTIONS
        and node not in expression.remembered
    ]


def past_needed_ms(expression: Expression) -> int:
    """How much of the past an expression's windows need; a count looks at twice its window."""
    spans = [
        window_of(node).ms * (2 if called(node) == "count" else 1)
        for node in window_calls(expression)
    ]
    return max(spans, default=0)


def _lane_class(expression: Expression) -> int:
    return sum(past_needed_ms(expression) > limit for limit in _LANE_LIMITS_MS)


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
