"""A machine leaves the fleet: what was planned for it is called off, its history stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from store import alarms, machines, part_alerts, tickets
from store.connection import Connection
from tickets.lifecycle import cancel
from tickets.states import Actor

_MOST_TICKETS = 1000
_UNDER_WAY = ("travelling", "working")
_NOTE = "The machine was retired. 设备已退役。"


@dataclass(slots=True)
class Retired:
    """Serials that were `retired` now (others were so before), numbers of their tickets that were
    `cancelled`, and of those that somebody is under way with: these are `left` to them."""

    retired: list[str]
    cancelled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def retire(
    connection: Connection, serials: Collection[str], *, actor: Actor, now_ms: int
) -> Retired:
    """Take machines out of the fleet, in one transaction: their open tickets are cancelled, their
    alarms end, alerts about their parts are withdrawn. Safe to repeat."""
    with connection.transaction():
        ids = machines.retire(connection, serials, now_ms)
        done = Retired(sorted(ids))
        for serial in done.retired:
            for ticket in tickets.queue(
                connection, {"serial": serial, "open": True}, None, _MOST_TICKETS
            ):
                if ticket["status"] in _UNDER_WAY:
                    done.left.append(ticket["number"])
                    continue
                number = ticket["number"]
                cancel(connection, number, _NOTE, actor=actor, version=None, now_ms=now_ms)
                done.cancelled.append(number)
        alarms.close_retired(connection, now_ms)
        part_alerts.withdraw_of_machines(connection, ids.values(), now_ms)
    return done
