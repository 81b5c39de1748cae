"""What people silence: shelved alarms, alarms out of service, maintenance mode."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, CleanText, Moment, Note, Request, Time

SuppressionKind = Literal["shelved", "maintenance", "out_of_service"]


class Suppression(Answer):
    """Alarms that page nobody for a while."""

    id: int
    kind: SuppressionKind
    serial: str
    product: str
    component: str | None = Field(description="null: the whole machine.")
    component_name: Bilingual | None
    rule: str | None = Field(description="null: every rule.")
    name: Bilingual | None
    since: Time
    until: Time | None = Field(description="It ends by itself then; null: by hand only.")
    reason: str
    set_by: str
    ended_at: Time | None = Field(description="Ended by hand.")
    ended_by: str | None
    running: bool


class Shelve(Request):
    """Put an alarm aside until a moment; it comes back by itself."""

    until: Moment
    reason: Note


class OutOfService(Request):
    """Take an alarm out of service until somebody returns it."""

    reason: Note


class Maintenance(Request):
    """Maintenance mode of a machine, or of one component of it."""

    until: Moment
    reason: Note
    component: Annotated[CleanText, Field(min_length=1, max_length=100)] | None = None
