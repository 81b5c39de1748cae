"""What rules remember beyond the rows of a window: which numbers, and where they stand in the
state of a machine.

A gauge is one window of operating hours, one count since a service or one baseline. Rules that ask
the same of the same rows share a gauge. Its numbers are a slice of `FleetState.learned`, and its
`key` finds them again in a stored state under a changed plan.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fleet.calls import LEARNED_FUNCTIONS, PEER_FUNCTIONS, called, text_of, window_of
from fleet.clock import MS_PER_HOUR
from fleet.expression import Expression, part_of
from fleet.pace import ANY_PACE, Pace, pace_of
from fleet.plan import ProductPlan
from rules.condition import ConditionRule

#: A window of operating hours is counted in so many bins.
BINS = 8
#: A baseline is the middle of so many blocks of healthy operation.
BLOCKS = 25
#: Numbers that each function keeps of one bin.
FIELDS = {
    "avg": 3, "low": 1, "high": 1, "delta": 2, "rate": 4, "count": 2, "hours": 2, "growth": 3,
}  # fmt: skip
METER_HEAD = 2
BASELINE_HEAD = 10
TALLY_WIDTH = 6
#: Behind them, what `growth` knows beside the last value: when that was said last, the value before
#: it, which was another, and when that was said last (fleet.rises).
EARLIER = 3


@dataclass(frozen=True, slots=True)
class Gauge:
    """`function` of `argument` over `span_ms` of operating time (for `baseline`: what it learns
    from first), of rows in the `regimes` (None: all); or since the last `service`, the first of
    which is due after `span_ms`. `owner` is the condition whose parameters the argument reads, None
    where it reads none. `users` are the conditions that compare with a baseline, `components` what
    their alarms are of, and `mended_by` the components and failure modes whose repair makes it
    learn anew; `pace` is how fast a counter that is the argument can grow. Its numbers are `width`
    columns from `at` on."""

    key: str
    function: str
    argument: Expression
    span_ms: int
    regimes: tuple[int, ...] | None
    owner: int | None
    users: tuple[int, ...]
    components: frozenset[str]
    mended_by: frozenset[str]
    at: int
    width: int
    service: str = ""
    pace: Pace = ANY_PACE

    @property
    def slots(self) -> slice:
        return slice(self.at, self.at + self.width)


@dataclass(frozen=True, slots=True)
class PeerCall:
    """What a rule asks about its peers: `key` finds the fleet's days, `argument` in `regimes`
    (ids; None: any) is what is compared."""

    key: str
    argument: Expression
    regimes: tuple[str, ...] | None


@dataclass(frozen=True)
class Gauges:
    """All gauges of a plan. `uses` says for each condition which gauges answer a call, by the
    call's text: one for all rows, or one for each regime."""

    meters: tuple[Gauge, ...] = ()
    tallies: tuple[Gauge, ...] = ()
    baselines: tuple[Gauge, ...] = ()
    uses: Mapping[int, Mapping[str, tuple[Gauge, ...]]] = field(default_factory=dict)
    peers: Mapping[int, Mapping[str, PeerCall]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return sum(gauge.width for gauge in self.all)

    @property
    def all(self) -> tuple[Gauge, ...]:
        return self.meters + self.tallies + self.baselines

    @property
    def learning(self) -> frozenset[int]:
        """The conditions that compare with a baseline."""
        return frozenset(user for gauge in self.baselines for user in gauge.users)

    @property
    def peer_calls(self) -> tuple[PeerCall, ...]:
        """Each different question about peers once."""
        calls = {call.key: call for own in self.peers.values() for call in own.values()}
        return tuple(calls[key] for key in sorted(calls))


@dataclass(slots=True)
class _Found:
    """A gauge before it is known who shares it."""

    function: str
    argument: Expression
    span_ms: int
    regimes: tuple[int, ...] | None
    owner: int | None
    service: str
    users: list[int] = field(default_factory=list)
    components: set[str] = field(default_factory=set)
    modes: set[str] = field(default_factory=set)


def gauges_of(conditions: Sequence[ConditionRule], plan: ProductPlan) -> Gauges:
    """The gauges that the conditions of a plan need."""
    regime_ids = [regime.id for regime in plan.regimes]
    found: dict[str, _Found] = {}
    calls: dict[int, dict[str, list[str]]] = {}
    peers: dict[int, dict[str, PeerCall]] = {}
    for i, condition in enumerate(conditions):
        for expression, node in _remembered(condition):
            if called(node) in PEER_FUNCTIONS:
                peers.setdefault(i, {})[text_of(node)] = _peer_call(
                    condition, expression, node, regime_ids
                )
                continue
            keys = [
                _note(found, i, condition, expression, node, regimes, plan)
                for regimes in _groups(condition, node)
            ]
            calls.setdefault(i, {})[text_of(node)] = keys
    gauges = dict(_placed(found, plan))
    uses = {
        i: {text: tuple(gauges[key] for key in keys) for text, keys in own.items()}
        for i, own in calls.items()
    }
    learned = tuple(gauge for gauge in gauges.values() if gauge.function == "baseline")
    tallies = tuple(gauge for gauge in gauges.values() if gauge.service)
    meters = tuple(g for g in gauges.values() if g.function != "baseline" and not g.service)
    return Gauges(meters, tallies, learned, uses, peers)


def _remembered(condition: ConditionRule) -> Iterator[tuple[Expression, ast.Call]]:
    for expression in (condition.when, condition.clear):
        for node in expression.remembered:
            yield expression, node


def _groups(condition: ConditionRule, node: ast.Call) -> list[tuple[int, ...] | None]:
    """Baselines are of one regime each; a window takes all regimes of its rule together, and what
    is counted since a service every row."""
    if window_of(node).service:
        return [None]
    if condition.regimes is None or called(node) not in LEARNED_FUNCTIONS:
        return [condition.regimes]
    return [(regime,) for regime in condition.regimes]


def _note(
    found: dict[str, _Found],
    index: int,
    condition: ConditionRule,
    expression: Expression,
    node: ast.Call,
    regimes: tuple[int, ...] | None,
    plan: ProductPlan,
) -> str:
    argument = part_of(expression, node.args[0])
    window = window_of(node)
    span = _until_first(plan, window.service) if window.service else window.ms
    function = "baseline" if called(node) in LEARNED_FUNCTIONS else called(node)
    own = bool(argument.names & set(condition.rule.params))
    where = "any" if regimes is None else "+".join(plan.regimes[one].id for one in regimes)
    reach = f"since {window.service}" if window.service else str(span)
    key = "|".join((function, argument.text, reach, where, condition.rule.id if own else ""))
    owner = index if own else None
    entry = found.setdefault(key, _Found(function, argument, span, regimes, owner, window.service))
    if index not in entry.users:
        entry.users.append(index)
    entry.components.add(condition.rule.component)
    entry.modes.update(condition.rule.failure_modes)
    return key


def _until_first(plan: ProductPlan, service: str) -> int:
    """Operating time of a new machine until a service is due for the first time."""
    interval = plan.service[service]
    return round((interval.every_h or interval.first_h or 0.0) * MS_PER_HOUR)


def _placed(found: Mapping[str, _Found], plan: ProductPlan) -> Iterator[tuple[str, Gauge]]:
    at = 0
    for key, entry in found.items():
        if entry.function == "baseline":
            width = BASELINE_HEAD + BLOCKS
        elif entry.service:
            width = TALLY_WIDTH
        else:
            width = METER_HEAD + (BINS + 1) * FIELDS[entry.function]
        width += EARLIER if entry.function == "growth" else 0
        yield key, Gauge(
            key, entry.function, entry.argument, entry.span_ms, entry.regimes, entry.owner,
            tuple(entry.users), frozenset(entry.components),
            frozenset(entry.components | entry.modes), at, width, entry.service,
            pace_of(plan, entry.argument.text),
        )  # fmt: skip
        at += width


def _peer_call(
    condition: ConditionRule, expression: Expression, node: ast.Call, regime_ids: Sequence[str]
) -> PeerCall:
    argument = part_of(expression, node.args[0])
    if condition.regimes is None:
        return PeerCall(f"{argument.text}|any", argument, None)
    regimes = tuple(regime_ids[regime] for regime in condition.regimes)
    return PeerCall(f"{argument.text}|{'+'.join(regimes)}", argument, regimes)
