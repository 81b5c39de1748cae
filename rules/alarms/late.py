"""Late data, judged in its own time: what was concluded without it is put right.

A machine with rows older than its `as_of` is folded again from a checkpoint before them. What
the fold says now is compared with the alarms recorded then: the same stay, those that vanished
are withdrawn, new ones are added. Pure: reading and writing are the worker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import SampleBatch
from rules.alarms.episodes import Episode
from rules.alarms.evidence import Account
from rules.alarms.lifecycle import (
    KEPT_SPANS,
    Entry,
    Holds,
    Ledger,
    again,
    new_record,
    settled,
)
from rules.alarms.occurrences import Occurrence, forgotten, grouped, occurrences_of
from rules.alarms.paging import Setting, finding_of
from rules.alarms.quiet import in_words
from rules.changes import AlarmChange
from rules.state import FleetState
from store.alarms import AlarmRecord, Span
from store.suppressions import Hold

Explain = Callable[[AlarmChange], Account]


def late_rows(state: FleetState, batch: SampleBatch) -> NDArray[np.bool_]:
    """Rows of the batch at or before the `as_of` of their machine, all of which `state` has."""
    order = np.argsort(state.machine_id)
    place = order[np.searchsorted(state.machine_id, batch.machine_id, sorter=order)]
    return np.asarray(batch.measured_at <= state.as_of[place], np.bool_)


def reconcile(
    records: Sequence[AlarmRecord],
    episodes: Sequence[Episode],
    since: Mapping[int, int],
    settings: Mapping[str, Setting],
    explain: Explain,
    holds: Holds | None = None,
) -> list[Entry]:
    """Bring the recorded alarms of machines in line with what the fold says now.

    `since` is each machine's checkpoint (machine -> ms): what ended before it is untouched.
    """
    entries: list[Entry] = []
    keys = {record.key for record in records} | {episode.key for episode in episodes}
    for key in sorted(keys):
        own = [record for record in records if record.key == key]
        new = [episode for episode in episodes if episode.key == key]
        context = _Context(since[key[0]], settings[key[2]], explain, (holds or {}).get(key[0], ()))
        entries += _one_live(list(_reconcile_key(own, new, context)), context.setting)
    return entries


@dataclass(frozen=True, slots=True)
class _Context:
    since: int
    setting: Setting
    explain: Explain
    holds: Sequence[Hold]


def _reconcile_key(
    records: list[AlarmRecord], episodes: list[Episode], context: _Context
) -> Iterator[Entry]:
    items = occurrences_of(records, episodes, context.since, context.setting)
    left = set(range(len(records)))
    for group in grouped(items, records, context.setting):
        owners = list(dict.fromkeys(item.place for item in group if item.place in left))
        left.difference_update(owners)
        own = {place: records[place] for place in owners if place is not None}
        if own:
            yield from _amended(own, group, context)
        else:
            yield from _added(group, context)
    for place in sorted(left):
        yield Entry(_withdrawn(records[place], context.setting))


def _withdrawn(record: AlarmRecord, setting: Setting) -> AlarmRecord:
    """An alarm that never was, or was an occurrence of another."""
    end = record.spans[-1][1] or record.raised_at
    cleared_at = record.cleared_at or setting.now
    return replace(record, state="withdrawn", returned_at=end, cleared_at=cleared_at, judged=True)


def _amended(
    own: Mapping[int, AlarmRecord], group: Sequence[Occurrence], context: _Context
) -> Iterator[Entry]:
    """A recorded alarm (place -> record) with the occurrences it has now; what else was recorded
    of the same is withdrawn."""
    records = list(own.values())
    record, *others = records
    setting = context.setting
    entry = Entry(record, absorbed=tuple(one.id for one in others if one.id is not None))
    yield from (Entry(_withdrawn(one, setting)) for one in others)
    spans = tuple(item.span for item in group)
    begun, occurrences = _counted(records, spans, context.since)
    told = any(one.told for one in records)
    amended = replace(
        record, raised_at=begun, spans=spans[-KEPT_SPANS:], occurrences=occurrences, told=told
    )
    if amended == record:
        yield entry
        return
    entry.record = amended
    last = group[-1].episode
    teller = own.get(group[-1].place) if group[-1].place is not None else None
    if last is not None and teller is not None and any(last.overlaps(s) for s in teller.spans):
        _as_told(entry, teller)
    elif last is not None and _follows(last, records):
        _add_last(entry, last, context)
    entry.record = settled(entry.record, setting)
    yield entry


def _counted(records: Sequence[AlarmRecord], spans: Sequence[Span], since: int) -> tuple[int, int]:
    """When an alarm began, and how many occurrences it has. Where some that nobody remembers one
    by one lie before the checkpoint, they cannot be counted again: only what came to light since
    the first one remembered makes a difference."""
    unknown = sum(forgotten(one) for one in records if one.raised_at <= since)
    if not unknown:
        return spans[0][0], len(spans)
    first = min(one.spans[0][0] for one in records)
    begun = min(one.raised_at for one in records)
    return begun, unknown + sum(begin >= first for begin, _ in spans)


def _as_told(entry: Entry, teller: AlarmRecord) -> None:
    """The newest occurrence was known: what became of it stays, unless it was recorded as late and
    over, which it is not. Then it waits to be judged once more."""
    entry.record = replace(
        entry.record,
        state=teller.state,
        late=teller.late,
        judged=teller.judged,
        suppression=teller.suppression,
        let_go_at=teller.let_go_at,
        visited_at=teller.visited_at,
    )
    recorded_only = teller.late and teller.state == "cleared" and teller.acknowledged_at is None
    if recorded_only and entry.record.spans[-1][1] is None:
        entry.record = replace(entry.record, judged=False)
        entry.reopened = True


def _add_last(entry: Entry, last: Episode, context: _Context) -> None:
    """The newest occurrence is news. Where that is a matter of moments it is told as if it had
    come in order; as late data tells it, it may be over already."""
    setting, spans = context.setting, entry.record.spans
    account = context.explain(last.change)
    was_over = entry.record.state == "cleared"
    one_less = replace(entry.record, spans=spans[:-1], occurrences=entry.record.occurrences - 1)
    entry.record = again(one_less, last.begin, account, setting, context.holds)
    entry.record = replace(entry.record, spans=spans)
    pages_late = _pages(setting) and entry.record.suppression is None
    if entry.record.judged or (pages_late and last.end is None):
        entry.findings.append(finding_of(entry.record, account, setting, page=True))
        entry.record = replace(entry.record, judged=True)
    elif last.end is not None:
        kept_quiet = entry.record.suppression
        if kept_quiet != "recurrence":
            page = _pages(setting) and kept_quiet is None
            told = finding_of(entry.record, account, setting, page=page)
            quiet = None if entry.record.late else in_words(kept_quiet)
            entry.findings.append(replace(told, quiet=quiet))
        state = "cleared" if was_over else entry.record.state
        entry.record = replace(entry.record, state=state, judged=True)


def _follows(episode: Episode, records: Sequence[AlarmRecord]) -> bool:
    """Whether an episode is an occurrence more and not a known one that began otherwise."""
    return all(
        end is not None and end < episode.begin for record in records for _, end in record.spans
    )


def _added(group: Sequence[Occurrence], context: _Context) -> Iterator[Entry]:
    """An alarm nobody knew of. One that is over already pages nobody, unless the rule says so."""
    setting = context.setting
    episodes = [item.episode for item in group if item.episode is not None]
    if not episodes:
        return
    first, last = episodes[0], episodes[-1]
    if setting.now - first.begin <= setting.late_ms:
        yield from _as_live(episodes, context)
        return
    account = context.explain(first.change)
    record = new_record(first.begin, first.key, account, setting, context.holds)
    spans = tuple(item.span for item in group)
    record = replace(record, spans=spans[-KEPT_SPANS:], occurrences=len(spans))
    if last.end is None:
        page = len(episodes) == 1 and record.suppression is None and _pages(setting)
        entry = Entry(settled(replace(record, judged=page), setting))
        if page:
            entry.findings.append(finding_of(record, account, setting, page=True))
        yield entry
        return
    page = _pages(setting) and record.suppression is None
    record = settled(replace(record, judged=page), setting)
    told = replace(record, spans=spans[:1])
    yield Entry(replace(record, judged=True), [finding_of(told, account, setting, page=page)])


def _as_live(episodes: Sequence[Episode], context: _Context) -> Iterable[Entry]:
    """What came out of order by moments only is told as if it had come in order: so it is where
    a worker of the ingest was killed, and what it held is stored after what the others took."""
    setting = context.setting
    ledger = Ledger((), {episodes[0].key[0]: context.holds})
    for one in episodes:
        ledger.raise_(one.change, context.explain(one.change), setting)
        if one.end is not None:
            ledger.clear(replace(one.change, kind="cleared", at=one.end), setting)
    return ledger.entries


def _pages(setting: Setting) -> bool:
    return setting.rule.late == "page"


def _one_live(entries: list[Entry], setting: Setting) -> list[Entry]:
    """At most one alarm of a machine, component and rule is live: the latest."""
    live = [entry for entry in entries if entry.record.live]
    live.sort(key=lambda entry: (entry.record.spans[-1][1] is None, entry.record.spans[-1][0]))
    for entry in live[:-1]:
        end = entry.record.spans[-1][1] or entry.record.raised_at
        entry.record = replace(
            entry.record, state="cleared", returned_at=end, cleared_at=setting.now, judged=True
        )
    return entries
