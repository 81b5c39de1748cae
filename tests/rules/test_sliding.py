"""Windows that slide on, against the same windows computed over all rows at once: to the last bit,
cut anywhere, gone on with twice from one state, and made anew from the rows."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.batch import FloatColumn
from fleet.evaluate import evaluate
from fleet.windows import window
from rules.compiled import CompiledPlan
from rules.condition import per_row
from rules.engine import fold, with_windows
from rules.sheet import sheet_of
from rules.sliding.lanes import CallKey
from rules.sliding.recent import END, LIMIT, Recent, packed
from rules.sliding.slide import slide
from rules.state import FleetState, Memory, empty_state
from tests.rules.plans import IDENTITIES, compiled, rule
from tests.rules.test_memory import START, Row, batch_of, timed

ARGUMENTS = ("oil_temp_c", "where(oil_temp_c, filter_sw == 0) ** 2", "oil_temp_c > limit")
FUNCTIONS = ("avg", "low", "high", "delta", "rate", "count", "hours", "growth")
ASKED = [(name, argument) for name in FUNCTIONS for argument in ARGUMENTS]
ASKED.append(("growth", "eng_hours_h"))
RULES = [
    rule(f"{name}_{place}_{length}", when=f'{name}({argument}, "{length}") > 1', regimes="any",
         clear=f'{name}({argument}, "{length}") < 0', params={"limit": 82},
         overrides=[{"machine": "P-2", "params": {"limit": 90}}])
    for place, (name, argument) in enumerate(ASKED)
    for length in ("35s", "14min", "100min")
]  # fmt: skip
PLAN = compiled(rules=RULES)
#: Of each function that keeps few rows of a long window, that alone.
FEW = {
    name: compiled(rules=[one for one in RULES if one["id"].startswith(f"{name}_")
                          and one["id"].endswith("_100min")])
    for name in ("low", "high", "count", "delta")
}  # fmt: skip

readings = st.fixed_dictionaries(
    {},
    optional={
        "eng_speed_rpm": st.sampled_from([700.0, 1500.0]),
        "oil_temp_c": st.one_of(st.sampled_from([80.0, 82.1, 84.7]), st.floats(60, 99, width=32)),
        "filter_sw": st.sampled_from([0.0, 1.0]),
        "eng_hours_h": st.sampled_from([100.0, 100.02, 100.1, 3.0, 1e6]),
    },
)
steps = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3]), st.sampled_from([1, 10, 10, 40, 400]), readings,
        st.integers(1, 12),
    ),
    min_size=1, max_size=20,
).map(timed)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def little_room() -> Iterator[None]:
    """Rows have to move often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rules.sliding.recent._LEAST_SPARSE_ROOM", 2)
        yield


def at_once(
    plan: CompiledPlan, rows: list[Row]
) -> tuple[list[tuple[int, int]], dict[CallKey, FloatColumn]]:
    """The machine and time of each row, and all windows there, by fleet.windows."""
    batch = batch_of(plan, rows)
    machines = np.unique(batch.machine_id).tolist()
    sheet = sheet_of(plan, empty_state(plan, machines), batch)
    params = [one.params([IDENTITIES[m] for m in machines]) for one in plan.conditions]
    found = {}
    for lane in plan.lanes:
        for group in lane.groups:
            for call in group.calls:
                own = {} if call.owner is None else params[call.owner]
                values = evaluate(call.argument, sheet.columns, per_row(own, sheet.grid.machine))
                found[call.key] = window(
                    call.function, values, sheet.columns, call.window_ms, call.pace
                )
    ids = np.array(machines)[sheet.grid.machine].tolist()
    return list(zip(ids, sheet.grid.times.tolist(), strict=True)), found


def slid(
    plan: CompiledPlan, state: FleetState, rows: list[Row]
) -> tuple[list[tuple[int, int]], dict[CallKey, FloatColumn]]:
    sheet = sheet_of(plan, state, batch_of(plan, rows))
    machines = sheet.before.machine_id.tolist()
    params = [one.params([IDENTITIES[m] for m in machines]) for one in plan.conditions]
    ids = np.array(machines)[sheet.grid.machine].tolist()
    moments = list(zip(ids, sheet.grid.times.tolist(), strict=True))
    return moments, dict(slide(plan, sheet, params).windows)


@settings(max_examples=40, deadline=None)
@given(rows=steps, cuts=st.lists(st.integers(0, 240), max_size=12), anew=st.booleans())
def test_windows_slide_to_what_they_are(rows: list[Row], cuts: list[int], anew: bool) -> None:
    check(PLAN, rows, cuts, anew=anew)


@pytest.mark.parametrize("name", FEW)
def test_windows_that_keep_few_rows(name: str) -> None:
    rng, rows = np.random.default_rng(7), []
    at = START
    for _ in range(500):
        at += int(rng.choice([30, 60, 240, 900])) * 1000
        level = float(rng.choice([80.0, 82.1, 82.1, 84.0, 90.0]))
        said = {"oil_temp_c": level, "filter_sw": float(rng.random() < 0.3)}
        rows.append((1, at, {} if rng.random() < 0.2 else said))
    check(FEW[name], rows, np.cumsum(rng.integers(1, 4, 400)).tolist(), anew=False)


