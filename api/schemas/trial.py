"""A rule tried on history."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import IN_DIGITS, Answer, Bilingual, CleanText, Moment, Request, Time

TrialState = Literal["queued", "running", "done", "failed", "cancelled"]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Expression = Annotated[CleanText, Field(min_length=1, max_length=2000)]
Seconds = Annotated[float, Field(ge=0, le=30 * 86_400), IN_DIGITS]
Number = Annotated[float, Field(ge=-1e12, le=1e12), IN_DIGITS]


class RuleChange(Request):
    """What differs from today's rule; what is left out stays."""

    when: Expression | None = None
    clear: Expression | None = None
    hold_s: Seconds | None = None
    clear_hold_s: Seconds | None = None
    params: dict[Key, Number] | None = Field(default=None, max_length=50)


class TrialRequest(Request):
    """A rule of a product, what is to be changed, and the span of history."""

    product: Key
    rule: Key
    since: Moment
    until: Moment
    change: RuleChange


class TrialSummary(Answer):
    """A trial and how far it is."""

    id: int
    product: str
    rule: str
    name: Bilingual
    change: dict[str, Any]
    since: Time
    until: Time
    asked_by: str
    asked_at: Time
    state: TrialState
    progress: float = Field(ge=0, le=1, description="Share of history that has been judged.")
    ended_at: Time | None
    error: Bilingual | None


class Trial(TrialSummary):
    """A trial with its result once it is done: `changed` and `today` count alarms, tickets,
    machines, hours, and known faults; `by_machine`, and the alarms of both sides."""

    result: dict[str, Any] | None
