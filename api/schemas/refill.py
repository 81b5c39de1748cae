"""Shelves filled up between two plans."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Time


class Refill(Answer):
    """A look at the shelves by the levels of plan `plan`."""

    id: int
    plan: int
    as_of: Time
    counted_at: Time = Field(description="When stock was counted last by then.")
    made_by: str
    moves: int


class RefillMove(Answer):
    """Pieces of one article from one warehouse to another: `now`, on `arrival` of what is on its
    way to the source, or `back` to where they are needed. `position` and `level` are the target's
    with all it serves."""

    number: str
    name: Bilingual
    source: str
    source_name: Bilingual
    target: str
    target_name: Bilingual
    quantity: int
    kind: Literal["now", "arrival", "back"]
    position: int
    level: int
    lasts_days: float | None = Field(
        description="Days that the position lasts at the expected demand; below 0: machines wait."
    )


class RefillDetail(Answer):
    """A look at the shelves with what it moves, the most pressing first."""

    refill: Refill
    moves: list[RefillMove]
