"""Shelves filled up between two plans: what to move from one warehouse to another."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.auth import Caller
from api.context import Shared
from api.paging import Cursor, Limit, decode, from_micros, micros, page
from api.parameters import RowId
from api.plan_export import moves_table
from api.present import refill as present
from api.problems import not_found, responses
from api.schemas.base import Page
from api.schemas.refill import Refill, RefillDetail
from api.spreadsheets import XLSX, Kind, answer
from fleet.text import Language
from store import refills
from store.connection import Connection

router = APIRouter(
    prefix="/plan/refills", tags=["plan"], responses=responses("not-signed-in", "not-found")
)


@router.get("", operation_id="list_refills")
def list_refills(
    _caller: Caller, shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[Refill]:
    """Looks at the shelves between two plans, the newest first."""
    key = decode(cursor, (int, int))
    before = (from_micros(key[0]), key[1]) if key else None
    with shared.database.connection() as connection:
        rows = refills.refills(connection, limit + 1, before=before)
    return page(rows, limit, present.refill, lambda row: [micros(row["as_of"]), row["id"]])


@router.get("/{refill_id}", operation_id="get_refill")
def get_refill(refill_id: RowId, _caller: Caller, shared: Shared) -> RefillDetail:
    """What to move: so many pieces of an article from one warehouse to another."""
    with shared.database.connection() as connection:
        row = _refill(connection, refill_id)
        catalogue = shared.catalogue(connection)
        moves = [present.move(each, catalogue) for each in refills.moves(connection, refill_id)]
    return RefillDetail(refill=present.refill(row), moves=moves)


@router.get(
    "/{refill_id}/export.{kind}",
    operation_id="export_refill",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}, XLSX: {}}}},
)
def export_refill(
    refill_id: RowId,
    kind: Kind,
    _caller: Caller,
    shared: Shared,
    language: Annotated[Language, Query(description="Language of headings and names.")] = "en",
) -> Response:
    """The same as CSV or Excel."""
    with shared.database.connection() as connection:
        _refill(connection, refill_id)
        catalogue = shared.catalogue(connection)
        rows = moves_table(refills.moves(connection, refill_id), catalogue, language)
    return answer(rows, kind, f"transfers-{refill_id}")


def _refill(connection: Connection, refill_id: int) -> dict[str, Any]:
    found = refills.refills(connection, 1, refill_id)
    if not found:
        raise not_found(f"There is no refill {refill_id}.", f"没有编号为 {refill_id} 的补货单。")
    return found[0]
