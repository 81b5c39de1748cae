"""The service team of the demo's past: takes tickets on, drives out, answers, finishes.

It goes through the same steps as people do (`tickets.lifecycle`), and knows from the simulators
what really was wrong. The newest tickets stay open for whoever watches the demo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from fleet.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from fleet.plan import Catalogue
from fleet.service import CheckItem
from simulators.truth import Episode
from store import tickets as ticket_store
from store.connection import Connection
from tickets import lifecycle
from tickets.states import Actor

TECHNICIAN = "technician"
#: Tickets looked at in one round.
_MOST = 5000
#: When a visit is over, as a share of the time promised: from the first to the last of these. A
#: few promises are broken, as in life.
_OF_PROMISE = (0.15, 1.03)


Step = Literal["accepted", "travelling", "working"]


class Team:
    """Works off tickets, dated in their own time."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._episodes: dict[str, list[Episode]] = {}
        self._boss = Actor("manager", "manager")

    def knows(self, episodes: Sequence[Episode]) -> None:
        """Learn what really happened to machines."""
        for episode in episodes:
            self._episodes.setdefault(episode.machine, []).append(episode)

    def work(self, connection: Connection, product: str, now_ms: int) -> None:
        """Finish the open tickets of a product whose visit would be over by `now_ms`."""
        chosen: dict[str, str | int | bool | None] = {"open": True, "product": product}
        for ticket in ticket_store.queue(connection, chosen, None, _MOST):
            whole = ticket_store.whole(connection, ticket["number"])
            assert whole is not None, f"ticket {ticket['number']} was just read"
            done_ms = _done_ms(whole, now_ms)
            if done_ms is not None:
                self._visit(connection, whole, done_ms)

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
        worn = {item["source"] for item in whole.items if item["kind"] == "wear"}
        code = self._code(whole, opened_ms, done_ms)
        found: dict[int, lifecycle.Found | None] = {
            part["id"]: "worn" if part["part"] in worn or code == "confirmed" else None
            for part in whole.parts
        }
        lifecycle.answer_parts(connection, number, found, actor=boss, version=None)
        lifecycle.finish(
            connection, self._catalogue, number, code, now_ms=done_ms, actor=boss, version=None
        )

    def _code(self, whole: ticket_store.WholeTicket, opened_ms: int, done_ms: int) -> str:
        """What was found: the truth where there is one."""
        kinds = {item["kind"] for item in whole.items}
        modes = {mode for item in whole.items for mode in item["failure_modes"]}
        real = {
            episode.failure_mode
            for episode in self._episodes.get(whole.ticket["serial"], [])
            if episode.onset_ms <= done_ms
            and (episode.repaired_ms is None or episode.repaired_ms >= opened_ms - MS_PER_DAY)
        }
        if real & modes:
            return "confirmed"
        if real and "alarm" in kinds:
            return "other_fault"
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


def _done_ms(whole: ticket_store.WholeTicket, now_ms: int) -> int | None:
    """When its visit is over: within the time promised, mostly; what has joined until then is
    worked off too, some hours after it came. None where that time is yet to come."""
    opened_ms, target_ms = to_ms(whole.ticket["opened_at"]), to_ms(whole.ticket["target_at"])
    first, last = _OF_PROMISE
    share = int(hashlib.sha256(whole.ticket["number"].encode()).hexdigest()[:8], 16) / 2**32
    alone_ms = round(opened_ms + (first + share * (last - first)) * (target_ms - opened_ms))
    if alone_ms > now_ms:
        return None
    joined_ms = max(to_ms(item["added_at"]) for item in whole.items)
    return max(alone_ms, min(joined_ms + 4 * MS_PER_HOUR, now_ms))
