"""Shelves filled up between two plans, as answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.present.plan import names
from api.present.product import named
from api.schemas.base import Bilingual
from api.schemas.refill import Refill, RefillMove
from fleet.plan import Catalogue

Row = Mapping[str, Any]


def refill(row: Row) -> Refill:
    """One look at the shelves."""
    fields = {name: row[name] for name in Refill.model_fields if name != "plan"}
    return Refill(**fields, plan=row["run_id"])


def move(row: Row, catalogue: Catalogue) -> RefillMove:
    """Pieces from one warehouse to another."""
    given = ("name", "source_name", "target_name")
    fields = {name: row[name] for name in RefillMove.model_fields if name not in given}
    name = names(catalogue).get(row["number"]) or named(row["number"], None).name
    return RefillMove(
        **fields,
        name=name,
        source_name=Bilingual(**row["source_name"]),
        target_name=Bilingual(**row["target_name"]),
    )
