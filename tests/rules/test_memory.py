"""What rules remember - operating hours, baselines, peers - against the slow twin, cut anywhere,
and through bytes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import SampleBatch
from fleet.peer_day import PeerDay
from fleet.windows import inexact
from rules import codec
from rules.changes import AlarmChange
from rules.codec import dump, load
from rules.compiled import CompiledPlan
from rules.condition import Identity
from rules.detectors.live import Taught
from rules.engine import fold, with_windows
from rules.faults import FaultState
from rules.remembered.gauges import BASELINE_HEAD
from rules.remembered.peers import PeerDays
from rules.state import FleetState, empty_state, stack
from tests.rules.plans import IDENTITIES, compiled, rule
from tests.rules.twin import Machine, slow_fold, told

START = 1_767_225_600_000
DAY = START // 86_400_000
GONE = {"clear_hold_s": 0, "params": {}}
WINDOWS = [
    rule("mean", when='avg(oil_temp_c, "4 op_min") > 86', clear='avg(oil_temp_c, "4 op_min") < 84',
         hold_s=20, **GONE),
    rule("least", when='low(oil_temp_c, "2 op_min") > 83', clear="oil_temp_c < 80", regimes="any",
         hold_s=0, **GONE),
    rule("most", when='high(oil_temp_c, "2 op_min") > 94', clear='max(oil_temp_c, "2 op_min") < 90',
         regimes="any", hold_s=0, **GONE),
    rule("drift", when='delta(oil_temp_c, "2 op_min") > 8 or rate(oil_temp_c, "4 op_min") > 3',
         clear='rate(oil_temp_c, "4 op_min") <= 0', hold_s=0, **GONE),
    rule("often", when='count(filter_sw == 1, "4 op_min") >= 2',
         clear='count(filter_sw == 1, "4 op_min") < 1', hold_s=0, **GONE),
    rule("long", when='hours(oil_temp_c > 85, "4 op_min") > 0.02',
         clear='hours(oil_temp_c > 85, "4 op_min") < 0.01', regimes="any", hold_s=0, **GONE),
    rule("used", when='growth(eng_hours_h, "4 op_min") > 0.05 and avg(oil_temp_c, "60s") > 80',
         clear='growth(eng_hours_h, "4 op_min") < 0.01', regimes="any", hold_s=0, **GONE),
]  # fmt: skip
LEARNERS = [
    rule("limit", when="oil_temp_c > 94", clear="oil_temp_c < 90", hold_s=0, **GONE),
    rule("above", when='oil_temp_c > baseline(oil_temp_c, "25 op_min") + 6',
         clear='oil_temp_c < baseline(oil_temp_c, "25 op_min") + 2', hold_s=20, **GONE),
    rule("odd", when='abs(avg(oil_temp_c, "60s") - baseline(oil_temp_c, "25 op_min"))'
         ' > 4 + 3 * spread(oil_temp_c, "25 op_min")', regimes=["working", "off"],
         clear='oil_temp_c == baseline(oil_temp_c, "25 op_min")', hold_s=0, **GONE),
    rule("peers", when="oil_temp_c > peers(oil_temp_c) + 2 * peer_spread(oil_temp_c)",
         clear="oil_temp_c < peers(oil_temp_c)", hold_s=0, **GONE),
]  # fmt: skip
COUNTED = [
    rule("due", when='growth(eng_hours_h, "since h1") > 0.05',
         clear='growth(eng_hours_h, "since h1") < 0.05', regimes="any", hold_s=0, **GONE),
    rule("new", when='growth(eng_hours_h, "since h2") > 110 and oil_temp_c > 80',
         clear='growth(eng_hours_h, "since h2") < 1', hold_s=0, **GONE),
    rule("hot_for", when='hours(oil_temp_c > limit, "since h1") > 0.02', regimes=["working"],
         clear='hours(oil_temp_c > limit, "since h1") < 0.01', hold_s=0, clear_hold_s=0,
         params={"limit": 82}),
    rule("often", when='count(filter_sw == 1, "since h1") >= 2',
         clear='count(filter_sw == 1, "since h1") < 1', hold_s=0, **GONE),
    rule("still", when='count(filter_sw == 1, "since h2") == 0', clear="filter_sw == 1",
         regimes="any", hold_s=0, **GONE),
]  # fmt: skip
SERVICES = [
    {"id": name, "name": {"en": name, "zh": "保养"}, "every_h": hours, "by": "service",
     "items": [{"en": "oil", "zh": "油"}], "skill": "T1", "minutes": 60}
    for name, hours in (("h1", 1), ("h2", 101))
]  # fmt: skip
COUNTING = compiled(rules=COUNTED, services=SERVICES)
OPERATING = compiled(rules=WINDOWS)
LEARNING = compiled(rules=LEARNERS)
PEERS = PeerDays.of(
    [
        PeerDay("oil_temp_c|working", "south", DAY - 2, 80.0, 2.0, 9),
        PeerDay("oil_temp_c|working", "south", DAY - 1, 40.0, 2.0, 4),
        PeerDay("oil_temp_c|working", "north", DAY - 9, 50.0, 2.0, 9),
    ]
)
REPAIRED = {
    **IDENTITIES,
    2: Identity(
        "P-2",
        "P20",
        "south",
        (("body", START + 2_000_000), ("other", START + 900_000)),
        (("h1", START + 200_000), ("h1", START + 900_000), ("h2", START + 400_000)),
    ),
    3: Identity("P-3", "P10", "north", (("body", START - 5),), (("h2", START - 5),)),
}

Row = tuple[int, int, dict[str, float]]
readings = st.fixed_dictionaries(
    {},
    optional={
        "eng_speed_rpm": st.sampled_from([700.0, 1500.0, 1500.0, 1500.0]),
        "oil_temp_c": st.sampled_from([70.0, 79.0, 80.0, 80.0, 84.0, 86.0, 89.0, 95.0]),
        "filter_sw": st.sampled_from([0.0, 1.0]),
        "eng_hours_h": st.sampled_from([100.0, 100.02, 100.1, 3.0]),
    },
)


def streams(longest: int, runs: int) -> st.SearchStrategy[list[Row]]:
    one = st.tuples(
        st.sampled_from([1, 1, 2, 3]), st.sampled_from([5, 10, 10, 10, 20, 55, 70]),
        readings, st.integers(1, longest),
    )  # fmt: skip
    return st.lists(one, min_size=1, max_size=runs).map(timed)


def timed(steps: list[tuple[int, int, dict[str, float], int]]) -> list[Row]:
    clocks = dict.fromkeys(IDENTITIES, START)
    rows = []
    for machine, gap, values, times in steps:
        for _ in range(times):
            clocks[machine] += gap * 1000
            rows.append((machine, clocks[machine], values))
    return rows


def batch_of(plan: CompiledPlan, rows: list[Row]) -> SampleBatch:
    values = np.full((len(rows), len(plan.signals)), np.nan, order="F")
    for i, (_, _, given_values) in enumerate(rows):
        for key, value in given_values.items():
            values[i, plan.signals.index(key)] = value
    times = np.array([time for _, time, _ in rows], np.int64)
    ids = np.array([machine for machine, _, _ in rows], np.int64)
    return SampleBatch("pump", plan.signals, ids, times, times, values)


def run(
    plan: CompiledPlan, pieces: list[list[Row]], *, revive: bool = False
) -> tuple[FleetState, list[AlarmChange]]:
    """Fold the pieces one after the other; with `revive` each state goes through bytes between."""
    known = {m: empty_state(plan, [m]) for m in IDENTITIES}
    changes: list[AlarmChange] = []
    seen: list[Row] = []
    for piece in pieces:
        touched = sorted({machine for machine, _, _ in piece})
        if not touched:
            continue
        before = stack([known[m] for m in touched])
        state, more = fold(plan, REPAIRED, before, batch_of(plan, piece), Taught(peers=PEERS))
        seen += piece
        for i, m in enumerate(touched):
            known[m] = revived(plan, state.select([i]), seen) if revive else state.select([i])
        changes += more
    return stack(list(known.values())), changes


def revived(plan: CompiledPlan, state: FleetState, seen: list[Row]) -> FleetState:
    machine = int(state.machine_id[0])
    one = load(plan, machine, dump(plan, state, 0, FaultState(), learned=True)).state
    since = int(one.as_of[0]) - plan.past_ms
    own = [r for r in seen if r[0] == machine and since <= r[1] <= one.as_of[0]]
    return with_windows(plan, REPAIRED, one, batch_of(plan, own))


def in_order(changes: list[AlarmChange]) -> list[AlarmChange]:
    return sorted(changes, key=lambda one: (one.machine_id, one.at, one.rule, one.kind))


@settings(max_examples=60, deadline=None)
@given(rows=streams(12, 20))
def test_operating_hours_equal_the_slow_twin(rows: list[Row]) -> None:
    _, changes = run(OPERATING, [rows])
    assert told(changes) == slow_fold(OPERATING, REPAIRED, batch_of(OPERATING, rows))


@settings(max_examples=60, deadline=None)
@given(rows=streams(20, 24))
def test_counts_since_a_service_equal_the_slow_twin(rows: list[Row]) -> None:
    _, changes = run(COUNTING, [rows])
    assert told(changes) == slow_fold(COUNTING, REPAIRED, batch_of(COUNTING, rows))


def life(seed: int) -> list[Row]:
    """Two machines long enough at work to have learned, with faults, stops, gaps and gauges that
    fall silent in between."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for machine in (1, 2):
        at, temperature = START, 80.0
        for _ in range(12):
            kind = rng.choice(["work", "work", "work", "hot", "stop", "silent", "gap"])
            temperature = 80.0 + 1.5 * rng.standard_normal() + 9.0 * (kind == "hot")
            at += 90_000 * int(kind == "gap")
            for _ in range(int(rng.integers(10, 60))):
                at += 10_000 + 2_000 * int(rng.integers(0, 2))
                values = {"eng_speed_rpm": 0.0 if kind == "stop" else 1500.0}
                if kind != "silent" and rng.random() < 0.9:
                    values["oil_temp_c"] = temperature + rng.standard_normal()
                rows.append((machine, at, values))
    return rows


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_baselines_and_peers_equal_the_slow_twin(seed: int) -> None:
    rows, machines = life(seed), dict[int, Machine]()
    state, changes = run(LEARNING, [rows])
    slow = slow_fold(LEARNING, REPAIRED, batch_of(LEARNING, rows), PEERS, machines)
    assert told(changes) == slow
    for gauge in LEARNING.gauges.baselines:
        for at, machine in ((0, 1), (1, 2)):
            where = LEARNING.plan.regimes[gauge.regimes[0]].id if gauge.regimes else "any"
            habit = machines[machine].habits[f"{gauge.argument.text}|{gauge.span_ms}|{where}"]
            blocks = state.learned[at, gauge.slots][BASELINE_HEAD:]
            np.testing.assert_allclose(np.sort(blocks[~np.isnan(blocks)]), sorted(habit.blocks))


