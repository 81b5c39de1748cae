"""Steps of a ticket's life, each in the caller's transaction with its line in the history.

Every step takes the ticket's number, the `version` the caller last read (None: whatever it is)
and who takes it, and returns the new version. All raise TicketError where the step is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fleet.clock import to_datetime
from fleet.service import CheckItem
from fleet.text import Text
from store import ticket_steps
from store.connection import Connection
from tickets.answers import Answer, judge
from tickets.content import SAFETY_SEVERITY
from tickets.desk import answerable, event, locked
from tickets.finishing import finish as finish
from tickets.states import Actor, require_assignee, require_step
from tickets.words import error

Found = Literal["worn", "failed", "early"]


def assign(
    connection: Connection,
    number: str,
    assignee: str,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
    note: str | None = None,
) -> int:
    """Give a ticket that nobody has set out for to a technician, or to another one."""
    ticket = locked(connection, number, version)
    require_step(number, ticket["status"], "assigned", ticket["assignee"], actor)
    require_assignee(actor, assignee)
    done = Text(en=f"Assigned to {assignee}.", zh=f"派给{assignee}。")
    event(connection, ticket, "assigned", actor, now_ms, done, note)
    return ticket_steps.set_status(connection, ticket["id"], "assigned", now_ms, assignee=assignee)


def move(
    connection: Connection,
    number: str,
    to: Literal["new", "accepted", "travelling", "working"],
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
    note: str | None = None,
) -> int:
    """Accept it, set out, begin to work, or (`new`) give it back."""
    ticket = locked(connection, number, version)
    require_step(number, ticket["status"], to, ticket["assignee"], actor)
    event(connection, ticket, to, actor, now_ms, None, note)
    return ticket_steps.set_status(connection, ticket["id"], to, now_ms)


def cancel(
    connection: Connection,
    number: str,
    note: str,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
) -> int:
    """Cancel an open ticket; the note says why. Alarms that were attached to it are told anew."""
    ticket_steps.take_alarms(connection, number, actor.name)
    ticket = locked(connection, number, version)
    require_step(number, ticket["status"], "cancelled", ticket["assignee"], actor)
    if not note.strip():
        raise error("note_missing", "Say why the ticket is cancelled.", "请注明取消原因。")
    ticket_steps.let_go_alarms(connection, ticket["id"], now_ms)
    event(connection, ticket, "cancelled", actor, now_ms, None, note)
    return ticket_steps.set_status(connection, ticket["id"], "cancelled", now_ms, note=note)


def plan_visit(
    connection: Connection,
    number: str,
    planned_ms: int,
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
) -> int:
    """Set when the visit is meant to begin, ms."""
    ticket = answerable(connection, number, version, actor)
    when = f"{to_datetime(planned_ms):%Y-%m-%d %H:%M} UTC"
    done = Text(en=f"Visit planned for {when}.", zh=f"计划上门时间：{when}。")
    event(connection, ticket, ticket["status"], actor, now_ms, done, None)
    return ticket_steps.set_planned(connection, ticket["id"], planned_ms)


def add_note(connection: Connection, number: str, note: str, *, actor: Actor, now_ms: int) -> int:
    """A note in the ticket's history, by anybody, at any time."""
    ticket = locked(connection, number, None)
    event(connection, ticket, ticket["status"], actor, now_ms, None, note)
    return ticket_steps.touch(connection, ticket["id"])


def answer_checks(
    connection: Connection,
    number: str,
    answers: Mapping[int, Answer],
    *,
    actor: Actor,
    version: int | None,
    now_ms: int,
) -> int:
    """Answer checks by their sequence; a safety check that fails stands in the history."""
    ticket = answerable(connection, number, version, actor)
    known = {row["sequence"]: row for row in ticket_steps.checks(connection, ticket["id"])}
    judged: dict[int, tuple[Answer, bool]] = {}
    for sequence, answer in answers.items():
        if sequence not in known:
            raise error(
                "check_unknown",
                f"Ticket {number} has no check {sequence}.",
                f"工单 {number} 没有第 {sequence} 项检查。",
            )
        item = CheckItem.model_validate(known[sequence]["definition"])
        judged[sequence] = judge(item, answer)
        if item.fail_severity == SAFETY_SEVERITY and not judged[sequence][1]:
            done = Text(
                en=f"Safety check failed: {item.check.en}.", zh=f"安全检查不合格：{item.check.zh}。"
            )
            event(connection, ticket, ticket["status"], actor, now_ms, done, None)
    ticket_steps.answer_checks(connection, ticket["id"], judged, actor=actor.name, now_ms=now_ms)
    return ticket_steps.touch(connection, ticket["id"])


def answer_parts(
    connection: Connection,
    number: str,
    found: Mapping[int, Found | None],
    *,
    actor: Actor,
    version: int | None,
) -> int:
    """Say of parts, by their id, that they were replaced and why, or (None) that the old ones
    stay."""
    ticket = answerable(connection, number, version, actor)
    strange = sorted(set(found) - ticket_steps.answer_parts(connection, ticket["id"], found))
    if strange:
        raise error(
            "part_unknown",
            f"Ticket {number} has no part {strange[0]}.",
            f"工单 {number} 没有编号为 {strange[0]} 的配件。",
        )
    return ticket_steps.touch(connection, ticket["id"])
