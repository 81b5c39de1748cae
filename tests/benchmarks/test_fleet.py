"""How a run is counted, by hand; and a small fleet from end to end."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from benchmarks.fleet.__main__ import PRODUCTS, run
from benchmarks.fleet.course import Course
from benchmarks.fleet.protocol import cases_of, false_visits, figures
from benchmarks.fleet.taught import teachers
from fleet.loader import load_catalogue
from rules.backtest.course import Alarm
from rules.backtest.visits import Decided
from rules.detectors.teaching import MOST_MACHINES
from simulators.fleet import FleetMachine
from simulators.truth import Episode
from tests.simulators import world

HOUR = 3_600_000
catalogue = cache(lambda: load_catalogue(PRODUCTS))
END = 1000 * HOUR


def _episode(onset: int, detectable: int, failed: int | None, repaired: int | None) -> Episode:
    return Episode(
        "X", "concrete_boom_pump", "CP-F04", onset * HOUR, detectable * HOUR,
        None if failed is None else failed * HOUR, None if repaired is None else repaired * HOUR,
        None, {},
    )  # fmt: skip


def _decided(at: int, modes: tuple[str, ...], visit: int = 1) -> Decided:
    alarm = Alarm(1, "swing_slow_warn", "hydraulics", at * HOUR, None, None, {})
    return Decided(alarm, "opened", visit, 10.0, modes)


def _course(episodes: list[Episode], decided: list[Decided]) -> Course:
    return Course(_spec(), tuple(episodes), tuple(decided), 10)


def _spec() -> FleetMachine:
    return replace(world.fleet(1).machines[0], product="concrete_boom_pump", model="BP56")


@pytest.mark.parametrize(
    ("at", "recall", "in_time", "share"),
    [(50, 1, 1, 1.0), (150, 1, 1, 0.5), (190, 1, 1, 0.1), (205, 1, 0, 0.0), (220, 0, 0, None)],
)
def test_a_case_is_found_until_its_repair_and_lead_ends_with_the_failure(
    at: int, recall: int, in_time: int, share: float | None
) -> None:
    course = _course([_episode(40, 100, 200, 210)], [_decided(at, ("CP-F04",))])
    (case,) = cases_of(catalogue(), course, END)
    assert (case.found_ms is not None, case.in_time) == (bool(recall), bool(in_time))
    assert case.lead_share == (None if share is None else pytest.approx(share))


def test_an_alarm_that_names_another_mode_does_not_find_a_case_but_is_not_false() -> None:
    course = _course([_episode(40, 100, None, 200)], [_decided(150, ("CP-F05",))])
    (case,) = cases_of(catalogue(), course, END)
    assert case.found_ms is None
    assert case.beside
    assert false_visits(course, END)[1].total() == 0


@pytest.mark.parametrize(
    ("first", "told", "misled"),
    [
        (("CP-F04",), (1, 1), {}),
        (("CP-F03", "CP-F04"), (0, 1), {"swing_slow_warn": 1}),
        (("CP-F03", "CP-F05", "CP-F06", "CP-F04"), (0, 0), {"swing_slow_warn": 1}),
        ((), (0, 0), {"swing_slow_warn": 1}),
    ],
)
def test_the_first_that_somebody_is_sent_for_tells_the_technician_the_cause(
    first: tuple[str, ...], told: tuple[int, int], misled: dict[str, int]
) -> None:
    episodes = [_episode(40, 100, None, 200), _episode(400, 410, None, 450)]
    later = _decided(160, ("CP-F04",))
    causes = figures(catalogue(), [_course(episodes, [later, _decided(150, first)])], 0, END).causes
    assert (causes.sent, (causes.first, causes.among), causes.misled) == (1, told, misled)


def test_what_is_not_over_is_no_case_yet_and_a_visit_without_cause_is_false() -> None:
    course = _course([_episode(400, 500, None, None)], [_decided(150, ("CP-F04",))])
    assert cases_of(catalogue(), course, END) == []
    found = figures(catalogue(), [course], 0, END)
    assert found.false_by == {"swing_slow_warn": 1}
    assert found.false_per_machine_year == pytest.approx(365.25 * 24 / 1000)


def _sensor(kind: str, onset: int, repaired: int, ticket: bool = True) -> Episode:
    expected = {"ticket": ticket, "kind": "sensor", "component": "control/hyd_oil_temp_c"}
    return replace(
        _episode(onset, onset + 1, None, repaired), failure_mode=f"SENSOR-{kind}", expected=expected
    )


def _told(at: int, component: str, visit: int = 1) -> Decided:
    one = _decided(at, (), visit)
    return replace(one, alarm=replace(one.alarm, rule="sensor_implausible", component=component))


def test_a_sensors_fault_is_found_by_the_alarm_about_that_sensor_and_excuses_no_other() -> None:
    own, other = "control/hyd_oil_temp_c", "control/pump_case_drain_pct"
    episodes = [
        _sensor("RANGE", 40, 100), _sensor("STUCK", 300, 400), _sensor("STUCK", 500, 600),
        _sensor("DRIFT", 100, 200), _sensor("DRIFT", 700, 800, ticket=False),
    ]  # fmt: skip
    decided = [
        _told(51, own, 1), _told(311, own, 2), _told(511, other, 3), _decided(710, (), 4),
    ]  # fmt: skip
    course = _course(episodes, decided)
    found = figures(catalogue(), [course], 0, END)
    assert found.cases == 0
    assert [(one.kind, one.happened, one.cases, one.found, one.hours) for one in found.sensors] == [
        ("range", 1, 1, 1, 10.0),
        ("stuck", 2, 2, 1, 10.0),
        ("drift", 2, 0, 0, None),  # one before anything was learned, one that nobody looks at
    ]
    misread = [one.misread for one in found.sensors]
    assert misread == [{}, {"sensor_implausible": 1}, {"swing_slow_warn": 1}]
    assert found.false_by == {"sensor_implausible": 1, "swing_slow_warn": 1}


def test_a_small_fleet_from_end_to_end() -> None:
    _, found = run(5, 24, 11, 180.0, sensor_rate=5.0)
    assert found.machines == 5
    ranges = next(one for one in found.sensors if one.kind == "range")
    assert 0 < ranges.cases == ranges.found
    assert found.samples > 10_000
    assert found.found <= found.cases
    assert set(found.as_json()) >= {"recall", "modes", "false_per_machine_year"}


def test_as_many_machines_teach_as_live_each_model_in_turn() -> None:
    models = ["BP37"] * 60 + ["BP56"] * 3
    specs = [
        replace(_spec(), serial=f"CPB-{number:05d}", model=model)
        for number, model in enumerate(models)
    ]
    chosen = teachers(specs)
    assert len(chosen) == MOST_MACHINES
    assert [spec.model for spec in chosen[:6]] == ["BP37", "BP56"] * 3