def check(plan: CompiledPlan, rows: list[Row], cuts: list[int], *, anew: bool) -> None:
    """Fold the rows in pieces, and compare every window with the one over all rows."""
    moments, expected = at_once(plan, rows)
    place = {moment: i for i, moment in enumerate(moments)}
    memory = Memory(plan)
    memory.put(empty_state(plan, list(IDENTITIES)))
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    for first, last in pairwise(edges):
        piece = rows[first:last]
        before = memory.take(sorted({machine for machine, _, _ in piece}))
        if anew:
            before = made_anew(plan, before, rows[:first])
        own, windows = slid(plan, before, piece)
        slid(
            plan, before, [(m, at + 500, {"oil_temp_c": 1e6}) for m, at, _ in piece]
        )  # comes to nothing
        again, same = slid(plan, before, piece)
        assert own == again
        for key, column in windows.items():
            wanted = expected[key][[place[moment] for moment in own]]
            assert np.array_equal(column, wanted, equal_nan=True), key
            assert np.array_equal(same[key], wanted, equal_nan=True), key
        after, _ = fold(plan, IDENTITIES, before, batch_of(plan, piece))
        memory.put(after)


def made_anew(plan: CompiledPlan, state: FleetState, seen: list[Row]) -> FleetState:
    """The state with windows made from the rows alone."""
    bare = empty_state(plan, state.machine_id.tolist())
    as_of = dict(zip(state.machine_id.tolist(), state.as_of.tolist(), strict=True))
    own = [row for row in seen if as_of.get(row[0], -1) - plan.past_ms <= row[1]
           and row[0] in as_of]  # fmt: skip
    anew = with_windows(plan, IDENTITIES, bare, batch_of(plan, own))
    columns = {name: getattr(state, name) for name in FleetState.__dataclass_fields__}
    return FleetState(**{**columns, "sliding": anew.sliding, "places": anew.places,
                         "recent": anew.recent})  # fmt: skip


def test_what_is_held_does_not_grow_with_time() -> None:
    plan = compiled(rules=[one for one in RULES if one["id"] in ("avg_0_35s", "high_6_100min")])
    memory = Memory(plan)
    memory.put(empty_state(plan, [1, 2]))
    held = []
    for step in range(800):
        at = START + step * 10_000
        piece = [(m, at, {"oil_temp_c": 80.0 + step % 7}) for m in (1, 2)]
        after, _ = fold(plan, IDENTITIES, memory.take([1, 2]), batch_of(plan, piece))
        memory.put(after)
        held.append(sum(recent.nbytes for recent in memory.take([1, 2]).recent))
    assert max(held[400:]) <= max(held[:400])


def test_rows_of_an_older_state_are_never_overwritten() -> None:
    recent = Recent(1, 1)
    begun = np.zeros((1, recent.width), np.int64)
    one = np.array([1])
    first, _ = recent.append(begun, one, np.array([10]), np.array([[1.0]]))
    second, here = recent.append(first, one, np.array([20]), np.array([[2.0]]))
    other, there = recent.append(first, one, np.array([21]), np.array([[3.0]]))
    assert recent.values[here].tolist() == [[2.0]] and recent.values[there].tolist() == [[3.0]]
    for places in (second, other):
        assert recent.times[places[0, -1]] == 10
        assert places[0, END] - places[0, -1] == 2 and places[0, LIMIT] > places[0, END]


def test_room_that_nobody_uses_is_given_back() -> None:
    recent = Recent(2, 1)
    places = np.zeros((1, recent.width), np.int64)
    for step in range(5_000):
        new = np.array([step]), np.array([[step, -step]], float)
        places, _ = recent.append(places, np.array([1]), *new)
        places[:, -1] = places[:, END] - 5
        recent, places = packed(recent, places)
    assert recent.size < 300
    assert recent.times[places[0, -1] : places[0, END]].tolist() == list(range(4_995, 5_000))


def test_rows_that_came_from_another_process_are_gone_on_with() -> None:
    recent = Recent(1, 1)
    places = np.zeros((1, recent.width), np.int64)
    for step in range(10):
        new = np.array([step]), np.array([[float(step)]])
        places, _ = recent.append(places, np.array([1]), *new)
    parts: list[pickle.PickleBuffer] = []
    message = pickle.dumps(recent, 5, buffer_callback=parts.append)
    came = pickle.loads(message, buffers=[bytes(part.raw()) for part in parts])
    for step in range(10, 100):
        new = np.array([step]), np.array([[float(step)]])
        places, _ = came.append(places, np.array([1]), *new)
    assert came.times[places[0, -1] : places[0, END]].tolist() == list(range(100))
    assert recent.size < came.size


def test_rooms_that_were_left_are_used_again() -> None:
    recent = Recent(1, 1)
    held = np.zeros((3, recent.width), np.int64)
    for step in range(2_000):
        new = np.full(3, step), np.full((3, 1), float(step))
        after, _ = recent.append(held, np.ones(3, np.int64), *new)
        after[:, -1] = np.maximum(after[:, END] - [5, 50, 500], after[:, -1])
        recent.release(held, after)
        held = after
    assert recent.size < 4 * (5 + 50 + 500)
    for place, rows in zip(held, (5, 50, 500), strict=True):
        kept = slice(place[-1], place[END])
        assert recent.times[kept].tolist() == list(range(2_000 - rows, 2_000))


@pytest.mark.parametrize("places", [[0], [0, 2], [1]])
def test_a_machine_of_which_nothing_is_kept_is_taken_over(places: list[int]) -> None:
    memory = Memory(PLAN)
    ids = [[1, 2, 3][place] for place in places]
    memory.put(empty_state(PLAN, ids))
    state, _ = fold(PLAN, IDENTITIES, memory.take(ids[:1]),
                    batch_of(PLAN, [(ids[0], START, {"oil_temp_c": 80.0})]))  # fmt: skip
    memory.put(state)
    memory.put(empty_state(PLAN, [9]))
    kept = memory.take([ids[0]])
    lanes = zip(kept.recent, PLAN.lanes, strict=True)
    times = [recent.times[kept.places[0, lane.places][-1]] for recent, lane in lanes]
    assert times == [START] * len(PLAN.lanes)
