"""Advancing and answering tickets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path

from api.auth import ManagerOrTechnician
from api.context import Shared
from api.identity import Identity
from api.parameters import RowId
from api.problems import ProblemException, not_found, responses
from api.routes.tickets import Number, actor_of, whole_ticket
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
    Transition,
)
from fleet.clock import now_ms, to_ms
from store import accounts
from store.connection import Connection
from tickets import lifecycle
from tickets.words import TicketError

router = APIRouter(
    prefix="/tickets/{number}",
    tags=["tickets"],
    responses=responses("not-signed-in", "not-allowed", "not-found", "conflict"),
)

Sequence = Annotated[int, Path(ge=0, lt=2**15, description="The check, by its `sequence`.")]

#: Kind of a TicketError -> kind of problem; all others do not fit the state of the ticket.
_PROBLEMS = {
    "ticket_unknown": "not-found",
    "check_unknown": "not-found",
    "part_unknown": "not-found",
    "item_unknown": "not-found",
    "step_forbidden": "not-allowed",
}


@router.post("/transitions", operation_id="advance_ticket")
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


@router.put("/plan", operation_id="plan_visit")
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
            actor=actor_of(caller),
            version=body.version,
            now_ms=now_ms(),
        ),
    )


@router.put("/checks/{sequence}", operation_id="answer_check")
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
            actor=actor_of(caller),
            version=body.version,
            now_ms=now_ms(),
        ),
    )


@router.put("/parts/{part_id}", operation_id="answer_part")
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
            actor=actor_of(caller),
            version=body.version,
        ),
    )


@router.post("/notes", operation_id="add_ticket_note", status_code=201)
def add_ticket_note(
    number: Number, body: NoteRequest, caller: ManagerOrTechnician, shared: Shared
) -> Ticket:
    """Add a note to the ticket's history."""
    return _changed(
        number,
        caller,
        shared,
        lambda connection: lifecycle.add_note(
            connection, number, body.note, actor=actor_of(caller), now_ms=now_ms()
        ),
    )


def _advance(
    connection: Connection,
    shared: Shared,
    number: str,
    body: Assign | Step | Finish | Cancel,
    caller: Identity,
) -> int:
    actor, version, now = actor_of(caller), body.version, now_ms()
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
            whole_ticket(connection, shared, number, caller)
            change(connection)
            return whole_ticket(connection, shared, number, caller)
    except TicketError as error:
        raise ProblemException(_PROBLEMS.get(error.code, "conflict"), error.text) from error


def _require_technician(connection: Connection, name: str) -> None:
    account = accounts.find_account(connection, name)
    if account is None or account["role"] != "technician":
        raise not_found(f"There is no technician {name}.", f"没有服务工程师 {name}。")
