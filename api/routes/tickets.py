"""Tickets: the queue, one ticket as the technician sees it, and answering it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.auth import ManagerOrTechnician
from api.context import Shared
from api.identity import Identity
from api.paging import Cursor, Limit, decode, from_micros, micros, page
from api.parameters import MachineSerial, Product, Region, Station
from api.present import ticket as present
from api.present.product import model_of
from api.problems import not_found, responses
from api.schemas.base import Page
from api.schemas.session import Technician
from api.schemas.ticket import (
    Ticket,
    TicketStatus,
    TicketSummary,
)
from fleet.clock import now_ms, to_datetime
from store import accounts, tickets
from store.connection import Connection
from tickets.states import Actor, next_states

router = APIRouter(tags=["tickets"], responses=responses("not-signed-in", "not-allowed"))

Number = Annotated[str, Path(pattern=r"^[A-Z0-9][A-Z0-9-]{0,39}$", description="Ticket number.")]
Person = Annotated[
    str | None,
    Query(
        pattern=r"^[^\x00]*$",
        min_length=1,
        max_length=100,
        description="Only those given to this account.",
    ),
]


def actor_of(caller: Identity) -> Actor:
    """The caller as the life cycle of tickets knows who takes a step."""
    return Actor(caller.actor, caller.role)


def view_of(caller: Identity) -> dict[str, str | None]:
    """What of the queue is for the caller: a technician sees tickets of the own station, those
    given to him or her, and those nobody has. A program with the rights of one has no station: it
    serves them all."""
    if caller.role != "technician" or caller.kind == "api_key":
        return {}
    return {"sees_name": caller.actor, "sees_station": caller.station}


@router.get("/tickets", operation_id="list_tickets", responses=responses("not-found"))
def list_tickets(
    caller: ManagerOrTechnician,
    shared: Shared,
    is_open: Annotated[
        bool | None, Query(alias="open", description="true: not done or cancelled; false: over.")
    ] = None,
    status: Annotated[TicketStatus | None, Query(description="Only in this state.")] = None,
    station: Station = None,
    region: Region = None,
    product: Product = None,
    priority: Annotated[
        int | None, Query(ge=1, le=4, description="Only of this priority; 1 is the most urgent.")
    ] = None,
    machine: MachineSerial = None,
    assignee: Person = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[TicketSummary]:
    """The queue, the most urgent first."""
    after = decode(cursor, (int, int, int))
    filters: dict[str, str | int | bool | None] = {
        "open": is_open,
        "status": status,
        "station": station,
        "region": region,
        "product": product,
        "priority": priority,
        "serial": machine,
        "assignee": assignee,
        **view_of(caller),
    }
    place = (after[0] % 5, from_micros(after[1]), after[2]) if after else None
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = tickets.queue(connection, filters, place, limit + 1)
    return page(
        rows,
        limit,
        lambda row: present.summary(row, catalogue, now),
        lambda row: [row["priority"], micros(row["target_at"]), row["id"]],
    )


@router.get("/technicians", operation_id="list_technicians", responses=responses("not-found"))
def list_technicians(
    _caller: ManagerOrTechnician,
    shared: Shared,
    station: Station = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Technician]:
    """Whom a ticket can be given to, and how many open tickets each has."""
    after = decode(cursor, (str,))
    with shared.database.connection() as connection:
        rows = accounts.technicians(connection, station, after[0] if after else None, limit + 1)
    return page(rows, limit, lambda row: Technician(**row), lambda row: [row["name"]])


@router.get("/tickets/{number}", operation_id="get_ticket", responses=responses("not-found"))
def get_ticket(number: Number, caller: ManagerOrTechnician, shared: Shared) -> Ticket:
    """Why somebody drives out, what to check, what to bring, and what came of it."""
    with shared.database.transaction() as connection:
        return whole_ticket(connection, shared, number, caller)


def whole_ticket(connection: Connection, shared: Shared, number: str, caller: Identity) -> Ticket:
    """The whole ticket; 404 where there is none or it is not for the caller."""
    found = tickets.whole(connection, number)
    if found is None or not _may_see(found.ticket, caller):
        raise not_found(f"There is no ticket {number} for you.", f"没有您可查看的工单 {number}。")
    catalogue = shared.catalogue(connection)
    row = found.ticket
    plan = catalogue.plans.get(row["product"])
    return Ticket(
        **present.summary_fields(row, catalogue, to_datetime(now_ms())),
        model=model_of(row["model"], plan),
        position={"lat": row["lat"], "lon": row["lon"]},
        finding_note=row["finding_note"],
        items=present.items(found.items, plan),
        likely_causes=present.causes(found.items, plan),
        checks=present.checks(found.checks),
        parts=present.parts(found.parts, plan),
        history=present.history(found.events),
        attached_alarms=present.attached(found.attached, plan),
        next_states=list(next_states(row["status"], row["assignee"], actor_of(caller))),
    )


def _may_see(row: tickets.Row, caller: Identity) -> bool:
    view = view_of(caller)
    return (
        not view
        or row["station"] == view["sees_station"]
        or row["assignee"] in (None, view["sees_name"])
    )
