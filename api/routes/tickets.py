"""Tickets: the queue, one ticket as the technician sees it, and answering it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.auth import Identity, ManagerOrTechnician
from api.context import Shared
from api.paging import Cursor, Limit, decode, from_micros, micros, page
from api.parameters import MachineSerial, RowId, Word
from api.present import ticket as present
from api.problems import ProblemException, not_found, responses
from api.schemas.base import Page
from api.schemas.session import Technician
from api.schemas.ticket import (
    Assign,
    Cancel,
    CheckAnswerRequest,
    Finish,
    NoteRequest,
    PartAnswer,
    PlanVisit,
    Replaced,
    Step,
    Ticket,
    TicketStatus,
    TicketSummary,
    Transition,
)
from fleet.clock import now_ms, to_datetime, to_ms
from store import accounts, tickets
from store.connection import Connection
from tickets import lifecycle
from tickets.states import Actor, next_states
from tickets.words import TicketError

router = APIRouter(tags=["tickets"], responses=responses("not-signed-in", "not-allowed"))

Number = Annotated[str, Path(pattern=r"^[A-Z0-9][A-Z0-9-]{0,39}$", description="Ticket number.")]
Sequence = Annotated[int, Path(ge=0, lt=2**15)]
Person = Annotated[str | None, Query(pattern=r"^[^\x00]*$", min_length=1, max_length=100)]

#: Kind of a TicketError -> kind of problem; all others do not fit the state of the ticket.
_PROBLEMS = {
    "ticket_unknown": "not-found",
    "check_unknown": "not-found",
    "part_unknown": "not-found",
    "item_unknown": "not-found",
    "step_forbidden": "not-allowed",
}
_CHANGE = responses("not-found", "conflict")


def _actor(caller: Identity) -> Actor:
    return Actor(caller.actor, caller.role)


def _view(caller: Identity) -> dict[str, str | None]:
    """What of the queue is for the caller: a technician sees tickets of the own station, those
    given to him or her, and those nobody has."""
    if caller.role != "technician" or caller.station is None:
        return {}
    return {"sees_name": caller.actor, "sees_station": caller.station}


@router.get("/tickets", operation_id="list_tickets", responses=responses("not-found"))
def list_tickets(
    caller: ManagerOrTechnician,
    shared: Shared,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    status: Annotated[TicketStatus | None, Query()] = None,
    station: Word = None,
    region: Word = None,
    product: Word = None,
    priority: Annotated[int | None, Query(ge=1, le=4)] = None,
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
        **_view(caller),
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
    station: Word = None,
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
        return _ticket(connection, shared, number, caller)


@router.post("/tickets/{number}/transitions", operation_id="advance_ticket", responses=_CHANGE)
def advance_ticket(
    number: Number, body: Transition, caller: ManagerOrTechnician, shared: Shared
) -> Ticket:
    """Assign it, accept it, travel, work, finish it with a finding code, give it back, cancel it.

    409 when the ticket has changed since `version` or the step does not follow from its state.
    """
    return _changed(
        number,
        caller,
        shared,
        lambda connection: _advance(connection, shared, number, body, caller),
    )


@router.put("/tickets/{number}/plan", operation_id="plan_visit", responses=_CHANGE)
def plan_visit(
    number: Number, body: PlanVisit, caller: ManagerOrTechnician, shared: Shared
) -> Ticket:
    """Say when the visit is meant to begin."""
    return _changed(
        number,
        caller,
        shared,
        lambda connection: lifecycle.plan_visit(
            connection,
            number,
            to_ms(body.planned_at),
            actor=_actor(caller),
            version=body.version,
            now_ms=now_ms(),
        ),
    )


@router.put("/tickets/{number}/checks/{sequence}", operation_id="answer_check", responses=_CHANGE)
def answer_check(
    number: Number,
    sequence: Sequence,
    body: CheckAnswerRequest,
    caller: ManagerOrTechnician,
    shared: Shared,
) -> Ticket:
    """Answer one check, or answer it anew."""
    return _changed(
        number,
        caller,
        shared,
        lambda connection: lifecycle.answer_checks(
            connection,
            number,
            {sequence: body.answer},
            actor=_actor(caller),
            version=body.version,
            now_ms=now_ms(),
        ),
    )


@router.put("/tickets/{number}/parts/{part_id}", operation_id="answer_part", responses=_CHANGE)
def answer_part(
    number: Number,
    part_id: RowId,
    body: PartAnswer,
    caller: ManagerOrTechnician,
    shared: Shared,
) -> Ticket:
    """Say whether a part was replaced, and why."""
    return _changed(
        number,
        caller,
        shared,
        lambda connection: lifecycle.answer_parts(
            connection,
            number,
            {part_id: body.reason if isinstance(body, Replaced) else None},
            actor=_actor(caller),
            version=body.version,
        ),
    )


@router.post(
    "/tickets/{number}/notes", operation_id="add_ticket_note", status_code=201, responses=_CHANGE
)
def add_ticket_note(
    number: Number, body: NoteRequest, caller: ManagerOrTechnician, shared: Shared
) -> Ticket:
    """Add a note to the ticket's history."""
    return _changed(
        number,
        caller,
        shared,
        lambda connection: lifecycle.add_note(
            connection, number, body.note, actor=_actor(caller), now_ms=now_ms()
        ),
    )


