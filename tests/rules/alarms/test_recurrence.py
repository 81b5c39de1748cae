"""When an alarm is the same one again, and when it flaps; what silences it. Pure laws."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rules.alarms.lifecycle import Ledger
from rules.alarms.paging import Setting
from rules.alarms.quiet import FOREVER, silenced
from rules.alarms.recurrence import Recurrence, flaps, joins, locked_until
from rules.changes import AlarmChange
from store.alarms import AlarmRecord, Span
from store.suppressions import Hold
from tests.rules.alarms.test_late import ACCOUNT, laws
from tests.rules.plans import plan

PLAN = plan()
RULES = ("hot", "other_codes")  # one that waits for somebody, one that clears by itself
gaps = st.lists(st.integers(1, 200), min_size=1, max_size=24)


def spans_of(steps: list[int]) -> list[Span]:
    """Occurrences from the seconds between transitions; the last may stand."""
    times, at = [], 0
    for step in steps:
        at += step * 1000
        times.append(at)
    pairs = [tuple(times[i : i + 2]) for i in range(0, len(times), 2)]
    return [(pair[0], pair[1] if len(pair) == 2 else None) for pair in pairs]


@given(gaps, st.integers(3, 6), st.integers(10, 400))
def test_flapping_is_many_transitions_within_the_time_and_quiet_ends_it(
    steps: list[int], changes: int, within_s: int
) -> None:
    law = Recurrence(0, changes, within_s * 1000)
    spans = spans_of(steps)
    times = [time for span in spans for time in span if time is not None]
    # The obvious twin: looking back from the last transition to the last silence.
    run = [times[-1]]
    for earlier in reversed(times[:-1]):
        if run[-1] - earlier > law.within_ms:
            break
        run.append(earlier)
    run.reverse()
    dense = any(
        run[i + changes - 1] - run[i] <= law.within_ms for i in range(len(run) - changes + 1)
    )
    assert flaps(spans, law) == dense


def changes_of(rule: str, spans: list[Span]) -> list[AlarmChange]:
    found = []
    for begin, end in spans:
        found.append(AlarmChange(1, rule, "body", "raised", begin, begin, begin))
        if end is not None:
            found.append(AlarmChange(1, rule, "body", "cleared", end, end, begin))
    return found


class Book:
    """Alarms of a machine that is live: judged as its changes come, in pieces of any size."""

    def __init__(self, law: Recurrence, holds: tuple[Hold, ...] = ()) -> None:
        self.law, self.holds = law, {1: holds}
        self.records: list[AlarmRecord] = []
        self.paged: list[tuple[str, int]] = []

    def take(self, changes: list[AlarmChange], tick_at: int | None = None) -> None:
        ledger = Ledger(self.records, self.holds)
        for change in changes:
            if change.kind == "raised":
                ledger.raise_(change, ACCOUNT, self.setting(change.rule, change.at))
            else:
                ledger.clear(change, self.setting(change.rule, change.at))
        if tick_at is not None:
            now = {rule: self.setting(rule, tick_at) for rule in RULES}
            ledger.judge_waiting(now, {1: tick_at})
            ledger.steady(now, {1: tick_at})
        kept = {record.id: record for record in self.records}
        for entry in ledger.entries:
            number = entry.record.id or len(kept) + 1
            kept[number] = replace(entry.record, id=number)
            self.paged += [(f.source, f.happened_at) for f in entry.findings if f.page]
        self.records = list(kept.values())

    def setting(self, rule: str, now: int) -> Setting:
        return Setting(PLAN.rule[rule], "1", "alarm", now, 10**9, self.law)

    def alarms(self) -> list[tuple[object, ...]]:
        return [(one.rule, one.spans) for one in self.records]


@given(steps=gaps, law=laws, rule=st.sampled_from(RULES), cut=st.integers(1, 5), tick=st.booleans())
def test_however_the_changes_are_cut_the_alarms_and_pages_are_the_same(
    steps: list[int], law: Recurrence, rule: str, cut: int, tick: bool
) -> None:
    changes = changes_of(rule, spans_of(steps))
    whole, pieces = Book(law), Book(law)
    end = changes[-1].at + 10**7
    whole.take(changes, tick_at=end)
    for first in range(0, len(changes), cut):
        part = changes[first : first + cut]
        pieces.take(part, tick_at=part[-1].at if tick else None)
    pieces.take([], tick_at=end)
    assert pieces.alarms() == whole.alarms()
    assert sorted(pieces.paged) == sorted(whole.paged)
    for _, spans in whole.alarms():
        assert isinstance(spans, tuple) and spans == tuple(sorted(spans))


@given(steps=gaps, law=laws)
def test_the_same_alarm_does_not_come_anew_within_the_lock(
    steps: list[int], law: Recurrence
) -> None:
    book = Book(law)
    book.take(changes_of("other_codes", spans_of(steps)))
    ends = [one.spans[-1][1] for one in book.records]
    begins = [one.spans[0][0] for one in book.records]
    for end, begin in zip(ends, begins[1:], strict=False):
        assert end is not None and begin - end >= law.again_ms
    inner = [
        (one.spans[:i], one.spans[i][0]) for one in book.records for i in range(1, len(one.spans))
    ]
    assert all(joins(before, begin, law) for before, begin in inner)


def hold(since: int, end: int, component: str | None = None, rule: str | None = None) -> Hold:
    return Hold("maintenance" if rule is None else "shelved", component, rule, since, end, "", "m")


holds = st.lists(
    st.builds(
        lambda since, length, part, rule: hold(since, since + length, part, rule),
        st.integers(0, 40),
        st.integers(1, 15),
        st.sampled_from([None, "body", "boom"]),
        st.sampled_from([None, "hot", "cold"]),
    ),
    max_size=8,
)


@given(holds, st.integers(0, 50))
def test_silence_lasts_until_the_first_moment_that_nothing_covers(
    given_holds: list[Hold], at: int
) -> None:
    found = silenced(given_holds, "body/E7", "hot", (at,))
    own = [h for h in given_holds if h.component != "boom" and h.rule != "cold"]
    moment = at
    while any(h.since <= moment < h.end for h in own):
        moment += 1
    assert (at if found is None else found[1]) == moment


def test_silence_without_an_end_lasts() -> None:
    forever = hold(5, FOREVER, rule="hot")
    assert silenced([forever], "body", "hot", (4, 6)) == (forever, FOREVER)
    assert silenced([forever], "body", "hot", (4,)) is None


def test_an_alarm_under_maintenance_pages_when_it_outlasts_it() -> None:
    rule, end = "hot", 60_000
    for cleared, pages in ((50_000, []), (90_000, [(rule, 10_000)])):
        book = Book(Recurrence(), (hold(0, end),))
        book.take(changes_of(rule, [(10_000, cleared)]))
        assert book.paged == pages
        assert book.records[0].state == ("returned" if pages else "cleared")
        assert book.records[0].suppression == (None if pages else "maintenance")


def test_a_lock_ends_when_it_says() -> None:
    law = Recurrence(1000, changes=3, within_ms=5000)
    assert locked_until([(0, None)], law) is None
    assert locked_until([(0, 100)], law) == 1100
    assert locked_until([(0, 100), (200, 300)], law) == 5300
