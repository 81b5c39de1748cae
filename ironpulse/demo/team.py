"""The service team of the demo's past: takes tickets on, drives out, answers, finishes.

It goes through the same steps as people do (`tickets.lifecycle`), and knows from the simulators
what really was wrong and how long each part really lasts: what it finds is what life models learn
from. The newest tickets stay open for whoever watches the demo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from fleet.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from fleet.plan import Catalogue
from fleet.service import CheckItem
from fleet.wear import WearPart
from simulators.seeds import generator
from simulators.truth import Episode
from simulators.wear import Fitted, draw_life
from store import tickets as ticket_store
from store import wear
from store.connection import Connection
from tickets import lifecycle
from tickets.states import Actor

TECHNICIAN = "technician"
#: Tickets looked at in one round.
_MOST = 5000
#: When a visit is over, as a share of the time promised: from the first to the last of these. A
#: few promises are broken, as in life.
_OF_PROMISE = (0.15, 1.03)
#: Visits of so long ahead are somebody's already when the demo begins.
_NEXT_VISITS_MS = 12 * MS_PER_HOUR
#: From this share of its life on a part looks worn; below the other it is left in place.
_WORN_FROM, _GOOD_UNTIL = 0.85, 0.5


Step = Literal["accepted", "travelling", "working"]


class Team:
    """Works off tickets, dated in their own time."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self._catalogue, self._seed = catalogue, seed
        self._machines: dict[str, int] = {}
        self._fitted: dict[tuple[str, str, str], Fitted] = {}
        self._episodes: dict[str, list[Episode]] = {}
        self._boss = Actor("manager", "manager")

    def knows(
        self,
        machines: Mapping[str, int],
        episodes: Sequence[Episode],
        fitted: Mapping[str, Sequence[Fitted]],
    ) -> None:
        """Learn what really happened to machines (serial -> id), and how long the parts last that
        stood in them when their past began."""
        self._machines.update(machines)
        for episode in episodes:
            self._episodes.setdefault(episode.machine, []).append(episode)
        for serial, parts in fitted.items():
            self._fitted |= {(serial, part.part, part.position): part for part in parts}

    def work(
        self, connection: Connection, product: str, serials: Collection[str], now_ms: int
    ) -> None:
        """Finish the open tickets of machines of a product whose visit is over by `now_ms`."""
        for whole, done_ms in _over(connection, product, serials, now_ms):
            self._visit(connection, whole, done_ms)

    def take_on(
        self, connection: Connection, product: str, serials: Collection[str], now_ms: int
    ) -> None:
        """Give the technician the open tickets whose visit is of the coming half day."""
        for whole, _ in _over(connection, product, serials, now_ms + _NEXT_VISITS_MS):
            lifecycle.assign(connection, whole.ticket["number"], TECHNICIAN, now_ms=now_ms,
                             actor=self._boss, version=None)  # fmt: skip

    def _visit(self, connection: Connection, whole: ticket_store.WholeTicket, done_ms: int) -> None:
        number, opened_ms = whole.ticket["number"], to_ms(whole.ticket["opened_at"])
        drive_ms = done_ms - 3 * MS_PER_HOUR
        desk_ms = max(opened_ms, drive_ms - 2 * MS_PER_HOUR)
        boss = self._boss
        lifecycle.assign(connection, number, TECHNICIAN, now_ms=desk_ms, actor=boss, version=None)
        steps: tuple[tuple[Step, int], ...] = (
            ("accepted", desk_ms),
            ("travelling", drive_ms),
            ("working", drive_ms),
        )
        for to, at_ms in steps:
            lifecycle.move(
                connection, number, to, now_ms=max(at_ms, opened_ms), actor=boss, version=None
            )
        answers = {
            check["sequence"]: passing_answer(CheckItem.model_validate(check["definition"]))
            for check in whole.checks
        }
        lifecycle.answer_checks(
            connection, number, answers, actor=boss, version=None, now_ms=done_ms
        )
        real = self._real(whole, opened_ms, done_ms)
        code = _code(whole, real, self._sensors(whole, opened_ms, done_ms))
        found = self._found(connection, whole, real)
        lifecycle.answer_parts(connection, number, found, actor=boss, version=None)
        lifecycle.finish(
            connection,
            self._catalogue,
            number,
            code,
            now_ms=done_ms,
            actor=boss,
            version=None,
            codes=_left_in_place(whole, found),
        )

    def _real(self, whole: ticket_store.WholeTicket, opened_ms: int, done_ms: int) -> set[str]:
        """The failure modes that the machine really had."""
        episodes = self._at_the_time(whole, opened_ms, done_ms)
        return {one.failure_mode for one in episodes if one.expected["kind"] != "sensor"}

    def _sensors(self, whole: ticket_store.WholeTicket, opened_ms: int, done_ms: int) -> set[str]:
        """The sensors that really were at fault, as the components of their alarms."""
        episodes = self._at_the_time(whole, opened_ms, done_ms)
        return {one.expected["component"] for one in episodes if one.expected["kind"] == "sensor"}

    def _at_the_time(
        self, whole: ticket_store.WholeTicket, opened_ms: int, done_ms: int
    ) -> list[Episode]:
        return [
            episode for episode in self._episodes.get(whole.ticket["serial"], [])
            if episode.onset_ms <= done_ms
            and (episode.repaired_ms is None or episode.repaired_ms >= opened_ms - MS_PER_DAY)
        ]  # fmt: skip

    def _found(
        self, connection: Connection, whole: ticket_store.WholeTicket, real: set[str]
    ) -> dict[int, lifecycle.Found | None]:
        """What became of each part that was brought; None where the old one stays."""
        ticket = whole.ticket
        plan = self._catalogue.plans[ticket["product"]]
        worn = {item["source"] for item in whole.items if item["kind"] == "wear"}
        standing = {
            row["id"]: row
            for row in wear.live_parts(connection, [self._machines[ticket["serial"]]])
        }
        found: dict[int, lifecycle.Found | None] = {}
        unrepaired = set(real)
        for brought in whole.parts:
            part, place = plan.part[brought["part"]], standing.get(brought["fitted_part_id"])
            if unrepaired & set(part.failure_modes):
                found[brought["id"]] = "failed"  # one of several that were brought for the fault
                unrepaired -= set(part.failure_modes)
            elif part.id in worn and place is not None and place["used"] is not None:
                found[brought["id"]] = _judged(
                    place["used"] / self._life(ticket["serial"], part, place)
                )
            else:
                found[brought["id"]] = None
        return found

    def _life(self, serial: str, part: WearPart, place: ticket_store.Row) -> float:
        """How much use the part in this place really stands, in the unit of its driver."""
        first = self._fitted.get((serial, part.id, place["position"]))
        if first is not None and to_ms(place["fitted_at"]) == first.fitted_ms:
            return first.life
        names = (serial, part.id, place["position"], to_ms(place["fitted_at"]))
        return draw_life(part.life, generator(self._seed, *names, "life"))