def _advance(
    connection: Connection,
    shared: Shared,
    number: str,
    body: Assign | Step | Finish | Cancel,
    caller: Identity,
) -> int:
    actor, version, now = _actor(caller), body.version, now_ms()
    match body:
        case Assign():
            _require_technician(connection, body.assignee)
            return lifecycle.assign(
                connection,
                number,
                body.assignee,
                actor=actor,
                version=version,
                now_ms=now,
                note=body.note,
            )
        case Step():
            return lifecycle.move(
                connection,
                number,
                body.to,
                actor=actor,
                version=version,
                now_ms=now,
                note=body.note,
            )
        case Cancel():
            return lifecycle.cancel(
                connection, number, body.note, actor=actor, version=version, now_ms=now
            )
        case Finish():
            return lifecycle.finish(
                connection,
                shared.catalogue(connection),
                number,
                body.finding_code,
                actor=actor,
                version=version,
                now_ms=now,
                codes={int(item): code for item, code in body.item_codes.items()},
                note=body.note,
            )


def _changed(
    number: str,
    caller: Identity,
    shared: Shared,
    change: Callable[[Connection], int],
) -> Ticket:
    """The ticket after `change`, which is undone where the ticket's life does not allow it."""
    try:
        with shared.database.transaction() as connection:
            _ticket(connection, shared, number, caller)
            change(connection)
            return _ticket(connection, shared, number, caller)
    except TicketError as error:
        raise ProblemException(_PROBLEMS.get(error.code, "conflict"), error.text) from error


def _ticket(connection: Connection, shared: Shared, number: str, caller: Identity) -> Ticket:
    """The whole ticket; 404 where there is none or it is not for the caller."""
    found = tickets.whole(connection, number)
    if found is None or not _may_see(found.ticket, caller):
        raise not_found(f"There is no ticket {number} for you.", f"没有您可查看的工单 {number}。")
    catalogue = shared.catalogue(connection)
    row = found.ticket
    plan = catalogue.plans.get(row["product"])
    return Ticket(
        **present.summary_fields(row, catalogue, to_datetime(now_ms())),
        position={"lat": row["lat"], "lon": row["lon"]},
        finding_note=row["finding_note"],
        items=present.items(found.items, plan),
        checks=present.checks(found.checks),
        parts=present.parts(found.parts, plan),
        history=present.history(found.events),
        next_states=list(next_states(row["status"], row["assignee"], _actor(caller))),
    )


def _may_see(row: tickets.Row, caller: Identity) -> bool:
    view = _view(caller)
    return (
        not view
        or row["station"] == view["sees_station"]
        or row["assignee"] in (None, view["sees_name"])
    )


def _require_technician(connection: Connection, name: str) -> None:
    account = accounts.find_account(connection, name)
    if account is None or account["role"] != "technician":
        raise not_found(f"There is no technician {name}.", f"没有服务工程师 {name}。")
