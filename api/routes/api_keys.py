"""Keys for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from api.auth import Manager
from api.context import Shared
from api.identity import KEY_PREFIX
from api.paging import Cursor, Limit, decode, page
from api.parameters import RowId
from api.passwords import hash_secret, new_secret
from api.problems import not_found, responses
from api.schemas.base import Page
from api.schemas.session import ApiKey, ApiKeyRequest, NewApiKey
from fleet.clock import now_ms, to_datetime
from store import accounts

router = APIRouter(
    prefix="/api-keys", tags=["api keys"], responses=responses("not-signed-in", "not-allowed")
)


@router.get("", operation_id="list_api_keys", responses=responses("not-found"))
def list_api_keys(
    _caller: Manager, shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[ApiKey]:
    """All keys ever made, without the keys themselves."""
    after = decode(cursor, (int,))
    with shared.database.connection() as connection:
        rows = accounts.list_keys(connection, after[0] if after else 0, limit + 1)
    return page(rows, limit, _key, lambda row: [row["id"]])


@router.post("", operation_id="make_api_key", status_code=201)
def make_api_key(body: ApiKeyRequest, caller: Manager, shared: Shared) -> NewApiKey:
    """Make a key. It is shown in this answer and never again."""
    key = new_secret(KEY_PREFIX)
    with shared.database.transaction() as connection:
        row = accounts.add_key(
            connection, body.name, body.role, hash_secret(key), caller.actor, to_datetime(now_ms())
        )
    return NewApiKey(**row, key=key)


@router.delete(
    "/{key_id}", operation_id="revoke_api_key", status_code=204, responses=responses("not-found")
)
def revoke_api_key(key_id: RowId, _caller: Manager, shared: Shared) -> None:
    """Revoke a key: from now on it opens nothing."""
    with shared.database.transaction() as connection:
        if not accounts.revoke_key(connection, key_id, to_datetime(now_ms())):
            raise not_found(
                f"There is no API key {key_id} to revoke.", f"没有可撤销的接口密钥 {key_id}。"
            )


def _key(row: Mapping[str, Any]) -> ApiKey:
    return ApiKey(**row)
