"""Cursor paging: a page ends with a cursor that holds the sort key of its last row."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import Query

from api.problems import ProblemException, not_found
from api.schemas.base import Page

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = Mapping[str, Any]

Limit = Annotated[int, Query(ge=1, le=500, description="Rows of a page.")]
Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Za-z0-9_=-]{1,400}$",
        description="`next_cursor` of the page before; without it the first page.",
    ),
]


def encode(key: Sequence[str | int | float]) -> str:
    """A sort key as an opaque word."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode()


def decode(cursor: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """The sort key in a cursor, None for the first page.

    Raises 404 where the cursor was not made by `encode` for such a key: it leads to no page.
    """
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    fits = (
        isinstance(key, list)
        and len(key) == len(kinds)
        and all(type(part) is kind for part, kind in zip(key, kinds, strict=True))
        and all(_can_be_stored(part) for part in key if isinstance(part, str))
        and all(abs(part) < 2**62 for part in key if isinstance(part, int))
    )
    if not fits:
        raise _no_such_page()
    assert isinstance(key, list)
    return key


def _can_be_stored(text: str) -> bool:
    """Half a character, which JSON can write, is no UTF-8; NUL is in no text of the database."""
    return "\x00" not in text and text.encode(errors="ignore").decode() == text


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC, as exact as the store's times, for a cursor."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(number: int) -> datetime:
    """The moment of `micros`; 404 where no such moment exists."""
    try:
        return _EPOCH + timedelta(microseconds=number)
    except OverflowError as error:
        raise _no_such_page() from error


def page(
    rows: Sequence[Row],
    limit: int,
    build: Callable[[Row], T],
    key: Callable[[Row], Sequence[str | int | float]],
) -> Page[T]:
    """The page of `rows`, which were read with one row more than `limit` to see if more follow."""
    shown = rows[:limit]
    cursor = encode(key(shown[-1])) if len(rows) > limit else None
    return Page[T](items=[build(row) for row in shown], next_cursor=cursor)


def _no_such_page() -> ProblemException:
    return not_found(
        "This cursor leads to no page of this list; begin without one.",
        "该游标不属于此列表，请不带游标重新开始。",
    )
