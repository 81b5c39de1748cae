"""What is known of machines now: in the digits they have, in turns while there is work, and shown
by whoever takes over from a worker that did not live to show it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import clock
from rules.compiled import compile_plan
from rules.live import worker as working
from rules.live.keeping import Known
from rules.live.showing import _shown, show
from rules.state import Memory, empty_state
from tests import small
from tests.rules.conftest import Bench

COMPILED = compile_plan(small.product_plan())
REAL = [signal.type == "real" for signal in COMPILED.plan.signals].index(True)
OTHER = [signal.type == "real" for signal in COMPILED.plan.signals].index(False)


@given(st.floats(-(2.0**50), 2.0**50, width=32).filter(lambda v: v == 0 or abs(v) > 1e-15))
def test_a_real_is_shown_with_the_digits_it_has(value: float) -> None:
    given_values = np.full((1, len(COMPILED.signals)), value)
    shown = _shown(COMPILED, given_values)[0]
    assert shown[REAL] == float(f"{value:.7g}")
    assert shown[OTHER] == value


def test_what_is_unknown_stays_unknown() -> None:
    assert np.isnan(_shown(COMPILED, np.full((1, len(COMPILED.signals)), np.nan))).all()


def bring(bench: Bench, *machines: int, at: int) -> None:
    bench.bring([(m, at, {"eng_speed_rpm": 1500.0, "oil_temp_c": 60.0}) for m in machines])


def shown(bench: Bench) -> list[tuple[int, int]]:
    rows = bench.rows(
        "select machine_id, measured_at from machine_now where measured_at is not null"
        " order by machine_id"
    )
    return [(row["machine_id"], clock.to_ms(row["measured_at"])) for row in rows]


def test_while_there_is_work_machines_are_shown_in_turns(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "MOST_ENTRIES", 1)
    monkeypatch.setattr(working, "_SHOW_S", 0.0)
    monkeypatch.setattr(working, "_SHOW_SHARE", 0.5)
    start = clock.now_ms() - 60_000
    worker = bench.worker()
    bring(bench, 1, at=start)
    bring(bench, 2, at=start)
    bring(bench, 1, at=start + 10_000)
    bring(bench, 2, at=start + 10_000)
    assert worker.step()
    assert shown(bench) == []
    assert worker.step()
    assert shown(bench) == [(1, start)]
    assert worker.step()
    assert worker.step()
    assert not worker.step()
    assert shown(bench) == [(1, start + 10_000), (2, start + 10_000)]


def test_what_a_worker_did_not_live_to_show_the_next_one_shows(bench: Bench) -> None:
    start = clock.now_ms() - 60_000
    bring(bench, 1, 2, at=start)
    bench.bring_faults(3, start, {"spn": 110, "fmi": 0})
    assert bench.worker().step()
    assert shown(bench) == []
    assert not bench.worker().step()
    assert shown(bench) == [(1, start), (2, start)]


def test_those_that_wait_for_longest_come_first(bench: Bench) -> None:
    compiled = compile_plan(small.product_plan())
    known = Known(Memory(compiled))
    for machine in (2, 1, 3):
        known.states.put(empty_state(compiled, [machine]))
        known.unshown[machine] = None
    show(bench.connection, compiled, known, share=0.5)
    assert list(known.unshown) == [3]
