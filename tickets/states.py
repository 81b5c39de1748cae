"""The life of a ticket: which step follows which, and who may take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tickets.words import STATUSES, TicketError, error

Role = Literal["manager", "technician", "parts", "system"]
Status = Literal["new", "assigned", "accepted", "travelling", "working", "done", "cancelled"]

#: Steps of the technician it is assigned to; a manager may take them for him.
FORWARD: dict[Status, tuple[Status, ...]] = {
    "assigned": ("accepted", "new"),
    "accepted": ("travelling", "new"),
    "travelling": ("working",),
    "working": ("done",),
}
ASSIGNABLE: tuple[Status, ...] = ("new", "assigned", "accepted")
OPEN: tuple[Status, ...] = ("new", "assigned", "accepted", "travelling", "working")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step: account name and role."""

    name: str
    role: Role


def next_states(status: Status, assignee: str | None, actor: Actor) -> tuple[Status, ...]:
    """The states that `actor` may bring a ticket to from here."""
    if status not in OPEN or actor.role == "parts":
        return ()
    manages = actor.role in ("manager", "system")
    steps: list[Status] = []
    if (status in ASSIGNABLE and manages) or status == "new":
        steps.append("assigned")
    if manages or assignee == actor.name:
        steps += FORWARD.get(status, ())
    if manages:
        steps.append("cancelled")
    return tuple(steps)


def require_step(
    number: str, status: Status, to: Status, assignee: str | None, actor: Actor
) -> None:
    """Raises TicketError when `actor` may not bring the ticket from `status` to `to`."""
    if to in next_states(status, assignee, actor):
        return
    boss = Actor(actor.name, "manager")
    if to in next_states(status, assignee, boss):
        raise _not_allowed(number, to, assignee, actor)
    raise error(
        "step_impossible",
        f"Ticket {number} is {STATUSES[status].en}; it cannot become {STATUSES[to].en} from there.",
        f"工单 {number} 当前为“{STATUSES[status].zh}”，不能直接变为“{STATUSES[to].zh}”。",
    )


def require_assignee(actor: Actor, assignee: str) -> None:
    """Raises TicketError when `actor` may not give the ticket to `assignee`."""
    if actor.role == "technician" and assignee != actor.name:
        raise error(
            "step_forbidden",
            "A technician can take a ticket, and only a manager can give it to somebody else.",
            "技术员只能自己接单，派给他人需由经理操作。",
        )


def require_open(number: str, status: Status) -> None:
    """Raises TicketError when nothing can be changed any more."""
    if status not in OPEN:
        raise error(
            "ticket_closed",
            f"Ticket {number} is {STATUSES[status].en}; nothing can be changed any more.",
            f"工单 {number} 已处于“{STATUSES[status].zh}”状态，不能再修改。",
        )


def require_hand(number: str, assignee: str | None, actor: Actor) -> None:
    """Raises TicketError unless `actor` is the ticket's technician or a manager."""
    if actor.role in ("manager", "system") or (
        actor.role == "technician" and actor.name == assignee
    ):
        return
    raise _not_allowed(number, None, assignee, actor)


def _not_allowed(number: str, to: Status | None, assignee: str | None, actor: Actor) -> TicketError:
    whose = assignee or "nobody"
    step = f"bring it to {STATUSES[to].en}" if to else "answer it"
    return error(
        "step_forbidden",
        f"Ticket {number} is assigned to {whose}; {actor.name} ({actor.role}) may not {step}.",
        f"工单 {number} 的负责人为 {assignee or '无'}；{actor.name} 无权执行该操作。",
    )
