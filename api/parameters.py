"""Parameters that many routes share. What is outside of a bound is refused before any query."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def _within(moment: datetime) -> datetime:
    """The moment in UTC, moved to the nearest one that data can have."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if aware.year <= EARLIEST.year:
        return EARLIEST
    return min(aware.astimezone(UTC), LATEST) if aware.year < LATEST.year else LATEST


Serial = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="Serial number.")
]
RowId = Annotated[int, Path(ge=1, lt=2**63)]
Word = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A key to filter by: of a product, region, station, reason ..."""
SearchText = Annotated[str | None, Query(pattern=r"^[^\x00]*$", max_length=100)]
MachineSerial = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="Serial number.")
]
Severity = Annotated[int | None, Query(ge=1, le=4)]
FromTime = Annotated[
    datetime | None, AfterValidator(_within), Query(alias="from", description="RFC 3339")
]
ToTime = Annotated[
    datetime | None, AfterValidator(_within), Query(alias="to", description="RFC 3339")
]
