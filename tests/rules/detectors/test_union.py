"""One sensor, two detectors: one alarm, however the rows were cut."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rules.changes import AlarmChange
from rules.detectors.union import told_once
from rules.detectors.watched import NOTHING_WATCHED, Raised, Watched

Spell = tuple[int, int]
spells = st.lists(
    st.lists(st.integers(0, 40), min_size=2, max_size=8, unique=True).map(sorted), min_size=1,
    max_size=3,
)  # fmt: skip


def said(times: list[int]) -> list[AlarmChange]:
    """What one detector says: raised and cleared in turn at these times."""
    return [
        AlarmChange(
            1, "sensor", "body/oil", "cleared" if i % 2 else "raised", at, times[i - i % 2],
            times[i - i % 2],
        )
        for i, at in enumerate(times)
    ]  # fmt: skip


def after(watched: Watched, own: list[AlarmChange]) -> Watched:
    """What a detector holds once it has said this."""
    if not own:
        return watched
    last = own[-1]
    raised = Raised(last.rule, last.component, last.since, last.at)
    return replace(watched, raised=raised if last.kind == "raised" else None)


@given(spells, st.lists(st.integers(0, 41), max_size=4).map(sorted))
def test_it_stands_from_the_first_to_the_last_however_it_is_cut(
    all_times: list[list[int]], cuts: list[int]
) -> None:
    states = [NOTHING_WATCHED] * len(all_times)
    told: list[AlarmChange] = []
    for low, high in zip([-1, *cuts], [*cuts, 99], strict=True):
        parts = [[c for c in said(times) if low < c.at <= high] for times in all_times]
        now = [after(state, part) for state, part in zip(states, parts, strict=True)]
        standing = [raised for state in states for raised in state.standing_alarms]
        first, more = told_once(standing, [c for part in parts for c in part])
        states = [state.told_as(first) for state in now]
        told += more
    # The obvious twin: at every moment, does any of them stand?
    stands = [
        any(sum(at <= moment for at in times) % 2 for times in all_times) for moment in range(100)
    ]
    found = {(c.raised_at, c.at) for c in told if c.kind == "cleared"}
    assert [c.kind for c in told] == ["raised", "cleared"] * (len(told) // 2) + ["raised"] * (
        len(told) % 2
    )
    for begin, end in found:
        assert all(stands[begin:end])
    for moment in range(100):
        if stands[moment]:
            assert any(c.raised_at <= moment for c in told if c.kind == "raised")
    open_at = {one.raised.at for one in states if one.raised is not None}
    assert len(open_at) <= 1 and open_at <= {c.at for c in told if c.kind == "raised"}
