"""Use of parts: the fold against a naive twin, hand-computed cases, and any cutting of a stream."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import SampleBatch
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from predict.usage import MachineUsage, fold, needed_signals
from tests.predict.plans import pump

PLAN = pump()
SIGNALS = needed_signals(PLAN)
T0 = 20_000 * MS_PER_DAY + 3 * MS_PER_HOUR
Row = tuple[int, float, float, float, float]
NAN = math.nan


def batch(rows: list[Row], machine: int = 7) -> SampleBatch:
    """Rows of (seconds after T0, bar, strokes/min, m3, hours)."""
    times = np.array([T0 + row[0] * 1000 for row in rows], dtype=np.int64)
    values = np.array([row[1:] for row in rows], dtype=float).reshape(len(rows), 4)
    order = [("press_bar", "stroke_spm", "volume_m3", "op_hours_h").index(s) for s in SIGNALS]
    return SampleBatch(
        "pump",
        SIGNALS,
        np.full(len(rows), machine, dtype=np.int64),
        times,
        times,
        np.asfortranarray(values[:, order]),
    )


def use(rows: list[Row]) -> MachineUsage:
    return fold(PLAN, {}, batch(rows), {}).states[7]


def test_growth_is_weighted_by_the_pressure_of_its_row() -> None:
    state = use([(0, 150, 20, 1000, 500), (10, 300, 20, 1001, 500), (20, NAN, 20, 1002, 500)])
    # 1 m3 at twice the normal pressure; then the 300 bar still hold.
    assert state.totals["piston"] == pytest.approx(4.0)


def test_an_unknown_factor_counts_as_one() -> None:
    state = use([(0, NAN, 20, 1000, 500), (10, NAN, 20, 1003, 500)])
    assert state.totals["piston"] == pytest.approx(3.0)


def test_a_restarted_counter_goes_on_from_zero() -> None:
    state = use([(0, 150, 20, 5000, 500), (10, 150, 20, 2, 500), (20, 150, 20, 3, 500)])
    assert state.totals["piston"] == pytest.approx(3.0)


def test_a_spike_is_ignored_and_counted() -> None:
    state = use([(0, 150, 20, 5000, 500), (10, 150, 20, 900_000, 500), (20, 150, 20, 5001, 500)])
    assert state.totals["piston"] == pytest.approx(1.0)
    assert state.ignored == {"volume_m3": 1}


def test_a_counter_that_stays_at_its_new_level_goes_on_from_there() -> None:
    state = use([(0, 150, 20, 50, 1), (10, 150, 20, 90_000, 1), (20, 150, 20, 90_002, 1)])
    assert state.totals["piston"] == pytest.approx(2.0)


def test_a_gap_counts_for_counters_and_not_for_running_hours() -> None:
    rows: list[Row] = [(0, 150, 20, 1000, 500), (7200, 150, 20, 1100, 502)]
    state = use([*rows, (7260, 150, 20, 1100, 502)])
    assert state.totals["piston"] == pytest.approx(100.0)
    assert state.totals["filter"] == pytest.approx(60 / 3600)
    assert (state.hours, state.first_hours) == (502.0, 500.0)


def test_hours_belong_to_the_regime_they_began_in() -> None:
    state = use([(0, 300, 20, 1, 1), (36, 150, 0, 1, 1), (72, 150, 0, 1, 1)])
    assert state.totals["valve"] == pytest.approx(2 * 0.01)
    assert state.totals["filter"] == pytest.approx(0.02)


def test_the_state_ahead_of_a_cut_and_of_each_day() -> None:
    day = 21 * 3600
    rows: list[Row] = [(0, 150, 20, 100, 1), (10, 150, 20, 101, 1), (day, 150, 20, 105, 1)]
    cut = T0 + 5_000
    result = fold(PLAN, {}, batch(rows), {7: [cut]})
    first_day, second_day = 20_000 * MS_PER_DAY, 20_001 * MS_PER_DAY
    assert set(result.before) == {(7, first_day), (7, cut), (7, second_day)}
    assert result.before[7, first_day] is None
    at_cut, at_day = result.before[7, cut], result.before[7, second_day]
    assert at_cut is not None and at_day is not None
    assert at_cut.totals["piston"] == 0.0
    assert at_day.totals["piston"] == pytest.approx(1.0)
    assert at_day.as_of == T0 + 10_000


def twin(rows: list[Row]) -> dict[str, float]:
    """Row by row, from the definitions in the plan of the tests alone."""
    total = {"piston": 0.0, "valve": 0.0, "filter": 0.0}
    anchor: tuple[float, float] | None = None
    jump: tuple[float, float] | None = None
    seen: dict[str, tuple[float, float]] = {}
    before: tuple[float, str, float] | None = None

    def fits(growth: float, seconds: float) -> bool:
        return 0 <= growth <= 10_000 * 0.002 + 10_000 / 24 * seconds / 3600

    for at, press, stroke, volume, _ in rows:
        for name, value in (("press", press), ("stroke", stroke)):
            if not math.isnan(value):
                seen[name] = (value, at)
        known = {name: value for name, (value, since) in seen.items() if at - since <= 30}
        factor = known["press"] / 150 if "press" in known else 1.0
        if before is not None and at - before[0] <= 120:
            hours = (at - before[0]) / 3600
            total["filter"] += hours if before[1] else 0
            total["valve"] += hours * before[2] if before[1] == "pumping" else 0
        regime = "" if "stroke" not in known else "pumping" if known["stroke"] > 4 else "waiting"
        before = (at, regime, factor)
        if math.isnan(volume):
            continue
        if anchor is None:
            anchor = (volume, at)
        elif fits(volume - anchor[0], at - anchor[1]):
            total["piston"] += (volume - anchor[0]) * factor
            anchor, jump = (volume, at), None
        elif jump is not None and fits(volume - jump[0], at - jump[1]):
            total["piston"] += (volume - jump[0]) * factor
            anchor, jump = (volume, at), None
        elif volume < anchor[0] and fits(volume, at - anchor[1]):
            total["piston"] += volume * factor
            anchor, jump = (volume, at), None
        else:
            jump = (volume, at)
    return total


@st.composite
def streams(draw: st.DrawFn) -> list[Row]:
    rows: list[Row] = []
    at, volume = 0, 1000.0
    for _ in range(draw(st.integers(1, 25))):
        at += draw(st.sampled_from([1, 10, 30, 31, 120, 121, 4000, 90_000]))
        volume += draw(st.sampled_from([0.0, 0.5, 15.0, 21.0]))
        shown = draw(st.sampled_from([volume, volume, volume, NAN, 0.0, 5.0, 1e6, volume + 5000]))
        if draw(st.booleans()) and shown < 100:
            volume = shown
        press = draw(st.sampled_from([NAN, 0.0, 150.0, 290.0]))
        stroke = draw(st.sampled_from([NAN, 0.0, 20.0]))
        rows.append((at, press, stroke, shown, 500.0 + at / 3600))
    return rows


@settings(max_examples=300, deadline=None)
@given(streams())
def test_the_fold_agrees_with_the_twin(rows: list[Row]) -> None:
    totals = use(rows).totals
    for part, expected in twin(rows).items():
        assert totals[part] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(streams(), streams(), st.data())
def test_however_a_stream_is_cut_the_use_is_the_same(
    mine: list[Row], other: list[Row], data: st.DataObject
) -> None:
    whole = fold(PLAN, {}, _both(mine, other), {}).states
    states: dict[int, MachineUsage] = {}
    left = {7: mine, 8: other}
    while any(left.values()):
        one = data.draw(st.sampled_from([m for m, rows in left.items() if rows]))
        taken = {m: data.draw(st.integers(int(m == one), len(rows))) for m, rows in left.items()}
        part = _both(left[7][: taken[7]], left[8][: taken[8]])
        states |= fold(PLAN, states, part, {}).states
        left = {m: rows[taken[m] :] for m, rows in left.items()}
    for machine, state in states.items():
        expected = whole[machine]
        assert state.totals == pytest.approx(expected.totals, rel=1e-9, abs=1e-9)
        assert _settled(state) == _settled(expected)


def _settled(state: MachineUsage) -> MachineUsage:
    """Without what differs in the last bit when sums are taken in another order."""
    hours = round(state.hours, 6) if state.hours is not None else None
    return replace(state, totals={}, hours=hours)


def _both(mine: list[Row], other: list[Row]) -> SampleBatch:
    left, right = batch(mine, 7), batch(other, 8)
    return SampleBatch(
        "pump",
        SIGNALS,
        np.concatenate([left.machine_id, right.machine_id]),
        np.concatenate([left.measured_at, right.measured_at]),
        np.concatenate([left.received_at, right.received_at]),
        np.asfortranarray(np.concatenate([left.values, right.values])),
    )
