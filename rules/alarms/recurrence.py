"""When the same alarm came again, and when it flaps: laws over its occurrences in machine time.

Pure. An alarm that comes again soon after its condition was gone is one more occurrence of the
earlier alarm and no new one. Many changes within a while are flapping: the alarm is held as one
until it has been quiet for as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.plan import ProductPlan
from fleet.rule import Rule
from store.alarms import Span

_MS_PER_H = 3_600_000


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`again_ms`: for so long after clearing an alarm does not come anew. It flaps after
    `changes` transitions within `within_ms` (0 changes: never), until quiet for as long. What a
    visit dealt with is told anew where it still stands `after_visit_ms` later."""

    again_ms: int = 0
    changes: int = 0
    within_ms: int = 0
    after_visit_ms: int = 0

    @property
    def longest_ms(self) -> int:
        """How long ago an alarm that an occurrence now belongs to may have ended."""
        return max(self.again_ms, self.within_ms if self.changes else 0)


def recurrence_of(plan: ProductPlan, rule: Rule) -> Recurrence:
    """The rule's own numbers, else those of the plan."""
    hours = plan.alarms.again_after_h if rule.again_after_h is None else rule.again_after_h
    flapping = rule.flapping or plan.alarms.flapping
    return Recurrence(
        round(hours * _MS_PER_H),
        0 if flapping is None else flapping.changes,
        0 if flapping is None else round(flapping.within_s * 1000),
        round(plan.alarms.after_visit_h * _MS_PER_H),
    )


def flaps(spans: Sequence[Span], law: Recurrence) -> bool:
    """Whether the alarm flaps at its last transition."""
    if not law.changes:
        return False
    times = [time for span in spans for time in span if time is not None]
    flapping = False
    for i, time in enumerate(times):
        if flapping and time - times[i - 1] > law.within_ms:
            flapping = False
        first = i - law.changes + 1
        flapping = flapping or (first >= 0 and time - times[first] <= law.within_ms)
    return flapping


def locked_until(spans: Sequence[Span], law: Recurrence) -> int | None:
    """Until when an alarm with these occurrences, all over, takes further ones and pages nobody
    for them; None while it stands."""
    end = spans[-1][1]
    if end is None:
        return None
    return end + max(law.again_ms, law.within_ms if flaps(spans, law) else 0)


def joins(spans: Sequence[Span], at: int, law: Recurrence) -> bool:
    """Whether an occurrence that begins at `at` belongs to the alarm with these occurrences."""
    until = locked_until(spans, law)
    return until is not None and at < until
