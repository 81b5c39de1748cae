"""Growth of counters that may start anew, jump, or pause: what a counter really counted.

A counter's growth across an offline gap counts. A fall to a small value is a start from zero;
a step that no machine can make is ignored until the counter goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from fleet.pace import Pace


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a counter stands: `value` at `at` (ms); `jump` at `jump_at` is a value that cannot
    be, waiting for the next one to tell."""

    value: float
    at: int
    jump: float | None = None
    jump_at: int = 0


@dataclass(frozen=True, slots=True)
class Growth:
    """Of the k rows (indices `rows`) that hold a value: `grown` (k,), `ignored` (k,) steps that
    cannot be, and `counters`, where the counter stands after the row; None: at the row's own
    value."""

    rows: NDArray[np.intp]
    grown: FloatColumn
    ignored: NDArray[np.bool_]
    counters: dict[int, Counter]
    values: FloatColumn
    times: IntColumn

    def counter_after(self, place: int) -> Counter:
        """Where the counter stands after the `place`-th of the k rows."""
        plain = Counter(float(self.values[place]), int(self.times[place]))
        return self.counters.get(place, plain)


def step(counter: Counter | None, value: float, at: int, pace: Pace) -> tuple[Counter, float, bool]:
    """The counter after one more value, its growth, and whether the value was ignored."""
    if counter is None:
        return Counter(value, at), 0.0, False
    growth = value - counter.value
    if pace.allows(growth, at - counter.at):
        return Counter(value, at), growth, False
    if counter.jump is not None and pace.allows(value - counter.jump, at - counter.jump_at):
        return Counter(value, at), value - counter.jump, False
    if growth < 0 and pace.allows(value, at - counter.at):
        return Counter(value, at), value, False
    return Counter(counter.value, counter.at, value, at), 0.0, True


def grow(
    column: FloatColumn,
    times: IntColumn,
    machine: IntColumn,
    before: Sequence[Counter | None],
    pace: Pace,
) -> Growth:
    """Growth of one counter in n rows of m machines, rows ordered by machine and time.

    `column`, `times`, `machine` (n,), the latter 0 to m - 1; `before` (m,) where each counter
    stands ahead of its first row.
    """
    rows = np.flatnonzero(~np.isnan(column))
    values, at, owner = column[rows], times[rows], machine[rows]
    first = np.empty(len(rows), dtype=bool)
    first[:1] = True
    first[1:] = owner[1:] != owner[:-1]
    previous, previous_at = np.roll(values, 1), np.roll(at, 1)
    for place in np.flatnonzero(first):
        known = before[owner[place]]
        previous[place] = values[place] if known is None else known.value
        previous_at[place] = at[place] if known is None else known.at
    grown = values - previous
    limit = pace.most((at - previous_at).astype(np.float64))
    odd = set(owner[(grown < 0) | (grown > limit)].tolist())
    odd |= {int(m) for m in owner[first] if (c := before[m]) is not None and c.jump is not None}
    result = Growth(rows, grown, np.zeros(len(rows), dtype=bool), {}, values, at)
    for one in odd:
        _one_by_one(result, np.flatnonzero(owner == one), before[one], pace)
    return result


def _one_by_one(
    result: Growth, places: NDArray[np.intp], counter: Counter | None, pace: Pace
) -> None:
    for place in places.tolist():
        value, at = float(result.values[place]), int(result.times[place])
        counter, result.grown[place], result.ignored[place] = step(counter, value, at, pace)
        if counter.at != at or counter.jump is not None:
            result.counters[place] = counter
