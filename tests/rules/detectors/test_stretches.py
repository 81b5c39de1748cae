"""Stretches against a slow twin, and cut anywhere without a difference."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import FloatColumn
from rules.compiled import DetectorRule, compile_plan
from rules.detectors.stretches import FEWEST_ROWS, Stretches, gather, shift_ms
from rules.detectors.watched import nothing_open
from rules.holding import Grid
from tests.rules.plans import plan, rule

KEYS = ("oil_temp_c", "fuel_pct")
WORKING = 0
Row = tuple[int, float, float, int]


def detector() -> DetectorRule:
    learned = rule(
        "unlike", regimes=["working"],
        normal={"signals": list(KEYS), "every_s": 60},
    )  # fmt: skip
    return compile_plan(plan(rules=[learned])).detectors[0]


DETECTOR = detector()
values = st.sampled_from([math.nan, 0.1, 0.2, 0.7, 1e6])
streams = st.lists(
    st.tuples(st.sampled_from([1, 7, 20, 61, 300]), values, values, st.sampled_from([0, 0, 1])),
    min_size=1,
    max_size=60,
)


def timed(steps: list[Row]) -> list[Row]:
    at, rows = 0, []
    for gap, first, second, regime in steps:
        at += gap * 1000
        rows.append((at, first, second, regime))
    return rows


def fold(opened: FloatColumn, rows: list[Row]) -> tuple[FloatColumn, Stretches]:
    times = np.array([row[0] for row in rows], np.int64)
    grid = Grid(times, np.zeros(len(rows), np.intp), np.zeros(1, np.intp))
    columns = {key: np.array([row[1 + k] for row in rows]) for k, key in enumerate(KEYS)}
    regime = np.array([row[3] for row in rows], np.int16)
    still, ended = gather(DETECTOR, np.zeros(1, np.int64), opened[None, :], grid, columns, regime)
    return still[0], ended


def told(ended: Stretches) -> list[tuple[object, ...]]:
    return [
        (int(ended.end_ms[i]), int(ended.told_ms[i]), *np.nan_to_num(ended.mean[i], nan=-1),
         *np.nan_to_num(ended.deviation[i], nan=-1), *ended.low[i], *ended.high[i])
        for i in range(len(ended))
    ]  # fmt: skip


def slow(rows: list[Row]) -> list[tuple[object, ...]]:
    """Row by row, with a list of the values of each stretch."""
    found: list[tuple[object, ...]] = []
    number, kept = -1, ([], [])  # type: tuple[int, tuple[list[float], list[float]]]
    for at, *pair, regime in rows:
        if at // 60_000 != number:
            if any(kept):
                found.append(((number + 1) * 60_000, at, kept))
            number, kept = at // 60_000, ([], [])
        for values, value in zip(kept, pair, strict=True):
            if regime == WORKING and not math.isnan(value):
                values.append(value)
    return found


@settings(max_examples=150, deadline=None)
@given(streams)
def test_like_the_slow_twin(steps: list[Row]) -> None:
    rows = timed(steps)
    _, ended = fold(nothing_open(DETECTOR), rows)
    wanted = slow(rows)
    assert [(int(a), int(b)) for a, b in zip(ended.end_ms, ended.told_ms, strict=True)] == [
        (end, at) for end, at, _ in wanted
    ]
    for i, (_, _, kept) in enumerate(wanted):
        for k, own in enumerate(kept):  # type: ignore[arg-type, var-annotated]
            if len(own) < FEWEST_ROWS:
                assert math.isnan(ended.mean[i, k])
            else:
                assert math.isclose(ended.mean[i, k], sum(own) / len(own), rel_tol=1e-12)
                assert (ended.low[i, k], ended.high[i, k]) == (min(own), max(own))


@settings(max_examples=150, deadline=None)
@given(streams, st.data())
def test_cut_anywhere_without_a_difference(steps: list[Row], data: st.DataObject) -> None:
    rows = timed(steps)
    whole_open, whole = fold(nothing_open(DETECTOR), rows)
    cut = data.draw(st.integers(1, len(rows)))
    opened, first = fold(nothing_open(DETECTOR), rows[:cut])
    found = told(first)
    if rows[cut:]:
        opened, second = fold(opened, rows[cut:])
        found += told(second)
    assert found == told(whole)
    assert opened.tolist() == whole_open.tolist()


def test_machines_are_not_all_judged_in_the_same_moment() -> None:
    shift = shift_ms(DETECTOR, np.arange(1, 1001))
    assert shift.min() >= 0 and shift.max() < DETECTOR.every_ms
    assert np.bincount(shift * 10 // DETECTOR.every_ms).max() < 130
