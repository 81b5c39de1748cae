"""The engine against its slow twin, and cut anywhere without a difference."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import SampleBatch
from fleet.errors import IronpulseError
from rules.changes import AlarmChange
from rules.engine import fold
from rules.state import FleetState, empty_state, stack
from tests.rules.plans import IDENTITIES, compiled, rule
from tests.rules.twin import slow_fold, told

PLAN = compiled()
START = 1_767_225_600_000

Row = tuple[int, int, dict[str, float]]

row_values = st.fixed_dictionaries(
    {},
    optional={
        "eng_speed_rpm": st.sampled_from([700.0, 1500.0, 1500.0]),
        "oil_temp_c": st.sampled_from([70.0, 79.0, 84.0, 86.0, 86.0, 89.0, 95.0]),
        "filter_sw": st.sampled_from([0.0, 1.0]),
        "fuel_pct": st.sampled_from([50.0, 48.0, 40.0, 39.0]),
    },
)
gaps = st.sampled_from([5, 10, 10, 10, 20, 55, 70])
streams = st.lists(
    st.tuples(st.sampled_from([1, 1, 2, 3]), gaps, row_values, st.sampled_from([1, 1, 2, 5])),
    min_size=1,
    max_size=40,
).map(lambda runs: timed([run[:3] for run in runs for _ in range(run[3])]))


def timed(steps: list[tuple[int, int, dict[str, float]]]) -> list[Row]:
    clocks = dict.fromkeys(IDENTITIES, START)
    rows = []
    for machine, gap, values in steps:
        clocks[machine] += gap * 1000
        rows.append((machine, clocks[machine], values))
    return rows


def batch_of(rows: list[Row]) -> SampleBatch:
    values = np.full((len(rows), len(PLAN.signals)), np.nan, order="F")
    for i, (_, _, given_values) in enumerate(rows):
        for key, value in given_values.items():
            values[i, PLAN.signals.index(key)] = value
    times = np.array([time for _, time, _ in rows], np.int64)
    ids = np.array([machine for machine, _, _ in rows], np.int64)
    return SampleBatch("pump", PLAN.signals, ids, times, times, values)


def run(pieces: list[list[Row]]) -> tuple[FleetState, list[AlarmChange]]:
    """Fold the pieces one after the other, keeping states as the worker does."""
    known = {m: empty_state(PLAN, [m]) for m in IDENTITIES}
    changes: list[AlarmChange] = []
    for piece in pieces:
        touched = sorted({machine for machine, _, _ in piece})
        if not touched:
            continue
        state, more = fold(PLAN, IDENTITIES, stack([known[m] for m in touched]), batch_of(piece))
        known.update({m: state.select([i]) for i, m in enumerate(touched)})
        changes += more
    return stack(list(known.values())), changes


def steady(n: int, every_s: int = 10, machine: int = 1, **values: float) -> list[Row]:
    return [(machine, START + i * every_s * 1000, dict(values)) for i in range(n)]


@settings(max_examples=150, deadline=None)
@given(rows=streams)
def test_equals_the_slow_twin(rows: list[Row]) -> None:
    _, changes = run([rows])
    assert told(changes) == slow_fold(PLAN, IDENTITIES, batch_of(rows))


@settings(max_examples=150, deadline=None)
@given(rows=streams, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_cut_anywhere_gives_the_same_changes(rows: list[Row], cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [rows[a:b] for a, b in pairwise(bounds)]
    whole_state, whole = run([rows])
    cut_state, cut = run(pieces)
    key = lambda change: (change.machine_id, change.at, change.rule, change.kind)  # noqa: E731
    assert sorted(whole, key=key) == sorted(cut, key=key)
    for name in ("as_of", "regime", "regime_since", "last_time", "phase", "since", "known"):
        np.testing.assert_array_equal(getattr(whole_state, name), getattr(cut_state, name))


def test_raises_at_the_first_sample_after_the_hold_and_says_why() -> None:
    _, changes = run([steady(4, eng_speed_rpm=1500, oil_temp_c=90)])
    hot = next(change for change in changes if change.rule == "hot")
    assert (hot.kind, hot.since, hot.at) == ("raised", START, START + 20_000)
    assert hot.values == {"oil_temp_c": 90}
    assert hot.regime == "working"


def test_a_window_tells_what_it_saw() -> None:
    _, changes = run([steady(3, eng_speed_rpm=1500, oil_temp_c=87)])
    mean = next(change for change in changes if change.rule == "mean")
    assert mean.windows == {"avg(oil_temp_c, '40s')": 87.0}


def test_overrides_machine_before_model_before_region() -> None:
    for machine, temperature, raised in ((1, 89, False), (1, 91, True), (2, 81, True),
                                         (3, 86, True)):  # fmt: skip
        _, changes = run([steady(1, machine=machine, oil_temp_c=temperature)])
        assert any(change.rule == "hot_anywhere" for change in changes) is raised


def test_unknown_starts_nothing_and_ends_nothing() -> None:
    silent = [(1, START + 30_000 + i * 10_000, {"eng_speed_rpm": 1500.0}) for i in range(30)]
    _, changes = run([steady(3, eng_speed_rpm=1500, oil_temp_c=90) + silent])
    assert {(c.rule, c.kind) for c in changes} == {("hot", "raised"), ("mean", "raised")}


@pytest.mark.parametrize("regimes", ["any", ["working"]])
def test_a_number_is_true_unless_it_is_zero(regimes: object) -> None:
    given = {"when": "fuel_pct - 48", "clear": "48 - fuel_pct == 0", "regimes": regimes}
    plan = compiled(rules=[rule("fuel", **given, hold_s=0, clear_hold_s=0, params={})])
    rows = steady(3, eng_speed_rpm=1500, fuel_pct=40)
    _, changes = fold(plan, IDENTITIES, empty_state(plan, [1]), batch_of(rows))
    assert [(change.rule, change.at) for change in changes] == [("fuel", START)]


def test_a_gap_begins_the_hold_anew() -> None:
    first = steady(2, eng_speed_rpm=1500, oil_temp_c=90)
    later = [(1, t + 200_000, v) for _, t, v in steady(3, eng_speed_rpm=1500, oil_temp_c=90)]
    _, changes = run([first + later])
    assert [c.at for c in changes if c.rule == "hot"] == [START + 220_000]


def test_clears_in_any_regime() -> None:
    hot = steady(3, eng_speed_rpm=1500, oil_temp_c=90)
    parked = [(1, START + 600_000 + i * 10_000, {"eng_speed_rpm": 0.0, "oil_temp_c": 40.0})
              for i in range(2)]  # fmt: skip
    _, changes = run([hot + parked])
    assert [(c.kind, c.at) for c in changes if c.rule == "hot"][-1] == ("cleared", START + 610_000)


def test_refuses_rows_that_were_folded_already() -> None:
    rows = steady(2, oil_temp_c=50)
    state, _ = run([rows])
    with pytest.raises(IronpulseError, match="folded already"):
        fold(PLAN, IDENTITIES, state, batch_of(rows[:1]))


def test_an_empty_batch_changes_nothing() -> None:
    state, changes = fold(PLAN, IDENTITIES, empty_state(PLAN, [1]), batch_of([]))
    assert len(state) == 0
    assert changes == []


def test_values_are_unknown_after_three_periods() -> None:
    rows = [*steady(1, eng_speed_rpm=1500), (1, START + 30_000, {}), (1, START + 30_001, {})]
    state, _ = run([rows[:2]])
    assert state.regime.tolist() == [0, -1, -1]
    state, _ = run([rows])
    assert state.regime.tolist() == [-1, -1, -1]
    assert math.isnan(state.last_value[0, PLAN.signals.index("oil_temp_c")])
