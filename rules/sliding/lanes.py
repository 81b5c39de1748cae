"""The windows of machine time that a plan's conditions look at, sorted by how they are kept.

Calls over windows of about the same length share a lane: the rows of one are kept for as long as
its longest window; of long ones those functions that need few rows have a lane of their own. Within
a lane the calls of one function and window are computed together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.calls import WINDOW_FUNCTIONS, called, text_of, window_of
from fleet.expression import Expression, part_of
from fleet.pace import Pace, pace_of
from fleet.plan import ProductPlan
from rules.condition import ConditionRule
from rules.sliding.recent import WINDOWS, Sparse

#: Windows up to ten minutes, an hour, a shift, and longer ones keep their rows apart.
_LIMITS_MS = (600_000, 3_600_000, 28_800_000)
#: Of windows longer than an hour these keep only the rows that can still matter to them.
_SPARSE, _SPARSE_FROM_MS = frozenset({"low", "high", "count", "delta"}), 3_600_000
#: Numbers that are kept of each machine while a window slides on (rules.sliding.slide).
_NOTHING: Mapping[str, tuple[float, ...]] = {
    "avg": (0, 0, 0),  # known values, their sum in wholes and in fractions
    "low": (np.nan, np.nan),  # the least value, and when it was
    "high": (np.nan, np.nan),
    "delta": (np.nan,) * 4,  # the first known value and when, the last and when
    "rate": (np.nan,) * 4,
    "count": (0, np.nan, np.nan),  # changes to true, the last known value and when
    "hours": (0, np.nan, np.nan),  # milliseconds, truth in the last row, when it was last known
    # rises in wholes and in fractions, the first known rise and when; and of the counter the last
    # value and when, the one before it, which was another, and when (fleet.rises)
    "growth": (0, 0, *(np.nan,) * 6),
}
#: What these look at in a row is what it adds; the others look at the value of their argument.
ADDING = frozenset({"count", "hours", "growth"})

#: The text of a call, and the index of the condition whose parameters it reads, if it reads any.
CallKey = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class WindowCall:
    """A call over a window of machine time; `owner` is the index of the condition whose parameters
    its argument reads, None where it reads none; `pace` how fast a counter that is its argument can
    grow."""

    text: str
    function: str
    argument: Expression
    owner: int | None
    window_ms: int
    pace: Pace

    @property
    def key(self) -> CallKey:
        return self.text, self.owner


@dataclass(frozen=True)
class Group:
    """Calls of one function over one window of a lane, the `window`-th: `columns` (k,) of the lane
    that they look at. Their numbers are `slots` of those of a machine."""

    function: str
    window: int
    window_ms: int
    calls: tuple[WindowCall, ...]
    columns: NDArray[np.intp]
    slots: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Of its numbers, by call."""
        return len(self.calls), len(_NOTHING[self.function])


@dataclass(frozen=True)
class Lane:
    """What is kept of each row are so many numbers as there are `arguments`, calls that look at
    something each: its value or, for the calls of ADDING groups, what the row adds. `windows`, ms,
    ascend; where each begins stands among `places` of a machine (rules.sliding.recent)."""

    arguments: tuple[WindowCall, ...]
    windows: tuple[int, ...]
    groups: tuple[Group, ...]
    places: slice

    @property
    def columns(self) -> int:
        return len(self.arguments)

    @property
    def sparse(self) -> Sparse:
        """Of each column the functions that look at it, where they do not need all rows."""
        if not _is_sparse(self.groups[0].calls[0]):
            return ()
        asked = [(column, one.function) for one in self.groups for column in one.columns.tolist()]
        return tuple(
            frozenset(function for column, function in asked if column == own)
            for own in range(self.columns)
        )


def lanes_of(conditions: Sequence[ConditionRule], plan: ProductPlan) -> tuple[Lane, ...]:
    """The lanes that the windows of a plan's conditions need, short windows first."""
    calls = {call.key: call for i, one in enumerate(conditions) for call in _calls_of(i, one, plan)}
    lanes: list[Lane] = []
    slot = place = 0
    for _, members in groupby(sorted(calls.values(), key=_order), _class):
        lane = _lane(list(members), slot, place)
        lanes.append(lane)
        slot, place = lane.groups[-1].slots.stop, lane.places.stop
    return tuple(lanes)


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
    """How much of the past an expression's windows need: what adds up looks at twice its window."""
    spans = [
        window_of(node).ms * (2 if called(node) in ADDING else 1)
        for node in window_calls(expression)
    ]
    return max(spans, default=0)


def keys_of(expression: Expression, owner: int | None, params: frozenset[str]) -> list[CallKey]:
    """The windows that an expression looks at; `params` are the names of its rule's numbers."""
    return [
        (text_of(node), owner if part_of(expression, node.args[0]).names & params else None)
        for node in window_calls(expression)
    ]


def _calls_of(index: int, condition: ConditionRule, plan: ProductPlan) -> Iterator[WindowCall]:
    params = frozenset(condition.rule.params)
    for expression in (condition.when, condition.clear):
        keys = keys_of(expression, index, params)
        for node, (text, owner) in zip(window_calls(expression), keys, strict=True):
            argument = part_of(expression, node.args[0])
            pace = pace_of(plan, argument.text)
            yield WindowCall(text, called(node), argument, owner, window_of(node).ms, pace)


def _is_sparse(call: WindowCall) -> bool:
    return call.window_ms > _SPARSE_FROM_MS and call.function in _SPARSE


def _class(call: WindowCall) -> tuple[int, bool]:
    return sum(call.window_ms > limit for limit in _LIMITS_MS), _is_sparse(call)


def _order(call: WindowCall) -> tuple[tuple[int, bool], int, str]:
    return _class(call), call.window_ms, call.function


def _lane(calls: Sequence[WindowCall], slot: int, place: int) -> Lane:
    """The lane of calls in their order, whose numbers begin at `slot` and `place`."""
    shared: dict[CallKey, int] = {}
    arguments: list[WindowCall] = []
    groups: list[Group] = []
    windows = sorted({call.window_ms for call in calls})
    for (window_ms, function), own in groupby(calls, lambda one: (one.window_ms, one.function)):
        members, places = tuple(own), []
        for call in members:
            # What a call adds is its own; the value of an argument is looked at by all.
            looked = call.key if function in ADDING else (call.argument.text, call.owner)
            if looked not in shared:
                shared[looked] = len(arguments)
                arguments.append(call)
            places.append(shared[looked])
        end = slot + len(members) * len(_NOTHING[function])
        at = windows.index(window_ms)
        groups.append(
            Group(function, at, window_ms, members, np.array(places, np.intp), slice(slot, end))
        )
        slot = end
    place_end = place + WINDOWS + len(windows)
    return Lane(tuple(arguments), tuple(windows), tuple(groups), slice(place, place_end))


def nothing_slid(lanes: Sequence[Lane]) -> FloatColumn:
    """The numbers of a machine's windows before its first row."""
    parts = [
        np.tile(_NOTHING[one.function], len(one.calls)) for lane in lanes for one in lane.groups
    ]
    return np.concatenate([np.empty(0), *parts])
