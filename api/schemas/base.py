"""What all responses share: times, texts, values with unit and age, pages, problems."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

Health = Literal["stop", "alarm", "warning", "ok", "unknown"]
Connection = Literal["never_seen", "online", "late", "offline", "parked"]
Role = Literal["manager", "technician", "parts"]

T = TypeVar("T")


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with milliseconds, as every time of this interface is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    Field(examples=["2026-11-21T08:15:30.250Z"]),
]


class Answer(BaseModel):
    """Base of every response body."""

    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """Base of every request body: an unknown field is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bilingual(Answer):
    """One text in both languages."""

    en: str
    zh: str


class Value(Answer):
    """A measured value with its unit, the time of its measurement, and its age."""

    value: float
    unit: str | None
    at: Time
    age_s: float = Field(description="Seconds from `at` to the moment of the answer.")


class Named(Answer):
    """Something with a key and a name."""

    id: str
    name: Bilingual


class Page(Answer, Generic[T]):
    """A page of a list. Ask again with `cursor` = `next_cursor` for the next one."""

    items: list[T]
    next_cursor: str | None = Field(description="null: this was the last page.")


class ProblemError(Answer):
    """One thing that is wrong with a request."""

    place: str = Field(description="Where: `query.limit`, `body.version`, ...")
    message: str


class Problem(Answer):
    """An error after RFC 9457, with its texts in both languages."""

    type: str = Field(description="A URI reference that names the kind of problem.")
    title: str
    title_zh: str
    status: int
    detail: str
    detail_zh: str
    instance: str | None = Field(default=None, description="The path of the request.")
    errors: list[ProblemError] = Field(default_factory=list)


CleanText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""A text from outside that the database can hold: it cannot hold NUL."""

Note = Annotated[str, Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$", max_length=4000)]
"""A text in which something is said."""


def _written_as_number(value: object) -> object:
    """`true` would pass for 1, and "7" for 7."""
    if isinstance(value, bool | str):
        raise ValueError("write a number")
    return value


IN_DIGITS = BeforeValidator(_written_as_number)
"""For numbers in request bodies, behind their bounds."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


_DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d")


def _written_out(value: object) -> object:
    """Numbers are no times here: it would be a guess whether they count seconds or more."""
    if isinstance(value, str) and not _DATE_TIME.match(value):
        raise ValueError("write a time like 2026-11-21T08:15:30Z")
    return value


def _within(moment: datetime) -> datetime:
    """The moment in UTC, moved to the nearest one that data can have."""
    if moment.year < EARLIEST.year:
        return EARLIEST
    return LATEST if moment.year >= LATEST.year else max(EARLIEST, moment.astimezone(UTC))


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_within)]
"""A moment from outside, with its zone."""
