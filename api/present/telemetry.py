"""Courses of signals on an even grid of steps, and the regimes they show."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from api.schemas.machine import RegimeBand, RegimeBands, Telemetry
from api.schemas.machine import Series as SeriesAnswer
from fleet.batch import FloatColumn, IntColumn
from fleet.carry import NEVER, carry, hold_ms, regimes
from fleet.clock import MS_PER_S, to_datetime
from fleet.plan import ProductPlan
from fleet.windows import Columns
from store.reading import Series

_ONE_MACHINE = np.zeros(1, np.int64)


def telemetry(
    serial: str, plan: ProductPlan, series: Series, since_ms: int, until_ms: int
) -> Telemetry:
    """The course of signals in [since, until) as an answer; `series` must be in steps."""
    step_s, times = _grid(series, since_ms, until_ms)
    answers = {}
    for key in series.signals:
        kinds = [column[key] for column in (series.average, series.low, series.high)]
        avg, low, high = (_listed(_known(plan, key, times, series.times, k)) for k in kinds)
        answers[key] = SeriesAnswer(unit=plan.signal[key].unit, avg=avg, min=low, max=high)
    moments = [to_datetime(int(time)) for time in times]
    return Telemetry(serial=serial, step_s=step_s, times=moments, signals=answers)


def bands(
    serial: str, plan: ProductPlan, series: Series, since_ms: int, until_ms: int
) -> RegimeBands:
    """What the machine was doing in [since, until), from the signals its regimes look at."""
    step_s, times = _grid(series, since_ms, until_ms)
    values = {
        key: _known(plan, key, times, series.times, _unmixed(plan, key, series))
        for key in series.signals
    }
    found = regimes(plan, Columns(times, _ONE_MACHINE, values))
    if values:
        nothing = np.all([np.isnan(column) for column in values.values()], axis=0)
        found[nothing] = -1
    ends = np.append(times[1:], until_ms)
    merged = [
        RegimeBand(
            regime=plan.regimes[int(found[first])].id,
            begin=to_datetime(int(times[first])),
            end=to_datetime(int(ends[last])),
        )
        for first, last in _runs(found)
        if found[first] >= 0
    ]
    return RegimeBands(serial=serial, step_s=step_s, bands=merged)


def least_step_s(plan: ProductPlan, signals: Collection[str]) -> float:
    """The narrowest step in which every one of these signals is expected to speak, seconds."""
    periods = [plan.signal[key].period_s for key in signals]
    return max([plan.report.working_s, *periods])


def _grid(series: Series, since_ms: int, until_ms: int) -> tuple[float, IntColumn]:
    assert series.step_s is not None, "asked for steps, got single samples"
    width = series.step_s * MS_PER_S
    count = max(0, int(np.ceil((until_ms - since_ms) / width)))
    return series.step_s, (since_ms + np.arange(count) * width).astype(np.int64)


def _known(
    plan: ProductPlan, key: str, grid: IntColumn, times: IntColumn, values: FloatColumn
) -> FloatColumn:
    """`values` at `times` on the whole grid, carried over gaps that count as uninterrupted."""
    column = np.full(len(grid), np.nan)
    if not len(grid):
        return column
    width = grid[1] - grid[0] if len(grid) > 1 else 1
    column[np.rint((times - grid[0]) / width).astype(np.int64)] = values
    hold = max(hold_ms(plan, key), round(plan.max_gap_s * MS_PER_S))
    none, never = np.array([np.nan]), np.array([NEVER])
    return carry(column, grid, _ONE_MACHINE, hold, none, never).values


def _unmixed(plan: ProductPlan, key: str, series: Series) -> FloatColumn:
    """The average; of an enumeration or flag its value, where it had one value only."""
    average = series.average[key]
    if plan.signal[key].kind not in ("enum", "flag"):
        return average
    return np.where(series.low[key] == series.high[key], average, np.nan)


def _runs(column: IntColumn) -> list[tuple[int, int]]:
    """First and last index of each run of equal values."""
    if not len(column):
        return []
    firsts = np.flatnonzero(np.append(True, column[1:] != column[:-1]))
    lasts = np.append(firsts[1:], len(column)) - 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _listed(column: FloatColumn) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]
