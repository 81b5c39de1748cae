"""Trouble codes: who looks at them, when they are raised and cleared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet.batch import FaultCode, FaultReport
from rules.faults import FaultState, active_codes, active_state, fold_faults, ripen, rules_of
from tests.rules.plans import compiled, rule

PLAN = compiled()
HOT = FaultCode(110, 0)
RED = FaultCode(100, 1, lamp="stop")
OWN = FaultCode(code="E7")


def report(at: int, *active: FaultCode) -> FaultReport:
    return FaultReport(1, at * 1000, at * 1000, active)


def told(changes: list[Any]) -> list[tuple[str, str, int]]:
    return sorted((c.kind, c.component, c.at // 1000) for c in changes)


def test_a_rule_takes_its_codes_and_unmatched_takes_the_rest() -> None:
    assert [rule.id for rule in rules_of(PLAN.fault_rules, HOT)] == ["code"]
    assert [rule.id for rule in rules_of(PLAN.fault_rules, RED)] == ["red_lamp"]
    assert [rule.id for rule in rules_of(PLAN.fault_rules, OWN)] == ["other_codes"]


def test_all_zero_means_no_active_code() -> None:
    assert active_codes(report(0, FaultCode(0, 0), FaultCode(0))) == {}


def test_each_code_is_its_own_alarm_and_absence_clears_it() -> None:
    reports = [report(10, HOT, OWN), report(20, OWN), report(30)]
    _, changes = fold_faults(PLAN, FaultState(), reports)
    assert told(changes) == [
        ("cleared", "body/E7", 30),
        ("cleared", "body/spn110-fmi0", 20),
        ("raised", "body/E7", 10),
        ("raised", "body/spn110-fmi0", 10),
    ]


def test_two_control_units_with_one_code_are_two_alarms() -> None:
    engine, gearbox = FaultCode(110, 0, sa=0, oc=3), FaultCode(110, 0, sa=3, oc=1)
    state, changes = fold_faults(
        PLAN, FaultState(), [report(10, engine, gearbox), report(20, replace(engine, oc=4))]
    )
    assert told(changes) == [
        ("cleared", "body/spn110-fmi0-sa3", 20),
        ("raised", "body/spn110-fmi0", 10),
        ("raised", "body/spn110-fmi0-sa3", 10),
    ]
    (known,) = active_state(state)
    assert (known["oc"], known["since_ms"]) == (4, 10_000), "the count goes on, the moment stays"


def test_a_hold_that_ran_out_between_two_reports_counts_from_its_end() -> None:
    _, changes = fold_faults(PLAN, FaultState(), [report(0, RED), report(100)])
    assert told(changes) == [
        ("cleared", "body/spn100-fmi1", 100),
        ("raised", "body/spn100-fmi1", 30),
    ]
    for gone in (29, 30):
        _, changes = fold_faults(PLAN, FaultState(), [report(0, RED), report(gone)])
        assert changes == []


def test_telemetry_lets_a_hold_run_out() -> None:
    state, changes = fold_faults(PLAN, FaultState(), [report(0, RED)])
    assert changes == []
    state, changes = ripen(PLAN, state, 1, 29_999)
    assert changes == []
    state, changes = ripen(PLAN, state, 1, 50_000)
    assert told(changes) == [("raised", "body/spn100-fmi1", 30)]
    assert state.as_of == 30_000


CODES = [HOT, RED, replace(RED, lamp="warning"), OWN]
lists = st.lists(
    st.lists(st.sampled_from(CODES), unique_by=lambda code: code.key, max_size=3), max_size=12
)


@given(lists=lists, cut=st.integers(0, 12))
def test_cut_anywhere_gives_the_same_changes(lists: list[list[FaultCode]], cut: int) -> None:
    reports = [report(i * 17, *codes) for i, codes in enumerate(lists)]
    state, first = fold_faults(PLAN, FaultState(), reports[:cut])
    end, second = fold_faults(PLAN, state, reports[cut:])
    whole_end, whole = fold_faults(PLAN, FaultState(), reports)
    assert first + second == whole
    assert end == whole_end


def test_a_rule_may_wait_for_an_occurrence_count() -> None:
    faults = {"spn": [1761], "occurrences": 3}
    plan = compiled(rules=[rule("often", faults=faults, hold_s=20, severity=2)])

    def active(at: int, oc: int | None) -> FaultReport:
        return report(at, FaultCode(1761, 17, oc=oc))

    _, changes = fold_faults(plan, FaultState(), [active(0, 2), active(60, 3), active(90, 4)])
    assert told(changes) == [("raised", "body/spn1761-fmi17", 60)]
    _, changes = fold_faults(plan, FaultState(), [active(0, 3), active(10, 4), active(30, 5)])
    assert told(changes) == [("raised", "body/spn1761-fmi17", 20)]
    _, changes = fold_faults(plan, FaultState(), [active(0, None), active(90, 2)])
    assert changes == []


def test_a_lamp_that_lights_later_holds_from_then_on() -> None:
    dark = replace(RED, lamp=None)
    reports = [report(0, dark), report(300, RED), report(310, RED), report(400, RED)]
    _, changes = fold_faults(PLAN, FaultState(), reports)
    assert [(c.rule, c.at // 1000) for c in changes] == [("other_codes", 0), ("red_lamp", 330)]
    _, changes = fold_faults(PLAN, FaultState(), [report(0, RED), report(20, dark), report(60)])
    assert [(c.rule, c.kind, c.at // 1000) for c in changes] == [
        ("other_codes", "raised", 20), ("other_codes", "cleared", 60),
    ]  # fmt: skip


def test_what_begins_anew_is_raised_later_than_before() -> None:
    state, _ = fold_faults(PLAN, FaultState(), [report(10, HOT, OWN)])
    state = state.begun_anew([("code", HOT.key)], state.as_of)
    state, changes = fold_faults(PLAN, state, [report(20, HOT, OWN)])
    assert [(change.rule, change.at) for change in changes] == [("code", 10_001)]
    assert state.active[HOT.key].since == 10_000
