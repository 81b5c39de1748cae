"""What is still known at a moment: last values carried forward, and the regime they show.

A value holds for three of its signal's periods (at least three of the machine's working report
periods) and is unknown after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.evaluate import evaluate, true
from fleet.expression import Expression, parse
from fleet.plan import ProductPlan
from fleet.windows import Columns

PERIODS = 3
#: Before every time of measurement.
NEVER = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True)
class Carried:
    """One signal in n rows: `values` (n,) as known there, NaN unknown; `last` and `last_at` (n,)
    the newest value up to the row, however old, and its time (NEVER where there was none)."""

    values: FloatColumn
    last: FloatColumn
    last_at: IntColumn


def hold_ms(plan: ProductPlan, signal: str) -> int:
    """How long a value of `signal` holds, milliseconds."""
    return round(PERIODS * max(plan.signal[signal].period_s, plan.report.working_s) * 1000)


def carry(
    values: FloatColumn,
    times: IntColumn,
    starts: IntColumn,
    hold: int,
    before: FloatColumn,
    before_at: IntColumn,
) -> Carried:
    """`values` (n,) with gaps filled from the past, for m machines in consecutive rows.

    `starts` (m,) is each machine's first row, `times` (n,) ascend within a machine; `before` and
    `before_at` (m,) are the last value ahead of the first row and its time (NEVER: none).
    """
    missing = np.isnan(values)
    if not missing.any():
        return Carried(values, values, times)
    n = len(times)
    machine = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, n)))
    newest = np.maximum.accumulate(np.where(missing, -1, np.arange(n)))
    inside = newest >= starts[machine]
    last = np.where(inside, values[newest], before[machine])
    last_at = np.where(inside, times[newest], before_at[machine])
    known = np.where(times - last_at <= hold, last, np.nan)
    return Carried(known, last, last_at)


def regimes(plan: ProductPlan, columns: Columns) -> IntColumn:
    """Index into `plan.regimes` of the regime in every row, (n,) int64; -1 where none holds.

    A condition that is unknown does not hold, and the next one is asked.
    """
    return first_true([parse(regime.when, plan.signal) for regime in plan.regimes], columns)


def first_true(conditions: Sequence[Expression], columns: Columns) -> IntColumn:
    """Index of the first of the conditions that holds in every row, (n,) int64; -1 where none."""
    found = np.full(columns.times.shape, -1, dtype=np.int64)
    for index, condition in reversed(list(enumerate(conditions))):
        found[true(evaluate(condition, columns, {}))] = index
    return found


def regime_signals(plan: ProductPlan) -> frozenset[str]:
    """Signals that the regimes of a plan look at."""
    return frozenset().union(*(parse(r.when, plan.signal).names for r in plan.regimes))


def known_columns(times: IntColumn, starts: IntColumn, carried: Mapping[str, Carried]) -> Columns:
    """Columns of the carried values, ready for `evaluate`."""
    return Columns(times, starts, {name: column.values for name, column in carried.items()})
