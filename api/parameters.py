"""Parameters that many routes share. What is outside of a bound is refused before any query."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from api.schemas.base import Moment

Serial = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="Serial number.")
]
RowId = Annotated[int, Path(ge=1, lt=2**63, description="Its `id`, as lists give it.")]
_KEY = r"^[a-z][a-z0-9_]{0,59}$"
ProductKey = Annotated[str, Path(pattern=_KEY, description="A product, by its key in /products.")]
RuleKey = Annotated[str, Path(pattern=_KEY, description="A rule, by its key in the plan.")]


def _word(description: str) -> Any:
    """A key to filter by."""
    return Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description=description)


Product = Annotated[str | None, _word("Only of this product, by its key in /products.")]
Region = Annotated[str | None, _word("Only of this region, by its `id`.")]
Station = Annotated[str | None, _word("Only of this service station, by its `id`.")]
Warehouse = Annotated[str | None, _word("Only of this warehouse, by its `id`.")]
Rule = Annotated[str | None, _word("Only of this rule, by its key in the plan.")]
Part = Annotated[str | None, _word("Only of this wear part, by its key in the plan.")]
Article = Annotated[str | None, _word("Only of this article, by its part number.")]
Reason = Annotated[str | None, _word("Only of this reason, by its key in /words.")]
SearchText = Annotated[
    str | None,
    Query(
        pattern=r"^[^\x00]*$",
        max_length=100,
        description="A part of serial number, model, customer or site, in either language.",
    ),
]
MachineSerial = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="Serial number.")
]
Severity = Annotated[
    int | None, Query(ge=1, le=4, description="At least 1 info, 2 warning, 3 alarm, 4 stop.")
]
FromTime = Annotated[Moment | None, Query(alias="from", description="RFC 3339")]
ToTime = Annotated[Moment | None, Query(alias="to", description="RFC 3339")]
