"""What a fleet taught, kept by a worker between batches: looked at every minute, of which only what
is new is read, and no more days held than rules ask for."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.clock import MS_PER_DAY
from fleet.peer_day import PeerDay
from rules.compiled import CompiledPlan
from rules.detectors.lessons import Lesson, taught_of
from rules.detectors.live import NOTHING_TAUGHT, Taught
from rules.live.known_before import lessons_after, peers_between
from rules.remembered.peers import OLDEST_DAYS, USED_AFTER_MS, PeerDays
from store.connection import Connection

#: Days of peers that are held. Older ones are read when late data is judged by them.
HELD_DAYS = 30
#: A day that is counted now is no older than this.
_NEW_DAYS = OLDEST_DAYS + 2


class Knowledge:
    """What the fleet of one product taught. Lessons are all held: a machine may have learned by any
    of them, and there is one a month of each rule and model."""

    def __init__(self, compiled: CompiledPlan) -> None:
        self._product = compiled.plan.product
        self._asks_lessons = bool(compiled.detectors)
        self._asks_peers = bool(compiled.gauges.peer_calls)
        self._lessons: list[Lesson] = []
        self._days: dict[tuple[str, str, int], PeerDay] = {}
        self._held_from = 0
        self._newest = -1
        self._known = False
        self._taught = NOTHING_TAUGHT

    def forget(self) -> None:
        """Look at the store anew when it is asked next."""
        self._known = False

    def covering(self, connection: Connection, oldest_ms: int, now_ms: int) -> Taught:
        """What samples from `oldest_ms` on are judged by; both in milliseconds since 1970 UTC."""
        if not self._known:
            self._look(connection, now_ms // MS_PER_DAY)
        first = (oldest_ms - USED_AFTER_MS) // MS_PER_DAY - OLDEST_DAYS
        if not self._asks_peers or first >= self._held_from:
            return self._taught
        older = peers_between(connection, self._product, first, self._held_from)
        return Taught(self._taught.normals, PeerDays.of([*older, *self._days.values()]))

    def _look(self, connection: Connection, today: int) -> None:
        new_lessons = self._new_lessons(connection)
        new_days = self._new_days(connection, today) if self._asks_peers else False
        if new_lessons:
            self._taught = taught_of(self._lessons)
        if new_lessons or new_days:
            self._taught = Taught(self._taught.normals, PeerDays.of(self._days.values()))
        self._known = True

    def _new_lessons(self, connection: Connection) -> bool:
        if not self._asks_lessons:
            return False
        newest = max((since for _, _, since, _ in self._lessons), default=None)
        found = lessons_after(connection, self._product, newest)
        self._lessons += found
        return bool(found)

    def _new_days(self, connection: Connection, today: int) -> bool:
        """Read days that may be new, and drop those that are too old; whether any changed."""
        held_from = today - HELD_DAYS
        since = max(held_from, self._newest - _NEW_DAYS) if self._days else held_from
        found = _by_place(peers_between(connection, self._product, since, today + 1))
        before = self._days
        kept = {place: day for place, day in before.items() if place[2] >= held_from}
        self._days = {**kept, **found}
        self._held_from = held_from
        self._newest = max((place[2] for place in self._days), default=-1)
        return self._days.keys() != before.keys()


def _by_place(days: Iterable[PeerDay]) -> dict[tuple[str, str, int], PeerDay]:
    return {(one.key, one.region, one.day): one for one in days}
