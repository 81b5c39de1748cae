"""Tickets: the queue, one ticket as the technician sees it, and answering it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, CleanText, Named, Note, Request, Time

TicketStatus = Literal["new", "assigned", "accepted", "travelling", "working", "done", "cancelled"]


class TicketSummary(Answer):
    """A ticket in the queue."""

    number: str
    serial: str
    product: Named
    customer: Named
    site: Bilingual
    region: str
    station: Named
    status: TicketStatus
    priority: int = Field(ge=1, le=4, description="1 is the most urgent.")
    title: Bilingual
    assignee: str | None
    opened_at: Time
    target_at: Time = Field(description="Promised: the technician on site by then.")
    done_at: Time | None
    overdue: bool
    minutes: int
    skill: str
    finding_code: str | None
    version: int = Field(description="Send it back with a change.")


class LikelyCause(Answer):
    """A failure mode that fits the evidence."""

    id: str
    name: Bilingual
    causes: Bilingual
    remedy: Bilingual


class TicketItem(Answer):
    """One reason for the visit, with its evidence and the likely causes."""

    id: int
    kind: str
    source: str
    component: str
    component_name: Bilingual
    severity: int
    title: Bilingual
    reason: Bilingual
    evidence: dict[str, Any]
    failure_modes: list[LikelyCause]
    added_at: Time
    alarm_id: int | None
    finding_code: str | None
    note: str | None


class CheckAnswer(Answer):
    """One check of the visit and its answer, if it has one."""

    sequence: int
    checklist: str
    item: str
    check: Bilingual
    method: Bilingual
    result: Literal["ok", "number", "choice", "text"]
    unit: str | None
    limits: dict[str, float | None] | None
    choices: list[Bilingual]
    photo: bool
    minutes: float
    answer: Any = Field(description="true/false, a number, the choice's place from 0, or text.")
    passed: bool | None
    answered_at: Time | None
    answered_by: str | None


class TicketPart(Answer):
    """A part to bring."""

    id: int
    part: str
    number: str
    name: Bilingual
    position: Bilingual | None
    quantity: int
    reason: Bilingual
    price_class: str
    lead_class: str
    fitted_part_id: int | None
    replaced: bool | None = Field(description="null until the technician has answered.")


class TicketEvent(Answer):
    """One step in a ticket's history."""

    at: Time
    actor: str
    from_status: TicketStatus | None
    to_status: TicketStatus
    note: Bilingual


class Ticket(TicketSummary):
    """Everything a technician needs: why, what to check, what to bring, what came of it."""

    position: dict[str, float] = Field(description="`lat`, `lon` of the machine's site.")
    finding_note: str | None
    items: list[TicketItem]
    checks: list[CheckAnswer]
    parts: list[TicketPart]
    history: list[TicketEvent]
    next_states: list[TicketStatus] = Field(
        description="States the caller may bring it to from here."
    )


class Transition(Request):
    """A step of the life cycle. `assignee` goes with `assigned`, `finding_code` with `done`."""

    to: TicketStatus
    version: int = Field(ge=1, le=2**31 - 1)
    note: Note | None = None
    assignee: Annotated[CleanText, Field(min_length=1, max_length=100)] | None = None
    finding_code: Annotated[CleanText, Field(max_length=60)] | None = None
    item_codes: dict[int, Annotated[CleanText, Field(max_length=60)]] = Field(
        default_factory=dict, description="Finding code of each single item: id -> code."
    )


class CheckAnswerRequest(Request):
    """An answer of the kind the check asks for."""

    answer: bool | float | Annotated[CleanText, Field(max_length=4000)]


class PartAnswerRequest(Request):
    """Whether the part was replaced, and why."""

    replaced: bool
    reason: Literal["worn", "failed", "early"] | None = Field(
        default=None, description="Needed for a replaced fitted part."
    )


class NoteRequest(Request):
    """A note in the ticket's history."""

    note: Note
