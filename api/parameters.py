"""Parameters that many routes share. What is outside of a bound is refused before any query."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from api.schemas.base import Moment

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
FromTime = Annotated[Moment | None, Query(alias="from", description="RFC 3339")]
ToTime = Annotated[Moment | None, Query(alias="to", description="RFC 3339")]