def _left_in_place(
    whole: ticket_store.WholeTicket, found: Mapping[int, lifecycle.Found | None]
) -> dict[int, str]:
    """The finding codes of parts that were said to be nearly worn and were not."""
    replaced = {part["part"] for part in whole.parts if found[part["id"]] is not None}
    return {
        item["id"]: "wear_not_reached"
        for item in whole.items
        if item["kind"] == "wear" and item["source"] not in replaced
    }


def _judged(reached: float) -> lifecycle.Found | None:
    """What one sees of a part that has reached this share of its life."""
    if reached >= 1:
        return "failed"
    if reached >= _WORN_FROM:
        return "worn"
    return "early" if reached >= _GOOD_UNTIL else None


def _code(whole: ticket_store.WholeTicket, real: set[str], sensors: set[str]) -> str:
    """What was found: the truth where there is one, of the machine or of its `sensors`."""
    kinds = {item["kind"] for item in whole.items}
    modes = {mode for item in whole.items for mode in item["failure_modes"]}
    if real & modes:
        return "confirmed"
    if sensors & {item["component"] for item in whole.items}:
        return "sensor_fault"
    if real and "alarm" in kinds:
        return "other_fault"
    if sensors and "alarm" in kinds:
        return "sensor_fault"
    if kinds == {"connection"}:
        return "connection_restored"
    if "alarm" in kinds:
        return "no_fault_found"
    return "wear_confirmed" if "wear" in kinds else "service_done"


def passing_answer(item: CheckItem) -> Any:
    """An answer that lets a check pass."""
    if item.result == "ok":
        return True
    if item.result == "choice":
        return item.passes[0]
    if item.result == "text":
        return "ok"
    limits = item.limits
    low = limits.below if limits is not None else None
    high = limits.above if limits is not None else None
    if low is not None and high is not None:
        return (low + high) / 2
    return low if low is not None else high if high is not None else 0.0


def _over(
    connection: Connection, product: str, serials: Collection[str], now_ms: int
) -> Iterator[tuple[ticket_store.WholeTicket, int]]:
    """The open tickets whose visit is over by `now_ms`, and when: within the time promised,
    mostly; what has joined until then is worked off too, some hours after it came."""
    chosen: dict[str, str | int | bool | None] = {"open": True, "product": product}
    for ticket in ticket_store.queue(connection, chosen, None, _MOST):
        alone_ms = _alone_ms(ticket)
        if ticket["serial"] not in serials or alone_ms > now_ms:
            continue
        whole = ticket_store.whole(connection, ticket["number"])
        assert whole is not None, f"ticket {ticket['number']} was just read"
        joined_ms = max(to_ms(item["added_at"]) for item in whole.items)
        yield whole, max(alone_ms, min(joined_ms + 4 * MS_PER_HOUR, now_ms))


def _alone_ms(ticket: ticket_store.Row) -> int:
    """When the visit of a ticket is over that nothing joins."""
    opened_ms, target_ms = to_ms(ticket["opened_at"]), to_ms(ticket["target_at"])
    first, last = _OF_PROMISE
    share = int(hashlib.sha256(ticket["number"].encode()).hexdigest()[:8], 16) / 2**32
    return round(opened_ms + (first + share * (last - first)) * (target_ms - opened_ms))
