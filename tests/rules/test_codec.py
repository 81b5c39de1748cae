"""States as bytes: the same after reading back, also under a changed plan."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import FaultCode, FaultReport
from fleet.errors import IronpulseError
from rules.changes import AlarmChange
from rules.codec import dump, load, nothing_known
from rules.engine import fold, with_windows
from rules.faults import FaultState, fold_faults
from rules.state import COLUMNS, FleetState, stack
from tests.rules.plans import IDENTITIES, RULES, compiled
from tests.rules.test_engine import PLAN, START, Row, batch_of, run, steady, streams


def revived(state: FleetState, seen: list[Row]) -> FleetState:
    """The state through bytes, its windows made anew from the rows seen."""
    parts = []
    for row, machine in enumerate(state.machine_id.tolist()):
        one = load(PLAN, machine, dump(PLAN, state, row, FaultState())).state
        since = int(one.as_of[0]) - PLAN.past_ms
        own = [r for r in seen if r[0] == machine and since <= r[1] <= one.as_of[0]]
        parts.append(with_windows(PLAN, IDENTITIES, one, batch_of(own)))
    return stack(parts)


@settings(max_examples=100, deadline=None)
@given(rows=streams, cut=st.integers(0, 60))
def test_resuming_from_bytes_gives_the_same_changes(rows: list[Row], cut: int) -> None:
    first, second = rows[:cut], rows[cut:]
    state, changes = run([first])
    state = revived(state, first)
    touched = sorted({machine for machine, _, _ in second})
    places = [state.machine_id.tolist().index(machine) for machine in touched]
    _, more = fold(PLAN, IDENTITIES, state.select(places), batch_of(second))
    _, whole = run([rows])

    def order(change: AlarmChange) -> tuple[int, int, str, str]:
        return change.machine_id, change.at, change.rule, change.kind

    assert sorted([*changes, *more], key=order) == sorted(whole, key=order)


def test_a_changed_plan_keeps_what_it_still_has() -> None:
    state, _ = run([steady(4, eng_speed_rpm=1500, oil_temp_c=90)])
    data = dump(PLAN, state, 0, FaultState())
    signals = [PLAN.plan.signals[i].model_dump() for i in (2, 0, 1, 3, 4)]
    smaller = compiled(signals=signals, rules=RULES[:1])
    found = load(smaller, 1, data).state
    assert found.phase.tolist() == [[2]]
    assert found.last_value[0, 1] == 90
    assert found.regime.tolist() == [0]
    assert found.as_of.tolist() == [START + 30_000]


def test_nothing_known_stays_nothing() -> None:
    empty = nothing_known(PLAN, 5)
    found = load(PLAN, 5, dump(PLAN, empty.state, 0, empty.faults))
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found.state, name), getattr(empty.state, name))
    assert found.faults == empty.faults


def test_trouble_codes_come_back() -> None:
    codes = (FaultCode(110, 0, oc=3, sa=0, lamp="stop"), FaultCode(code="E7"))
    faults, _ = fold_faults(PLAN, FaultState(), [FaultReport(1, 1000, 1000, codes)])
    assert load(PLAN, 1, dump(PLAN, nothing_known(PLAN, 1).state, 0, faults)).faults == faults


def test_refuses_bytes_of_another_version() -> None:
    data = dump(PLAN, nothing_known(PLAN, 1).state, 0, FaultState())
    other = msgspec.msgpack.encode([99, *msgspec.msgpack.decode(data)[1:]])
    with pytest.raises(IronpulseError, match="version 99"):
        load(PLAN, 1, other)
    with pytest.raises(IronpulseError, match="cannot be read"):
        load(PLAN, 1, b"no state")