@pytest.mark.parametrize(
    "plan", [OPERATING, COUNTING, LEARNING], ids=["operating", "counting", "learning"]
)
@settings(max_examples=50, deadline=None)
@given(
    rows=st.one_of(streams(60, 16), st.integers(0, 10_000).map(life)),
    cuts=st.lists(st.integers(0, 800), max_size=8),
    revive=st.booleans(),
)
def test_cut_anywhere_gives_the_same(
    plan: CompiledPlan, rows: list[Row], cuts: list[int], revive: bool
) -> None:
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    whole_state, whole = run(plan, [rows])
    cut_state, cut = run(plan, [rows[a:b] for a, b in pairwise(bounds)], revive=revive)
    assert in_order(whole) == in_order(cut)
    np.testing.assert_array_equal(whole_state.operating, cut_state.operating)
    np.testing.assert_array_equal(whole_state.learned, cut_state.learned)


def steady(minutes: int, begin: int = 0, machine: int = 1, **values: float) -> list[Row]:
    given_values = {"eng_speed_rpm": 1500.0, **values}
    return [(machine, START + (begin * 6 + i) * 10_000, given_values) for i in range(minutes * 6)]


def raised(changes: list[AlarmChange], name: str) -> list[tuple[str, int]]:
    return [(one.kind, (one.at - START) // 60_000) for one in changes if one.rule == name]


def test_learns_what_is_normal_and_says_it() -> None:
    rows = steady(26, oil_temp_c=79) + steady(4, 26, oil_temp_c=86)
    _, changes = run(LEARNING, [rows])
    above = [one for one in changes if one.rule == "above"]
    assert [(one.kind, (one.at - START) // 1000) for one in above] == [("raised", 26 * 60 + 20)]
    assert above[0].windows == {"baseline(oil_temp_c, '25 op_min')": 79.0}


def test_nothing_is_judged_before_it_is_learned() -> None:
    rows = steady(20, oil_temp_c=79) + steady(4, 20, oil_temp_c=89)
    assert raised(run(LEARNING, [rows])[1], "above") == []


def test_an_alarm_is_not_learned() -> None:
    rows = steady(26, oil_temp_c=79) + steady(400, 26, oil_temp_c=86)
    state, changes = run(LEARNING, [rows])
    assert raised(changes, "above") == [("raised", 26)]
    assert state.learned[0, LEARNING.gauges.baselines[0].at] == 79


def test_slow_change_is_followed() -> None:
    rows = steady(26, oil_temp_c=79) + steady(300, 26, oil_temp_c=81)
    state, changes = run(LEARNING, [rows])
    assert raised(changes, "above") == []
    assert state.learned[0, LEARNING.gauges.baselines[0].at] == 81


def test_a_limit_alarm_of_the_component_stops_learning() -> None:
    rows = steady(10, oil_temp_c=95) + steady(20, 10, oil_temp_c=79)
    state, _ = run(LEARNING, [rows])
    assert np.isnan(state.learned[0, LEARNING.gauges.baselines[0].at])


def test_a_repair_is_learned_anew() -> None:
    rows = steady(26, machine=2, oil_temp_c=79) + steady(60, 26, machine=2, oil_temp_c=84)
    state, _ = run(LEARNING, [rows])
    assert state.learned[1, LEARNING.gauges.baselines[0].at] == 84


def test_operating_hours_stand_still_while_the_machine_does() -> None:
    off = [(1, START + (60 + i) * 10_000, {"eng_speed_rpm": 0.0}) for i in range(60)]
    state, _ = run(OPERATING, [steady(10, oil_temp_c=80) + off])
    assert state.operating[0] == 600_000


def test_the_counter_may_tell_operating_hours() -> None:
    plan = compiled(rules=WINDOWS, operating_hours="counter")
    rows: list[Row] = [
        (1, START, {"eng_hours_h": 10.0}),
        (1, START + 7_200_000, {"eng_hours_h": 11.5}),
        (1, START + 7_300_000, {"eng_hours_h": 2.0}),
        (1, START + 7_660_000, {"eng_hours_h": 2.1}),
        (1, START + 7_670_000, {"eng_hours_h": 900.0}),
    ]
    state, _ = run(plan, [rows])
    cut, _ = run(plan, [rows[:1], rows[1:3], rows[3:]])
    assert state.operating[0] == 5_400_000 + 360_000 + 10_000
    assert cut.operating[0] == state.operating[0]


def test_the_counter_of_a_new_machine_counts_from_its_beginning() -> None:
    new = [
        *steady(1, oil_temp_c=84, eng_hours_h=100),
        *steady(1, 660, oil_temp_c=84, eng_hours_h=112),
    ]
    _, changes = run(COUNTING, [new])
    assert raised(changes, "new") == [("raised", 660)]
    windows = next(one.windows for one in changes if one.rule == "new")
    assert windows == {"growth(eng_hours_h, 'since h2')": 112.0}
    old = [
        *steady(1, oil_temp_c=84, eng_hours_h=101),
        *steady(1, 6100, oil_temp_c=84, eng_hours_h=212),
    ]
    assert raised(run(COUNTING, [old])[1], "new") == []
    serviced = [(3, at, values) for _, at, values in new]
    assert raised(run(COUNTING, [serviced])[1], "new") == [], "done before it was heard of"


@pytest.mark.parametrize("cut", range(4))
def test_a_wild_value_of_a_counter_is_no_use(cut: int) -> None:
    said = [100.0, 9000.0, 100.1, 100.2]
    rows = [
        *steady(1, oil_temp_c=84, eng_hours_h=said[0]),
        *[row for i, value in enumerate(said[1:])
          for row in steady(1, 12 * i + 12, oil_temp_c=84, eng_hours_h=value)],
    ]  # fmt: skip
    state, changes = run(COUNTING, [rows[: 6 * cut], rows[6 * cut :]])
    assert raised(changes, "new") == []
    key = "growth|eng_hours_h|since h2|"
    (gauge,) = (one for one in COUNTING.gauges.tallies if one.key.startswith(key))
    whole, fraction = state.learned[0, gauge.at + 3 : gauge.at + 5]
    assert inexact(whole, fraction) == pytest.approx(100.2)


def test_counts_go_on_from_states_that_did_not_know_of_wild_values() -> None:
    rows = [*steady(1, eng_hours_h=100), *steady(1, 5, eng_hours_h=100.1)]
    state, _ = run(COUNTING, [rows])
    stored, _ = codec._decode(codec.dump(COUNTING, state, 0, FaultState(), learned=True))
    short = {
        key: held[:-24] if key.startswith("growth") else held
        for key, held in stored.learned.items()
    }
    data = msgspec.msgpack.encode(msgspec.structs.replace(stored, learned=short))
    found = codec.load(COUNTING, 1, data).state
    for gauge in COUNTING.gauges.all:
        kept = 3 if gauge.function == "growth" else 0
        numbers, ends = state.learned[0, gauge.slots], gauge.width - kept
        restored = found.learned[0, gauge.slots]
        np.testing.assert_array_equal(restored[:ends], numbers[:ends])
        assert np.isnan(restored[ends:]).all()


def test_a_service_begins_the_count_anew_and_an_outage_in_it_counts_for_neither_side() -> None:
    hours = [(0, 500.0), (300, 500.04), (310, 500.08), (890, 500.1), (4000, 501.4), (4010, 501.5)]
    rows: list[Row] = [(2, START + at * 1000, {"eng_hours_h": value}) for at, value in hours]
    due = [one for one in run(COUNTING, [rows])[1] if one.rule == "due"]
    # Serviced at 200 s and 900 s: 500.04 to 500.1, and from 501.4 on.
    assert [(one.kind, (one.at - START) // 1000) for one in due] == [
        ("raised", 890), ("cleared", 4000), ("raised", 4010),
    ]  # fmt: skip


def test_a_gap_is_no_running_time_and_a_new_counter_no_use() -> None:
    rows: list[Row] = [
        (2, START + at * 1000, {"eng_speed_rpm": 1500.0, "oil_temp_c": 90.0, "eng_hours_h": hours})
        for at, hours in (
            (9, 499.0),
            (210, 500.0),
            (270, 500.01),
            (600, 500.02),
            (610, 3.0),
            (620, 3.02),
        )
    ]
    _, changes = run(COUNTING, [rows])
    assert raised(changes, "due") == []
    hot = next(one for one in changes if one.rule == "hot_for")
    assert hot.windows == {"hours(oil_temp_c > limit, 'since h1')": 80 / 3600}


def test_peers_of_the_newest_day_with_enough_machines() -> None:
    south = run(LEARNING, [steady(1, oil_temp_c=85)])[1]
    assert raised(south, "peers") == [("raised", 0)]
    why = next(one for one in south if one.rule == "peers").windows
    assert why == {"peers(oil_temp_c)": 80.0, "peer_spread(oil_temp_c)": 2.0}
    north = run(LEARNING, [steady(1, machine=3, oil_temp_c=85)])[1]
    assert raised(north, "peers") == []


def test_a_changed_rule_starts_anew_and_keeps_what_others_learned() -> None:
    state, _ = run(LEARNING, [steady(26, oil_temp_c=79) + steady(2, 26, oil_temp_c=89)])
    data = dump(LEARNING, state, 0, FaultState(), learned=True)
    changed = [dict(LEARNERS[1], hold_s=30), *LEARNERS[2:]]
    found = load(compiled(rules=changed), 1, data).state
    assert found.phase[0].tolist() == [0, 2, 2]
    assert found.learned[0, 0] == 79
    again = load(compiled(rules=[dict(LEARNERS[1], severity=2)]), 1, data).state
    assert again.phase[0].tolist() == [2]


def test_state_of_before_there_were_gauges_is_read() -> None:
    state, _ = run(LEARNING, [steady(2, oil_temp_c=79)])
    data = dump(LEARNING, replace(state, operating=state.operating * 0), 0, FaultState())
    found = load(LEARNING, 1, data).state
    assert np.isnan(found.learned).all()
