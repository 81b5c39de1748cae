"""Rules on history: cut anywhere the same, one visit per machine, scored against known faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import FaultCode, FaultReport
from fleet.rule import Rule
from rules.backtest.course import (
    Alarm,
    Course,
    alarms_of,
    begin,
    finish,
    go_on,
    warm_up_ms,
)
from rules.backtest.known_faults import FORESIGHT_MS, KnownFault, known_within, score
from rules.backtest.report import Asked, difference, report
from rules.backtest.visits import visits
from rules.compiled import CompiledPlan
from store.suppressions import Hold, Kind
from tests import small
from tests.rules.plans import IDENTITIES, TEXT, compiled, plan, rule
from tests.rules.test_engine import PLAN, START, Row, batch_of, run, steady, streams
from tests.rules.twin import told

HOUR = 3_600_000
TIER = small.catalogue().tiers["gold"]


def replayed(pieces: Sequence[Sequence[Row]], machines: Sequence[int]) -> Course:
    course = begin(PLAN, machines)
    for piece in pieces:
        own = [row for row in piece if row[0] in machines]
        course = go_on(PLAN, IDENTITIES, course, batch_of(own))
    return course


@settings(max_examples=60, deadline=None)
@given(streams, st.integers(0, 40), st.integers(0, 40))
def test_pieces_and_groups_change_nothing(rows: list[Row], one: int, other: int) -> None:
    a, b = sorted((one, other))
    cut = [rows[:a], rows[a:b], rows[b:]]
    _, expected = run([rows])
    changes = [change for group in ([1, 3], [2]) for change in replayed(cut, group).changes]
    assert told(changes) == told(expected)
    course = replayed(cut, [1, 2, 3])
    assert course.samples == len(rows)
    assert alarms_of(course.changes) == alarms_of(expected)


def test_trouble_codes_are_judged_wherever_history_is_cut() -> None:
    code = FaultCode(spn=110, fmi=0, lamp="stop")
    rows = steady(10, eng_speed_rpm=1500.0)
    reports = [
        FaultReport(1, START + 5_000, START, (code,)),
        FaultReport(1, START + 70_000, START, ()),
    ]
    found = []
    for cut in range(11):
        course = begin(PLAN, [1])
        for piece, until in ((rows[:cut], START + cut * 10_000), (rows[cut:], START + HOUR)):
            after = START + cut * 10_000 if piece is rows[cut:] else START
            own = [r for r in reports if after <= r.measured_at < until]
            course = go_on(PLAN, IDENTITIES, course, batch_of(piece), own)
        found.append(alarms_of(course.changes))
    assert [(one.rule, one.raised_at - START, one.cleared_at) for one in found[0]] == [
        ("code", 5_000, START + 70_000),
        ("red_lamp", 35_000, START + 70_000),
    ]
    assert all(one == found[0] for one in found)


def test_alarms_before_the_first_moment_asked_are_left_out() -> None:
    rows = steady(10, eng_speed_rpm=1500.0, oil_temp_c=90.0)
    _, changes = run([rows])
    hot = [one for one in alarms_of(changes) if one.rule == "hot"]
    assert [one.raised_at for one in hot] == [START + 20_000]
    assert hot[0].cleared_at is None and hot[0].values["oil_temp_c"] == 90
    assert "hot" not in {one.rule for one in alarms_of(changes, START + 20_001)}
    assert warm_up_ms(PLAN) >= 20_000 + 60_000 + PLAN.past_ms


def alarm(rule: str, hours: float, machine: int = 1, over: float | None = None) -> Alarm:
    cleared = None if over is None else START + round(over * HOUR)
    return Alarm(machine, rule, "body", START + round(hours * HOUR), cleared, None, {})


REPAIR = {
    "id": "F1", "name": TEXT, "category": "mechanical", "severity": 3, "component": "body",
    "symptoms": TEXT, "causes": TEXT, "remedy": TEXT, "skill": "T2", "minutes": 90,
    "detectable": True,
}  # fmt: skip
CHECKS = {
    "id": "walk", "name": TEXT,
    "items": [{"id": "look", "check": TEXT, "method": TEXT, "result": "ok", "fail_severity": 3,
               "component": "body", "minutes": 10}],
}  # fmt: skip
OWN = plan(
    rules=[
        rule("hot", failure_modes=["F1"]),
        rule("warm", severity=1, failure_modes=["F1"]),
        rule("noted", ticket=False),
    ],
    failure_modes=[REPAIR],
    checklists=[CHECKS],
)


def test_one_visit_at_a_time_deals_with_everything_until_the_technician_was_there() -> None:
    found = [
        alarm("warm", 0),
        alarm("hot", 1),
        alarm("warm", 2),
        alarm("hot", 3),
        alarm("noted", 4),
        alarm("hot", 9),
    ]
    became = [
        (one.alarm.rule, one.outcome, one.visit, one.minutes) for one in visits(OWN, TIER, found)
    ]
    assert became == [
        ("warm", "recorded", 0, 0.0),
        ("hot", "opened", 1, 100.0),
        ("warm", "merged", 1, 0.0),
        ("hot", "attached", 1, 0.0),
        ("noted", "recorded", 0, 0.0),
        ("hot", "opened", 2, 100.0),
    ]


def hold(begin: float, end: float, rule: str | None = None, component: str | None = None) -> Hold:
    since, until = (START + round(hours * HOUR) for hours in (begin, end))
    kind: Kind = "maintenance" if rule is None else "shelved"
    return Hold(kind, component, rule, since, until, "overhaul", "lin")


def test_what_people_silenced_makes_no_visit_unless_it_outlasts_that() -> None:
    found = [alarm("hot", 1, over=2), alarm("hot", 10), alarm("noted", 10, over=13)]

    def became(*holds: Hold, end: float = 99) -> list[tuple[str, float, str]]:
        made = visits(OWN, TIER, found, holds, START + round(end * HOUR))
        return [(one.alarm.rule, (one.alarm.raised_at - START) / HOUR, one.outcome) for one in made]

    assert became(hold(0, 2.5)) == [
        ("hot", 1, "suppressed"), ("hot", 10, "opened"), ("noted", 10, "recorded"),
    ]  # fmt: skip
    late = [("hot", 1, "opened"), ("noted", 10, "recorded"), ("hot", 10, "opened")]
    assert became(hold(9, 20, "hot")) == late
    assert became(hold(9, 12, component="body"), hold(11, 20, "hot")) == late
    assert became(hold(9, 20), end=15)[1:] == [
        ("hot", 10, "suppressed"),
        ("noted", 10, "suppressed"),
    ]
    assert became(hold(9, 20, "warm"), hold(9, 20, component="arm")) == became()
    assert became()[1][2] == "opened"


def test_silence_and_lock_both_have_to_end_before_an_alarm_is_news() -> None:
    found = [alarm("hot", 1, over=2), alarm("hot", 2.5, over=4)]
    own = plan(rules=[rule("hot", again_after_h=1)])
    locked = [(one.outcome, one.hold) for one in visits(own, TIER, found)]
    assert locked == [("opened", None), ("attached", None)]
    silenced = hold(2.9, 5)
    made = list(visits(own, TIER, found, [silenced]))
    assert [(one.outcome, one.hold) for one in made] == [("opened", None), ("suppressed", silenced)]


def judged(alarms: list[Alarm], faults: list[KnownFault], *, whole: bool) -> dict[str, object]:
    return score(OWN.rules[:1], alarms, faults, whole=whole).as_json()


def test_alarms_are_scored_against_known_faults() -> None:
    end = START + 10 * HOUR
    faults = [
        KnownFault(1, ("F1",), START, end, end, START + 2 * HOUR),
        KnownFault(2, ("F1",), START, end, end),
        KnownFault(3, ("F9",), START, end),
        KnownFault(3, ("F1",), end, end + HOUR, end + HOUR, due=False),
    ]
    alarms = [
        alarm("hot", 6), alarm("hot", 7), alarm("hot", 11), alarm("warm", 1),
        alarm("hot", 1, machine=3), alarm("hot", 1, machine=4),
    ]  # fmt: skip
    found = judged(alarms, faults, whole=True)
    assert found == {
        "confirmed": 2, "beside": 1, "false": 2, "unknown": 0, "faults_found": 1,
        "faults_missed": 1, "lead_h": {"n": 1, "least": 4.0, "median": 4.0, "most": 4.0},
        "lead_share": {"n": 1, "least": 0.5, "median": 0.5, "most": 0.5},
    }  # fmt: skip
    partly = judged(alarms, faults, whole=False)
    assert (partly["false"], partly["unknown"]) == (0, 2)


def test_faults_outside_the_period_are_nobodys_to_find() -> None:
    faults = [
        KnownFault(1, ("F1",), START, START + HOUR),
        KnownFault(1, ("F1",), START + 2 * HOUR, START + 3 * HOUR),
        KnownFault(1, ("F1",), START + 4 * HOUR, START + 9 * HOUR),
        KnownFault(1, ("F1",), START + 6 * HOUR, START + 9 * HOUR),
    ]
    kept = known_within(faults, START + 2 * HOUR, START + 5 * HOUR)
    assert [(one.begins - START, one.due) for one in kept] == [(2 * HOUR, True), (4 * HOUR, False)]


def test_a_visit_that_found_nothing_makes_its_alarm_false() -> None:
    seen = START + 5 * HOUR
    nothing = KnownFault(1, (), START, seen, seen, real=False, due=False, rules=("hot",))
    found = judged([alarm("hot", 1), alarm("hot", 6)], [nothing], whole=False)
    assert (found["false"], found["unknown"], found["faults_missed"]) == (1, 1, 0)
    assert FORESIGHT_MS > HOUR


def asked(faults: list[KnownFault] | None = None) -> Asked:
    return Asked({1: "P-1", 2: "P-2"}, {1: TIER, 2: TIER}, faults, whole=faults is not None)


def test_a_report_counts_by_rule_and_together() -> None:
    alarms = [alarm("hot", 1, over=2), alarm("warm", 1.5), alarm("hot", 1, machine=2)]
    holds = {2: [hold(0, 0.5), hold(5, 9)], 3: [hold(0, 9)]}
    found = report(OWN, replace(asked([]), holds=holds), 1000, alarms).as_json()
    assert (found["machines"], found["samples"]) == (2, 1000)
    rules = {one["rule"]: one for one in found["rules"]}
    assert (rules["hot"]["alarms"], rules["hot"]["standing"], rules["hot"]["tickets"]) == (2, 1, 2)
    assert (rules["warm"]["joined"], rules["noted"]["alarms"]) == (1, 0)
    assert rules["hot"]["technician_hours"] == round(200 / 60, 2)
    assert found["total"]["known"]["false"] == 3
    assert [(one["machine"], one["rule"], one["visit"]) for one in found["alarms"]] == [
        ("P-1", "hot", 1),
        ("P-1", "warm", 1),
        ("P-2", "hot", 1),
    ]


def quiet_plan() -> CompiledPlan:
    return compiled(
        rules=[
            rule("gone", silence="offline", hold_s=60),
            rule("late", silence="late"),
            rule("never", silence="never_seen"),
        ]
    )


def test_a_rule_that_waits_for_a_first_sample_is_said_not_to_be_replayed() -> None:
    found = report(quiet_plan().plan, asked(), 0, []).as_json()
    assert [one["rule"] for one in found["rules"] if not one["replayed"]] == ["never"]
    assert "known" not in found["total"]


#: Seconds at which machines were heard, and whether they were working: late after 30 s, or three
#: times as long as they usually are silent, and offline after 900 s of work, offline after 9,000 s
#: where they stand. How long that is usually is not known before the second sample.
HEARD: list[tuple[int, int, bool]] = [
    (1, 0, True), (1, 30, True), (1, 61, True), (1, 1021, True), (1, 1991, False),
    (1, 10_900, False), (1, 20_000, True), (2, 0, True), (2, 20_500, True),
    *[(3, at, True) for at in (*range(0, 3600, 180), *range(6000, 6500, 10), 6600, 6800)],
]  # fmt: skip
SILENT = [
    (1, "late", 151, 1021), (1, "late", 1111, 1991), (1, "gone", 1981, 1991),
    (1, "late", 19_900, 20_000), (1, "gone", 19_960, 20_000), (1, "late", 20_093, None),
    (2, "late", 900, 20_500), (2, "gone", 960, 20_500),
    # Thinned to three minutes, then at the pace of its plan.
    (3, "late", 3420 + 540, 6000), (3, "gone", 3420 + 960, 6000), (3, "late", 6520, 6600),
    (3, "late", 6630, 6800), (3, "late", 6830, None), (3, "gone", 7760, None),
]  # fmt: skip


def test_gaps_are_silence_wherever_history_is_cut() -> None:
    own = quiet_plan()
    rows = [
        (machine, START + at * 1000, {"eng_speed_rpm": 1500.0 if working else 0.0})
        for machine, at, working in HEARD
    ]
    expected = sorted(
        (machine, name, START + begin * 1000, None if end is None else START + end * 1000)
        for machine, name, begin, end in SILENT
    )
    for cut in (0, 500, 2000, 6020, 15_000):
        course = begin(own, [1, 2, 3])
        for piece in (
            [row for row in rows if row[1] < START + cut * 1000],
            [row for row in rows if row[1] >= START + cut * 1000],
        ):
            course = go_on(own, IDENTITIES, course, batch_of(piece))
        course = finish(own, course, START + 20_501_000)
        found = [
            (one.machine_id, one.rule, one.raised_at, one.cleared_at)
            for one in alarms_of(course.changes)
        ]
        assert sorted(found, key=str) == sorted(expected, key=str)
    assert warm_up_ms(own) == 9_060_000


def test_the_difference_names_the_alarms_of_one_side() -> None:
    gone: list[Rule] = [one for one in OWN.rules if one.id != "warm"]
    fewer = OWN.model_copy(update={"rules": tuple(gone)})
    fewer.__dict__.pop("rule", None)
    here = report(OWN, asked(), 0, [alarm("hot", 1), alarm("hot", 20), alarm("warm", 2)])
    there = report(fewer, asked(), 0, [alarm("hot", 1)])
    hot, warm = difference(here, there)
    assert (hot["here"]["alarms"], hot["against"]["alarms"]) == (2, 1)
    assert [one["raised_at"] for one in hot["only_here"]] == ["2026-01-01T20:00:00+00:00"]
    assert hot["only_against"] == []
    assert (warm["rule"], warm["against"]) == ("warm", None)
    assert difference(here, here) == []
