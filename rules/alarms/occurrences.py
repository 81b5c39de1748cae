"""Which recorded alarm an occurrence belongs to, and which occurrences are one alarm, where the
past of a machine was folded anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.alarms.episodes import Episode
from rules.alarms.lifecycle import needs_somebody, wants_somebody
from rules.alarms.paging import Setting
from rules.alarms.recurrence import joins
from rules.state import NEVER
from store.alarms import AlarmRecord, Span

_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence: whose it was so far (place of a record), and its episode where it lies
    after the checkpoint."""

    span: Span
    place: int | None
    episode: Episode | None = None


def occurrences_of(
    records: Sequence[AlarmRecord], episodes: Sequence[Episode], since: int, setting: Setting
) -> list[Occurrence]:
    """Those recorded that ended before the checkpoint (`since`, ms) and those folded after it, by
    when they began."""
    found = [
        Occurrence(span, place)
        for place, record in enumerate(records)
        for span in record.spans
        if not _ends_after(span, since)
    ]
    owner = _owners(records, episodes, since, setting)
    folded = [Occurrence(one.span, who, one) for one, who in zip(episodes, owner, strict=True)]
    if setting.rule.late == "ignore":
        folded = [one for one in folded if not _to_be_ignored(one, records, setting)]
    return sorted(found + folded, key=lambda one: one.span[0])


def _to_be_ignored(item: Occurrence, records: Sequence[AlarmRecord], setting: Setting) -> bool:
    """Whether an occurrence came late, is over, and nobody was told of it."""
    begin, end = item.span
    if end is None or setting.now - begin <= setting.late_ms:
        return False
    if item.place is None or item.episode is None:
        return True
    record = records[item.place]
    told = record.spans if record.judged else record.spans[:-1]
    return not any(item.episode.overlaps(span) for span in told)


def grouped(
    items: Sequence[Occurrence], records: Sequence[AlarmRecord], setting: Setting
) -> Iterator[list[Occurrence]]:
    """Occurrences that are one alarm: each came so soon after the one before that it is no new
    alarm, or while the alarm waited to be seen."""
    group: list[Occurrence] = []
    for item in items:
        if group and not _together(group, item, records, setting):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _together(
    group: Sequence[Occurrence], item: Occurrence, records: Sequence[AlarmRecord], setting: Setting
) -> bool:
    if joins([one.span for one in group], item.span[0], setting.recurrence):
        return True
    places = {one.place for one in group}
    if places == {None} and _would_wait(group[-1], setting):
        return True
    if item.place is None or item.place not in places:
        return False
    record = records[item.place]
    if forgotten(record) and item.span[0] <= record.spans[0][0]:
        return True
    return item.episode is None or not record.late or item.span[0] < _waits_until(record, setting)


def _would_wait(item: Occurrence, setting: Setting) -> bool:
    """Whether an occurrence nobody knew of would have waited to be seen, had it come in order."""
    paged = setting.rule.late == "page" or setting.now - item.span[0] <= setting.late_ms
    return paged and wants_somebody(setting.rule)


def _owners(
    records: Sequence[AlarmRecord], episodes: Sequence[Episode], since: int, setting: Setting
) -> list[int | None]:
    """Which record each episode belongs to: one with an occurrence that began with it, one with
    an occurrence at the same time that no other episode took, one that had it among those it does
    not remember one by one, or one that was waiting to be seen when it began."""
    spans = [
        (place, span)
        for place, record in enumerate(records)
        for span in record.spans
        if _ends_after(span, since)
    ]
    owners: list[int | None] = [None] * len(episodes)
    for meets in (Episode.begins_with, Episode.overlaps):
        for i, episode in enumerate(episodes):
            free = [one for one in spans if owners[i] is None and meets(episode, one[1])]
            if free:
                spans.remove(free[0])
                owners[i] = free[0][0]
    for i, episode in enumerate(episodes):
        if owners[i] is None:
            owners[i] = _taker(episode, records, setting)
    return owners


def _taker(episode: Episode, records: Sequence[AlarmRecord], setting: Setting) -> int | None:
    among_forgotten = [
        place
        for place, record in enumerate(records)
        if forgotten(record) and record.raised_at <= episode.begin < record.spans[0][0]
    ]
    waiting = [
        place
        for place, record in enumerate(records)
        if record.raised_at <= episode.begin < _waits_until(record, setting)
    ]
    for places in (among_forgotten, waiting):
        if places:
            return places[-1]
    return None


def forgotten(record: AlarmRecord) -> int:
    """Occurrences that the alarm does not remember one by one."""
    return record.occurrences - len(record.spans)


def _waits_until(record: AlarmRecord, setting: Setting) -> int:
    """Until when the alarm takes a further occurrence, its condition being gone."""
    if record.acknowledged_at is not None:
        return record.acknowledged_at
    waits = record.state == "returned" or (
        record.state == "active"
        and (record.judged or record.told)
        and needs_somebody(record, setting.rule)
    )
    return _FOREVER if waits else NEVER


def _ends_after(span: Span, moment: int) -> bool:
    return span[1] is None or span[1] > moment
