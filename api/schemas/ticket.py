"""Tickets: the queue, one ticket as the technician sees it, and answering it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.alarm import RaisedBy
from api.schemas.base import (
    IN_DIGITS,
    Answer,
    Bilingual,
    CleanText,
    Moment,
    Named,
    Note,
    Request,
    Time,
)
from tickets.words import FINDING_CODES

TicketStatus = Literal["new", "assigned", "accepted", "travelling", "working", "done", "cancelled"]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="The version last read."), IN_DIGITS]
FindingCode = Annotated[
    Literal[*FINDING_CODES],  # type: ignore[valid-type]  # the words are data of tickets
    Field(description="What was found; /words has the texts."),
]
ItemId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


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
    planned_at: Time | None = Field(description="When the visit is meant to begin.")
    arrived_at: Time | None = Field(description="Work began: the promise is kept or broken.")
    done_at: Time | None
    overdue: bool = Field(description="Nobody was on site by `target_at`.")
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


class TicketItem(RaisedBy):
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
    likely_causes: list[LikelyCause]
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
    number: str | None
    name: Bilingual
    position: Bilingual | None
    quantity: int
    reason: Bilingual
    price_class: str | None
    lead_class: str | None
    fitted_part_id: int | None
    replaced: bool | None = Field(description="null until the technician has answered.")
    found: Literal["worn", "failed", "early"] | None = Field(
        description="What the replaced part was."
    )


class AttachedAlarm(Answer):
    """An alarm that came while the ticket was open: attached, and not raised anew."""

    rule: str
    name: Bilingual
    component: str
    component_name: Bilingual
    severity: int
    happened_at: Time
    alarm_id: int | None
    reason: Bilingual


class TicketEvent(Answer):
    """One step in a ticket's history."""

    at: Time
    actor: str
    from_status: TicketStatus | None
    to_status: TicketStatus
    note: Bilingual


class Ticket(TicketSummary):
    """Everything a technician needs: why, what to check, what to bring, what came of it."""

    model: Named
    position: dict[str, float] = Field(description="`lat`, `lon` of the machine's site.")
    finding_note: str | None
    items: list[TicketItem]
    likely_causes: list[LikelyCause] = Field(
        description="Of all that is wrong together, the likeliest first."
    )
    checks: list[CheckAnswer]
    parts: list[TicketPart]
    history: list[TicketEvent]
    attached_alarms: list[AttachedAlarm] = Field(
        description="Alarms that came while it was open and were not raised anew."
    )
    next_states: list[TicketStatus] = Field(
        description="States the caller may bring it to from here."
    )


class Assign(Request):
    """Give the ticket to somebody."""

    to: Literal["assigned"]
    version: Version
    assignee: Annotated[CleanText, Field(min_length=1, max_length=100)]
    note: Note | None = None


class Step(Request):
    """Accept it, travel to it, start working, or (to `new`) give it back."""

    to: Literal["new", "accepted", "travelling", "working"]
    version: Version
    note: Note | None = None


class Finish(Request):
    """Finish it with what was found, for the whole visit and for each of its items."""

    to: Literal["done"]
    version: Version
    finding_code: FindingCode
    item_codes: dict[ItemId, FindingCode] = Field(
        default_factory=dict,
        max_length=100,
        json_schema_extra={"additionalProperties": False},
        description="Finding code of single items: id -> code; the others take the visit's.",
    )
    note: Note | None = None


class Cancel(Request):
    """Cancel it; the note says why."""

    to: Literal["cancelled"]
    version: Version
    note: Note


Transition = Annotated[Assign | Step | Finish | Cancel, Field(discriminator="to")]
"""A step of the life cycle."""


class PlanVisit(Request):
    """When the visit is meant to begin."""

    planned_at: Moment
    version: Version


class CheckAnswerRequest(Request):
    """An answer of the kind the check asks for."""

    answer: bool | float | Annotated[CleanText, Field(max_length=4000)]
    version: Version | None = Field(default=None, description="Left out: whatever it is.")


class Replaced(Request):
    """The part was replaced, and why."""

    replaced: Literal[True]
    reason: Literal["worn", "failed", "early"]
    version: Version | None = None


class Kept(Request):
    """The part was not replaced."""

    replaced: Literal[False]
    version: Version | None = None


PartAnswer = Replaced | Kept


class NoteRequest(Request):
    """A note in the ticket's history."""

    note: Note
