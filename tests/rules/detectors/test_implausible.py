"""Sensors that deliver what cannot be true: for how long, and that it does not matter how rows are
cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import SampleBatch
from ingest import quality
from rules.alarms.evidence import account_of
from rules.changes import AlarmChange
from rules.codec import dump, load
from rules.condition import Identity
from rules.detectors.account import reason_of
from rules.detectors.implausible import FULL_MS
from rules.engine import fold
from rules.faults import FaultState
from rules.state import empty_state
from tests import small
from tests.rules.plans import compiled, rule

PLAN = compiled(rules=[rule("sensor", sensors=True, severity=2)])
START = 1_767_225_600_000
STEP_MS = 30_000
TURNS = FULL_MS // STEP_MS
WILD, FINE = 3276.7, 60.0
ERROR = 0xFE * 0.4

Value = float | None


def rows(
    oil: list[Value], *, rpm: Value = 1500.0, fuel: list[Value] | None = None, gap: int = STEP_MS
) -> SampleBatch:
    """What ingest makes of these values, sent by one machine."""
    n = len(oil)
    values = np.full((n, len(PLAN.signals)), np.nan, order="F")
    columns = {"oil_temp_c": oil, "eng_speed_rpm": [rpm] * n, "fuel_pct": fuel or [50.0] * n}
    for key, column in columns.items():
        values[:, PLAN.signals.index(key)] = np.array(column, float)
    times = START + np.arange(n) * gap
    batch = SampleBatch("pump", PLAN.signals, np.ones(n, np.int64), times, times, values)
    return quality.judged(batch, quality.limits_of(PLAN.plan))[0]


def run(batch: SampleBatch, cuts: list[int] | None = None) -> list[AlarmChange]:
    """What is told of it; between pieces the state goes through the store's bytes."""
    state = empty_state(PLAN, [1])
    changes: list[AlarmChange] = []
    bounds = [0, *sorted(min(cut, len(batch)) for cut in cuts or []), len(batch)]
    for a, b in pairwise(bounds):
        if a == b:
            continue
        state, more = fold(PLAN, {}, state, batch.take(np.arange(a, b)))
        changes += more
        state = load(PLAN, 1, dump(PLAN, state, 0, FaultState())).state
    return changes


def told(changes: list[AlarmChange]) -> list[tuple[str, int]]:
    return [(change.kind, (change.at - START) // STEP_MS) for change in changes]


def test_a_quarter_of_an_hour_of_nonsense_is_told_and_over_after_as_much_that_is_good() -> None:
    changes = run(rows([FINE] * 3 + [WILD] * (TURNS + 5) + [FINE] * (TURNS + 5)))
    assert told(changes) == [("raised", 3 + TURNS), ("cleared", 8 + 2 * TURNS)]
    assert {change.component for change in changes} == {"body/oil_temp_c"}
    assert changes[0].since == START + 3 * STEP_MS
    assert changes[0].learned == {
        "sensor": "oil_temp_c", "fault": "range", "values": TURNS + 1, "low": WILD, "high": WILD,
    }  # fmt: skip


def test_wild_values_that_stand_alone_are_nothing() -> None:
    assert run(rows([WILD, *[FINE] * 9] * TURNS)) == []


def test_a_loose_contact_that_is_bad_for_most_of_the_time_is_told() -> None:
    assert told(run(rows([WILD, WILD, FINE] * TURNS))) == [("raised", 3 * TURNS - 2)]
    assert run(rows([WILD, FINE, FINE] * 2 * TURNS)) == []


def test_a_machine_at_rest_is_not_listened_to() -> None:
    assert run(rows([WILD] * 2 * TURNS, rpm=800.0)) == []


def test_the_sensor_that_tells_the_regime_is_found_by_whatever_else_is_known() -> None:
    changes = run(rows([FINE] * 2 * TURNS, rpm=99_999.0))
    assert [change.component for change in changes] == ["body/eng_speed_rpm"]
    assert changes[0].regime is None


def test_a_gap_is_no_time_of_work() -> None:
    long = (PLAN.max_gap_ms + 1000) // 1000 * 1000
    assert run(rows([WILD] * 2 * TURNS, gap=long)) == []


def test_not_available_is_no_fault_and_error_is_one() -> None:
    assert run(rows([FINE] * 2 * TURNS, fuel=[0xFF * 0.4] * 2 * TURNS)) == []
    (change,) = run(rows([FINE] * 2 * TURNS, fuel=[ERROR] * 2 * TURNS))
    assert change.learned is not None
    assert (
        "says 31 times that the sensor is at fault" in reason_of(PLAN.plan, change.learned, None).en
    )


def test_what_came_and_what_could_have_is_said_in_both_languages() -> None:
    (change,) = run(rows([WILD] * (TURNS + 1)))
    catalogue = small.catalogue(PLAN.plan)
    account = account_of(PLAN, catalogue, Identity("P-1", "P20", "south"), change)
    assert account.reason.en == (
        "name: 31 readings of 3276.7 °C, which cannot be true; the sensor measures -60 to 150 °C."
    )
    assert "3276.7 °C" in account.reason.zh and "-60 至 150 °C" in account.reason.zh


def slow(oil: list[Value]) -> list[tuple[str, int]]:
    """The obvious twin: a bucket, reading by reading."""
    found: list[tuple[str, int]] = []
    level, last, raised = None, 0, False
    for step, value in enumerate(oil):
        if value is None:
            continue
        passed = (step - last) * STEP_MS
        passed = passed if passed <= PLAN.max_gap_ms else 0
        if value == WILD:
            level = 0 if level is None else min(level + passed, FULL_MS)
            if level == FULL_MS and not raised:
                raised = True
                found.append(("raised", step))
        elif level is not None and level < passed:
            if raised:
                found.append(("cleared", step))
            level, raised = None, False
        elif level is not None:
            level -= passed
        last = step
    return found


runs = st.lists(
    st.tuples(st.sampled_from([WILD, WILD, FINE, None]), st.integers(1, 40)), min_size=1, max_size=9
)


@settings(max_examples=60, deadline=None)
@given(runs, st.lists(st.integers(0, 400), max_size=5))
def test_equals_the_slow_twin_however_it_is_cut(
    given_runs: list[tuple[Value, int]], cuts: list[int]
) -> None:
    oil = [value for value, count in given_runs for _ in range(count)]
    whole = run(rows(oil))
    assert told(whole) == slow(oil)
    assert run(rows(oil), cuts) == whole
