"""What a fold says of alarms: when each was raised, and until when it stood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules.changes import AlarmChange
from store.alarms import Span

Key = tuple[int, str, str]


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

    def begins_with(self, span: Span) -> bool:
        """Whether it began when an occurrence that is known did."""
        return self.begin == span[0]

    def overlaps(self, span: Span) -> bool:
        """Whether it stood at some time of an occurrence that is known."""
        begin, end = span
        return (self.end is None or begin <= self.end) and (end is None or self.begin <= end)


def episodes_of(
    standing: Iterable[tuple[Key, int]], changes: Sequence[AlarmChange]
) -> list[Episode]:
    """Alarms from those standing at the checkpoint (key, raised at) and the changes after it."""
    opened = {
        key: AlarmChange(key[0], key[2], key[1], "raised", at, at, at) for key, at in standing
    }
    found: list[Episode] = []
    for change in sorted(changes, key=lambda change: change.at):
        key = (change.machine_id, change.component, change.rule)
        if change.kind == "raised":
            opened[key] = change
        else:
            begun = opened.pop(key)
            found.append(Episode(key, begun.raised_at, change.at, begun))
    found += [Episode(key, begun.raised_at, None, begun) for key, begun in opened.items()]
    return sorted(found, key=lambda episode: (episode.key, episode.begin))
