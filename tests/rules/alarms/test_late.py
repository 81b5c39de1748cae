"""Late data, pure: in whatever order a backlog arrives, the alarms are those of the right order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.text import Text
from rules.alarms import late, lifecycle
from rules.alarms.episodes import episodes_of
from rules.alarms.evidence import Account
from rules.alarms.late import late_rows, reconcile
from rules.alarms.lifecycle import Entry, Ledger, new_record
from rules.alarms.paging import Setting
from rules.alarms.recurrence import Recurrence
from rules.changes import AlarmChange
from rules.engine import fold
from rules.state import NEVER, RAISED, FleetState, empty_state
from store.alarms import AlarmRecord, Span
from tests.rules.plans import IDENTITIES
from tests.rules.test_engine import PLAN, Row, batch_of, streams, timed

ACCOUNT = Account(Text(en="why", zh="原因"), Text(en="why", zh="原因"), {})


class Replay:
    """The worker's way with one machine's rows, in memory: everything arrives long afterwards, or
    within what is not `late_ms` yet. `does` is what a late finding does."""

    def __init__(self, law: Recurrence, late_ms: int, does: str = "record") -> None:
        self.law, self.late_ms = law, late_ms
        self.rules = {
            condition.rule.id: condition.rule.model_copy(update={"late": does})
            for condition in PLAN.conditions
        }
        self.rows: dict[int, Row] = {}
        self.checkpoints: list[FleetState] = [empty_state(PLAN, [1])]
        self.records: list[AlarmRecord] = []
        self.written = 0
        self.now = 2**45

    def setting(self, rule: str) -> Setting:
        return Setting(self.rules[rule], "1", "alarm", self.now, self.late_ms, self.law)

    @property
    def state(self) -> FleetState:
        return self.checkpoints[-1]

    def arrive(self, rows: list[Row]) -> None:
        self.rows.update({row[1]: row for row in rows})
        late = late_rows(self.state, batch_of(rows))
        if late.any():
            self._again(rows, int(np.array([row[1] for row in rows])[late].min()))
            return
        after, changes = fold(PLAN, IDENTITIES, self.state, batch_of(rows))
        ledger = Ledger([record for record in self.records if record.state != "withdrawn"])
        for change in sorted(changes, key=lambda change: change.at):
            book = ledger.raise_ if change.kind == "raised" else None
            if book is None:
                ledger.clear(change, self.setting(change.rule))
            else:
                book(change, ACCOUNT, self.setting(change.rule))
        self.checkpoints.append(after)
        self._keep(ledger.entries)

    def _again(self, rows: list[Row], oldest: int) -> None:
        self.checkpoints = [one for one in self.checkpoints if one.as_of[0] < oldest]
        start = self.state
        since = int(start.as_of[0])
        folded = [row for time, row in self.rows.items() if time > since]
        after, changes = fold(PLAN, IDENTITIES, start, batch_of(folded))
        standing = [
            ((1, PLAN.conditions[i].rule.component, PLAN.conditions[i].rule.id),
             int(start.raised_at[0, i]))
            for i in np.flatnonzero(start.phase[0] >= RAISED)
        ]  # fmt: skip
        every = {condition.rule.id: self.setting(condition.rule.id)
                 for condition in PLAN.conditions}  # fmt: skip
        known = [
            record
            for record in self.records
            if record.live or (record.returned_at or NEVER) > since - self.law.longest_ms
        ]
        known = [record for record in known if record.state != "withdrawn"]
        episodes = episodes_of(standing, changes)
        entries = reconcile(known, episodes, {1: since}, every, lambda _: ACCOUNT)
        self.checkpoints.append(after)
        self._keep(entries)

    def _keep(self, entries: Sequence[Entry]) -> None:
        """Write as the store does: an id for what is new, and nothing of what is to be unmade."""
        kept = {record.id: record for record in self.records}
        for entry in entries:
            record = entry.record
            if entry.dropped:
                kept.pop(record.id, None)
                continue
            self.written += record.id is None
            number = self.written if record.id is None else record.id
            told = record.told or any(finding.page for finding in entry.findings)
            kept[number] = replace(record, id=number, told=told)
        self.records = list(kept.values())
        live = [record.key for record in self.records if record.live]
        assert len(live) == len(set(live)), "two live alarms about one thing"

    def alarms(self) -> list[tuple[str, tuple[Span, ...], str, bool]]:
        return sorted(
            (record.rule, record.spans, record.state, record.late)
            for record in self.records
            if record.state != "withdrawn"
        )


pieces = st.lists(st.integers(1, 6), min_size=1, max_size=12)


laws = st.sampled_from(
    [
        Recurrence(),
        Recurrence(40_000),
        Recurrence(200_000),
        Recurrence(20_000, changes=4, within_ms=120_000),
        Recurrence(0, changes=3, within_ms=60_000),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    rows=streams,
    sizes=pieces,
    law=laws,
    late=st.sampled_from([(1000, "record"), (2**50, "record")]),
    data=st.data(),
)
def test_any_order_of_arrival_ends_in_the_same_alarms(
    rows: list[Row], sizes: list[int], law: Recurrence, late: tuple[int, str], data: st.DataObject
) -> None:
    in_order, otherwise = in_two_orders(rows, sizes, (law, *late), data)
    assert otherwise.alarms() == in_order.alarms()


@pytest.mark.parametrize("does", ["page", "ignore"])
@pytest.mark.parametrize("lock", [0, 200_000])
@pytest.mark.parametrize("stands", [True, False])
def test_pieces_in_any_order_end_in_the_same_alarms_of_rules_that_page_or_ignore(
    does: str, lock: int, stands: bool
) -> None:
    hot, cool = {"eng_speed_rpm": 1500.0, "oil_temp_c": 90.0}, {"oil_temp_c": 60.0}
    values = [hot] * 4 + [cool] * 4 + [hot] * 4 + ([] if stands else [cool] * 4)
    rows = timed([(1, 10, one) for one in values])
    cut = [rows[at : at + 4] for at in range(0, len(rows), 4)]
    found = []
    for order in permutations(cut):
        replay = Replay(Recurrence(lock), 1000, does)
        for piece in order:
            replay.arrive(piece)
        found.append(replay.alarms())
    assert all(one == found[0] for one in found)
    hot_ones = [spans for rule, spans, *_ in found[0] if rule == "hot"]
    assert [len(one) for one in hot_ones] == ([2] if does == "page" else [1] if stands else [])


def in_two_orders(
    rows: list[Row], sizes: list[int], kind: tuple[Recurrence, int, str], data: st.DataObject
) -> tuple[Replay, Replay]:
    """A machine whose pieces came in order, and one whose came in any other."""
    rows = timed([(1, 10, values) for _, _, values in rows])
    cut: list[list[Row]] = []
    at = 0
    while at < len(rows):
        size = sizes[len(cut) % len(sizes)]
        cut.append(rows[at : at + size])
        at += size
    in_order, otherwise = Replay(*kind), Replay(*kind)
    for piece in cut:
        in_order.arrive(piece)
    for piece in data.draw(st.permutations(cut)):
        otherwise.arrive(piece)
    return in_order, otherwise


@settings(max_examples=60, deadline=None)
@given(rows=streams, sizes=pieces, lock=st.sampled_from([0, 40_000, 10**7]), data=st.data())
def test_an_alarm_that_came_too_often_to_remember_is_still_one(
    rows: list[Row], sizes: list[int], lock: int, data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for module in (late, lifecycle):
            patched.setattr(module, "KEPT_SPANS", 2)
        in_order, otherwise = in_two_orders(rows, sizes, (Recurrence(lock), 1000, "record"), data)
    assert otherwise.alarms() == in_order.alarms()


def test_occurrences_are_counted_where_a_checkpoint_is_no_help() -> None:
    """250 occurrences of one alarm, 100 of them remembered, and late data of the first and of one
    in the middle: folded again from the very beginning, and from where 40 are over."""
    every = [(at * 1000, at * 1000 + 500) for at in range(250)]
    setting = Setting(PLAN.plan.rule["hot"], "1", "alarm", 2**45, 1000, Recurrence(10**6))
    key = (1, "body", "hot")

    def known(spans: list[Span]) -> AlarmRecord:
        first = new_record(spans[0][0], key, ACCOUNT, setting)
        return replace(
            first, id=7, spans=tuple(spans[-100:]), occurrences=len(spans), state="cleared",
            returned_at=spans[-1][1], cleared_at=spans[-1][1],
        )  # fmt: skip

    def again(record: AlarmRecord, spans: list[Span], since: int) -> AlarmRecord:
        changes = [
            AlarmChange(1, "hot", "body", kind, at, begin, begin)
            for begin, end in spans
            if end > since
            for kind, at in (("raised", begin), ("cleared", end))
        ]
        episodes = episodes_of([], changes)
        (entry,) = reconcile([record], episodes, {1: since}, {"hot": setting}, lambda _: ACCOUNT)
        return entry.record

    without_first, without_one = known(every[1:]), known(every[:200] + every[201:])
    found = again(without_first, every, -1)
    assert (found.id, found.occurrences, found.raised_at) == (7, 250, 0)
    found = again(without_one, every, 40_000)
    assert (found.id, found.occurrences, found.raised_at) == (7, 250, 0)
    assert found.spans == tuple(every[-100:])
    assert again(found, every, 40_000) == found


def test_what_was_told_takes_its_next_occurrence_also_where_it_had_ended_long_before() -> None:
    """Told of at once, the alarm came again while it was locked; then late data says that it had
    ended long before. In order it would have waited to be seen."""
    paging = PLAN.plan.rule["hot"].model_copy(update={"late": "page"})
    setting = Setting(paging, "1", "alarm", 2**45, 1000, Recurrence(60_000))
    first = new_record(0, (1, "body", "hot"), ACCOUNT, setting)
    record = replace(
        first, id=7, spans=((0, 500_000), (550_000, None)), occurrences=2, told=True, judged=False,
        suppression="recurrence",
    )  # fmt: skip
    changes = [
        AlarmChange(1, "hot", "body", kind, at, begin, begin)
        for kind, at, begin in (
            ("raised", 0, 0),
            ("cleared", 400_000, 0),
            ("raised", 550_000, 550_000),
        )
    ]
    entries = reconcile(
        [record], episodes_of([], changes), {1: -1}, {"hot": setting}, lambda _: ACCOUNT
    )
    assert [(one.record.id, one.record.spans) for one in entries] == [
        (7, ((0, 400_000), (550_000, None)))
    ]
