"""What every step of a ticket begins and ends with: the ticket locked and unchanged since it was
read, and a line in its history."""

from __future__ import annotations

from fleet.text import Text
from store import ticket_steps, visits
from store.connection import Connection
from store.ticket_steps import Row
from tickets.states import Actor, Status, require_hand, require_open
from tickets.words import STATUSES, error


def locked(connection: Connection, number: str, version: int | None) -> Row:
    """The ticket of that number, locked; `version` None: whatever it is. Raises TicketError."""
    ticket = ticket_steps.ticket_for_step(connection, number)
    if ticket is None:
        raise error("ticket_unknown", f"There is no ticket {number}.", f"没有工单 {number}。")
    if version is not None and version != ticket["version"]:
        raise error(
            "version_conflict",
            f"Ticket {number} has changed since you read it (version {version}, now "
            f"{ticket['version']}); read it again.",
            f"工单 {number} 已被修改（您读取的是第 {version} 版，现为第 {ticket['version']} 版），"
            "请重新读取。",
        )
    return ticket


def answerable(connection: Connection, number: str, version: int | None, actor: Actor) -> Row:
    """The ticket, if it is open and the actor's to answer. Raises TicketError."""
    ticket = locked(connection, number, version)
    require_open(number, ticket["status"])
    require_hand(number, ticket["assignee"], actor)
    return ticket


def event(
    connection: Connection,
    ticket: Row,
    to: Status,
    actor: Actor,
    now_ms: int,
    done: Text | None,
    note: str | None,
) -> None:
    """A line of history: what was done, and the note as its writer wrote it."""
    what = done or STATUSES[to]
    if note:
        # A note is in one language only; whoever reads the other one sees it as it is.
        what = Text.model_construct(
            en=f"{done.en} {note}" if done else note, zh=f"{done.zh} {note}" if done else note
        )
    visits.add_event(
        connection,
        ticket["id"],
        actor=actor.name,
        note=what,
        now_ms=now_ms,
        from_status=ticket["status"],
        to_status=to,
    )
