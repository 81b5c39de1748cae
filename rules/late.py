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
from rules.changes import AlarmChange
from rules.evidence import Account
from rules.lifecycle import (
    Entry,
    Setting,
    again,
    ended,
    finding_of,
    needs_somebody,
    new_record,
    settled,
)
from rules.state import NEVER, FleetState
from store.alarms import AlarmRecord, Span

Key = tuple[int, str, str]
Explain = Callable[[AlarmChange], Account]

_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Episode:
    """An alarm as the fold has it: raised by `change`, standing until `end` (None: still)."""

    key: Key
    begin: int
    end: int | None
    change: AlarmChange

    @property
    def span(self) -> Span:
        return self.begin, self.end


def late_rows(state: FleetState, batch: SampleBatch) -> NDArray[np.bool_]:
    """Rows of the batch at or before the `as_of` of their machine, all of which `state` has."""
    order = np.argsort(state.machine_id)
    place = order[np.searchsorted(state.machine_id, batch.machine_id, sorter=order)]
    return np.asarray(batch.measured_at <= state.as_of[place], np.bool_)


def episodes_of(
    standing: Iterable[tuple[Key, int]], changes: Sequence[AlarmChange]
) -> list[Episode]:
    """Alarms from those standing at the checkpoint (key, raised at) and the changes after it."""
    opened = {
        key: AlarmChange(key[0], key[2], key[1], "raised", at, at, at) for key, at in standing
    }
    found: list[Episode] = []
    for change in sorted(changes, key=lambda change: (change.at, change.kind == "raised")):
        key = (change.machine_id, change.component, change.rule)
        if change.kind == "raised":
            opened[key] = change
        else:
            begun = opened.pop(key)
            found.append(Episode(key, begun.raised_at, change.at, begun))
    found += [Episode(key, begun.raised_at, None, begun) for key, begun in opened.items()]
    return sorted(found, key=lambda episode: (episode.key, episode.begin))


def reconcile(
    records: Sequence[AlarmRecord],
    episodes: Sequence[Episode],
    since: Mapping[int, int],
    settings: Mapping[str, Setting],
    explain: Explain,
) -> list[Entry]:
    """Bring the recorded alarms of machines in line with what the fold says now.

    `since` is each machine's checkpoint (machine -> ms): what ended before it is untouched.
    """
    entries: list[Entry] = []
    keys = {record.key for record in records} | {episode.key for episode in episodes}
    for key in sorted(keys):
        own = [record for record in records if record.key == key]
        new = [episode for episode in episodes if episode.key == key]
        setting = settings[key[2]]
        entries += _one_live(
            list(_reconcile_key(own, new, since[key[0]], setting, explain)), setting
        )
    return entries


def _reconcile_key(
    records: list[AlarmRecord],
    episodes: list[Episode],
    since: int,
    setting: Setting,
    explain: Explain,
) -> Iterator[Entry]:
    owner = _owners(records, episodes, since, setting)
    for place, record in enumerate(records):
        yield _amended(
            record, [e for e, who in zip(episodes, owner, strict=True) if who == place],
            since, setting, explain,
        )  # fmt: skip
    for episode, who in zip(episodes, owner, strict=True):
        if who is None:
            yield from _added(episode, setting, explain)


def _owners(
    records: list[AlarmRecord], episodes: list[Episode], since: int, setting: Setting
) -> list[int | None]:
    """Which record each episode belongs to: one with an occurrence that began with it, one with
    an occurrence at the same time that no other episode took, or one that was waiting to be seen
    when it began."""
    spans = [
        (place, span)
        for place, record in enumerate(records)
        for span in record.spans
        if _ends_after(span, since)
    ]
    owners: list[int | None] = [None] * len(episodes)
    for meets in (_begins_with, _overlaps):
        for i, episode in enumerate(episodes):
            free = [one for one in spans if owners[i] is None and meets(episode, one[1])]
            if free:
                spans.remove(free[0])
                owners[i] = free[0][0]
    for i, episode in enumerate(episodes):
        waiting = [
            place
            for place, record in enumerate(records)
            if record.raised_at <= episode.begin < _waits_until(record, setting)
        ]
        if owners[i] is None and waiting:
            owners[i] = waiting[-1]
    return owners


def _begins_with(episode: Episode, span: Span) -> bool:
    return episode.begin == span[0]


def _overlaps(episode: Episode, span: Span) -> bool:
    begin, end = span
    return (episode.end is None or begin <= episode.end) and (end is None or episode.begin <= end)


def _waits_until(record: AlarmRecord, setting: Setting) -> int:
    """Until when the alarm takes a further occurrence, its condition being gone."""
    if record.acknowledged_at is not None:
        return record.acknowledged_at
    waits = record.state == "returned" or (
        record.state == "active" and record.judged and needs_somebody(record, setting.rule)
    )
    return _FOREVER if waits else NEVER


def _amended(
    record: AlarmRecord, episodes: list[Episode], since: int, setting: Setting, explain: Explain
) -> Entry:
    """A recorded alarm with the occurrences it has now; withdrawn where none is left."""
    before = [span for span in record.spans if not _ends_after(span, since)]
    spans = tuple(before + [episode.span for episode in episodes])
    if spans == record.spans:
        return Entry(record)
    if not spans:
        end = record.spans[-1][1] or record.raised_at
        cleared_at = record.cleared_at or setting.now
        withdrawn = replace(
            record, state="withdrawn", returned_at=end, cleared_at=cleared_at, judged=True
        )
        return Entry(withdrawn)
    known = {begin for begin, _ in record.spans}
    last = episodes[-1] if episodes else None
    occurrences = record.occurrences + len(spans) - len(record.spans)
    entry = Entry(replace(record, spans=spans, occurrences=max(occurrences, 1)))
    if len(record.spans) == record.occurrences:
        entry.record = replace(entry.record, raised_at=spans[0][0])
    if last is not None and last.begin not in known and _follows(last, record):
        account = explain(last.change)
        one_less = replace(entry.record, spans=spans[:-1], occurrences=entry.record.occurrences - 1)
        entry.record = again(one_less, last.begin, account, setting)
        entry.record = replace(entry.record, spans=spans)
        if last.end is not None:
            entry.findings.append(finding_of(entry.record, account, setting, page=_pages(setting)))
            entry.record = replace(entry.record, judged=True, late=True)
    entry.record = settled(entry.record, setting.rule)
    return entry


def _follows(episode: Episode, record: AlarmRecord) -> bool:
    """Whether an episode is an occurrence more and not a known one that began otherwise."""
    return all(end is not None and end < episode.begin for _, end in record.spans)


def _added(episode: Episode, setting: Setting, explain: Explain) -> Iterator[Entry]:
    """An alarm nobody knew of. One that is over already pages nobody, unless the rule says so."""
    account = explain(episode.change)
    record = new_record(episode.begin, episode.key, account, setting)
    if episode.end is None:
        page = record.judged or setting.rule.late == "page"
        entry = Entry(replace(record, judged=page))
        if page:
            entry.findings.append(finding_of(record, account, setting, page=True))
        yield entry
        return
    if setting.rule.late == "ignore":
        return
    record = ended(replace(record, late=True, judged=False), episode.end, setting.rule)
    finding = finding_of(record, account, setting, page=_pages(setting))
    yield Entry(replace(record, judged=True), [finding])


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


def _ends_after(span: Span, moment: int) -> bool:
    return span[1] is None or span[1] > moment
