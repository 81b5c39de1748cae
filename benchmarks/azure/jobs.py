"""The service team of the replay: replacements as the data has them, and visits that found nothing.

History cannot be changed by a visit, so a visit to a machine that is about to fail stays open until
the failure, and one that finds nothing ends on the day that was promised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from fleet.clock import MS_PER_DAY, to_ms
from fleet.finding import Finding
from fleet.plan import Catalogue
from fleet.service import CheckItem
from fleet.text import Text
from ironpulse.demo.team import passing_answer
from store import tickets as ticket_store
from store.connection import Connection
from tickets import lifecycle
from tickets.dispatch import dispatch
from tickets.states import Actor

TECHNICIAN = "technician"
#: A visit finds something where the machine fails within so long.
HORIZON_MS = 7 * MS_PER_DAY
_BOSS = Actor("manager", "manager")
_STEPS: tuple[Literal["accepted", "travelling", "working"], ...] = (
    "accepted", "travelling", "working",
)  # fmt: skip
_REPLACED = Text(en="Replaced on its day.", zh="按计划更换。")


def replaced(
    connection: Connection,
    catalogue: Catalogue,
    machine_id: int,
    serial: str,
    components: Collection[str],
    failed: bool,
    now_ms: int,
) -> None:
    """Components were replaced: a completed job, on the visit that is open or on one of its own."""
    open_ = _open(connection, serial)
    known = {part["part"] for ticket in open_ for part in ticket.parts}
    missing = sorted(set(components) - known)
    findings = [
        Finding(machine_id, "wear", part, part, 2, now_ms, _REPLACED, _REPLACED, {})
        for part in missing
    ]
    dispatch(connection, catalogue, findings, now_ms)
    for ticket in _open(connection, serial):
        _finish(connection, catalogue, ticket, "confirmed" if failed else "wear_confirmed",
                components, now_ms)  # fmt: skip


def looked_at(
    connection: Connection,
    catalogue: Catalogue,
    serials: Iterable[str],
    failing: Collection[str],
    now_ms: int,
) -> None:
    """End the visits whose day has come and whose machine is not about to fail."""
    for serial in serials:
        for ticket in _open(connection, serial):
            if to_ms(ticket.ticket["target_at"]) <= now_ms and serial not in failing:
                _finish(connection, catalogue, ticket, "no_fault_found", (), now_ms)


def _open(connection: Connection, serial: str) -> list[ticket_store.WholeTicket]:
    rows = ticket_store.queue(connection, {"open": True, "serial": serial}, None, 10)
    found = [ticket_store.whole(connection, row["number"]) for row in rows]
    return [ticket for ticket in found if ticket is not None]


def _finish(
    connection: Connection,
    catalogue: Catalogue,
    whole: ticket_store.WholeTicket,
    code: str,
    components: Collection[str],
    now_ms: int,
) -> None:
    number = whole.ticket["number"]
    lifecycle.assign(connection, number, TECHNICIAN, now_ms=now_ms, actor=_BOSS, version=None)
    for step in _STEPS:
        lifecycle.move(connection, number, step, now_ms=now_ms, actor=_BOSS, version=None)
    answers = {
        check["sequence"]: passing_answer(CheckItem.model_validate(check["definition"]))
        for check in whole.checks
    }
    lifecycle.answer_checks(connection, number, answers, actor=_BOSS, version=None, now_ms=now_ms)
    found: dict[int, lifecycle.Found | None] = {
        part["id"]: ("failed" if code == "confirmed" else "worn")
        if part["part"] in components else None
        for part in whole.parts
    }  # fmt: skip
    lifecycle.answer_parts(connection, number, found, actor=_BOSS, version=None)
    lifecycle.finish(connection, catalogue, number, code, now_ms=now_ms, actor=_BOSS, version=None)
