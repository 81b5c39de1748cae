"""Window functions against slow twins, and cut anywhere without a difference."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.calls import WINDOW_FUNCTIONS
from fleet.pace import Pace
from fleet.windows import Columns, exact, inexact, settled, window
from tests.rules.twin import slow_rises

GAP_MS = 25_000
Machine = list[tuple[int, float]]

values = st.one_of(
    st.just(math.nan),
    st.sampled_from([0.0, 1.0, 1.0]),
    st.floats(-1e6, 1e6, width=32),
)
machine = st.lists(st.tuples(st.integers(1, 40), values), max_size=25).map(
    lambda steps: [
        (1_700_000_000_000 + sum(gap for gap, _ in steps[: i + 1]) * 1000, value)
        for i, (_, value) in enumerate(steps)
    ]
)
fleets = st.lists(machine, min_size=1, max_size=4).filter(lambda fleet: any(fleet))


#: 0.25 at once and 1.1 an hour, as hours run; these machines count in seconds.
PACE = Pace(3600.0, 20.0)
counters = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from([0.5, 1.0, 5.0, -1e3, 900.0, math.nan])),
    max_size=25,
)


def columns_of(fleet: list[Machine]) -> tuple[Columns, np.ndarray]:
    rows = [row for one in fleet for row in one]
    starts = np.cumsum([0] + [len(one) for one in fleet if one])[:-1]
    times = np.array([time for time, _ in rows], np.int64)
    return Columns(times, starts, {}, GAP_MS), np.array([value for _, value in rows])


def slow(name: str, rows: Machine, at: int, window_ms: int) -> float:
    now = rows[at][0]
    known = [(t, v) for t, v in rows[: at + 1] if now - window_ms < t and not math.isnan(v)]
    if not known:
        return math.nan
    (t0, first), (t1, last) = known[0], known[-1]
    match name:
        case "avg":
            return math.fsum(v for _, v in known) / len(known)
        case "low":
            return min(v for _, v in known)
        case "high":
            return max(v for _, v in known)
        case "delta":
            return last - first
        case "rate":
            return (last - first) / ((t1 - t0) / 60_000) if t1 > t0 else math.nan
        case "growth":
            return math.fsum(max(b - a, 0) for (_, a), (_, b) in pairwise(known))
        case "hours":
            inside = [(t, v) for t, v in rows[: at + 1] if now - window_ms < t]
            steps = [t - s for (s, v), (t, _) in pairwise(inside) if v and not math.isnan(v)]
            return sum(step for step in steps if step <= GAP_MS) / 3_600_000
    return float(sum(became_true(rows, t, v, window_ms) for t, v in known))


def became_true(rows: Machine, time: int, value: float, window_ms: int) -> bool:
    before = [v for t, v in rows if time - window_ms < t < time and not math.isnan(v)]
    return value != 0 and bool(before) and before[-1] == 0


@pytest.mark.parametrize("name", WINDOW_FUNCTIONS)
@given(fleet=fleets, window_s=st.integers(1, 200), every=st.integers(1, 4))
def test_equals_the_slow_twin(name: str, fleet: list[Machine], window_s: int, every: int) -> None:
    columns, argument = columns_of(fleet)
    found = window(name, argument, columns, window_s * 1000)
    expected = [slow(name, one, at, window_s * 1000) for one in fleet for at in range(len(one))]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    asked = np.arange(0, len(argument), every)
    some = window(name, argument, replace(columns, asked=asked), window_s * 1000)
    assert some.tobytes() == found[asked].tobytes()


@pytest.mark.parametrize("name", WINDOW_FUNCTIONS)
@given(rows=machine.filter(bool), window_s=st.integers(1, 100), data=st.data())
def test_older_rows_change_no_bit(
    name: str, rows: Machine, window_s: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    columns, argument = columns_of([rows])
    whole = window(name, argument, columns, window_s * 1000)[at]
    tail = [row for row in rows[: at + 1] if row[0] > rows[at][0] - 2 * window_s * 1000]
    columns, argument = columns_of([tail])
    cut = window(name, argument, columns, window_s * 1000)[-1]
    assert whole.tobytes() == cut.tobytes()


def test_count_sees_a_change_across_an_unknown_value() -> None:
    rows = [(0, 0.0), (1000, math.nan), (2000, 1.0), (3000, 1.0), (4000, 0.0), (5000, 1.0)]
    columns, argument = columns_of([rows])
    assert window("count", argument, columns, 60_000).tolist() == [0, 0, 1, 1, 1, 2]


def test_no_rows_give_no_values() -> None:
    columns = Columns(np.empty(0, np.int64), np.empty(0, np.int64), {})
    for name in WINDOW_FUNCTIONS:
        assert window(name, np.empty(0), columns, 1000).shape == (0,)


def test_a_sum_of_years_stays_exact() -> None:
    whole, fraction = exact(np.full(400_000, 0.3))
    sums = settled(np.cumsum(whole), np.cumsum(fraction))
    assert (sums[1] >= 0).all() and (sums[1] < 2**40).all()
    steps = np.array([int(one) for one in sums[1]]) + (np.array(sums[0], object) << 40)
    assert (np.diff(steps) == round(0.3 * 2**40)).all()
    assert inexact(*sums)[-1] == pytest.approx(120_000, abs=1e-6)


@given(steps=counters, window_s=st.integers(1, 200), data=st.data())
def test_growth_of_a_counter_equals_the_slow_twin_wherever_it_is_cut(
    steps: list[tuple[int, float]], window_s: int, data: st.DataObject
) -> None:
    times = [1_700_000_000_000 + 1000 * sum(gap for gap, _ in steps[: i + 1])
             for i in range(len(steps))]  # fmt: skip
    # A counter that grows by itself, thrown by so much in single rows.
    values = [100.0 + i + (off if abs(off) > 10 else 0.0) for i, (_, off) in enumerate(steps)]
    columns, argument = columns_of([list(zip(times, values, strict=True))] if steps else [[]])
    if not steps:
        return
    found = window("growth", argument, columns, window_s * 1000, PACE)
    for at, now in enumerate(times):
        inside = [i for i in range(at + 1) if times[i] > now - window_s * 1000
                  and not math.isnan(values[i])]  # fmt: skip
        counted = [
            slow_rises(times[: i + 1][low:], values[: i + 1][low:], PACE, math.nan)[-1]
            for i in inside[1:]
            for low in [next(k for k in range(i + 1) if times[k] > times[i] - window_s * 1000)]
        ]
        expected = math.fsum(counted) if inside else math.nan
        assert found[at] == pytest.approx(expected, abs=1e-9, nan_ok=True)
    at = data.draw(st.integers(0, len(times) - 1))
    tail = [i for i in range(at + 1) if times[i] > times[at] - 2 * window_s * 1000]
    columns, argument = columns_of([[(times[i], values[i]) for i in tail]])
    cut = window("growth", argument, columns, window_s * 1000, PACE)[-1]
    assert found[at].tobytes() == cut.tobytes()


@pytest.mark.parametrize(
    ("said", "grown"),
    [
        ([100, 101, 9000, 102, 103], 3),  # a spike
        ([100, 101, 9000, 9000, 9000, 102, 103], 3),  # one that is held
        ([100, 101, 0, 102, 103], 3),  # a reading that failed
        ([100, 101, 0, 1, 2], 3),  # begun anew
        ([100, 101, 9000, 9001, 9002], 3),  # another control unit
        ([9000, 100, 101], 1),  # the first one is wild
        ([100, 101, math.nan, 9000, math.nan, 102], 2),
    ],
)
def test_a_counter_has_not_counted_what_it_cannot(said: list[float], grown: float) -> None:
    columns, argument = columns_of([[(1000 * i, value) for i, value in enumerate(said)]])
    assert window("growth", argument, columns, 60_000, PACE)[-1] == grown
