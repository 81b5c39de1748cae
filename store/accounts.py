"""Accounts, their sessions, API keys, and failed attempts to sign in.

Only hashes are stored: of passwords (made by `api.passwords`), of tokens and of keys (SHA-256
of 32 random bytes). Times are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from fleet.text import Text
from store.connection import Connection
from store.queries import load

_SQL = load("accounts")

Role = Literal["manager", "technician", "parts"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in; `station` is where a technician belongs."""

    name: str
    display: Text
    role: Role
    password_hash: str
    station: str | None = None


def put_account(connection: Connection, account: Account, now: datetime) -> None:
    """Add an account, or replace the one of that name, whose sessions end then."""
    with connection.transaction():
        connection.execute(
            _SQL["put_account"],
            {
                "name": account.name,
                "display": Jsonb(account.display.model_dump()),
                "role": account.role,
                "station": account.station,
                "password_hash": account.password_hash,
                "now": now,
            },
        )
        connection.execute(_SQL["close_sessions"], {"account": account.name})


def find_account(connection: Connection, name: str) -> Row | None:
    """name, display, role, station and password_hash of an account."""
    return connection.execute(_SQL["find_account"], {"name": name}).fetchone()


def list_accounts(connection: Connection, now: datetime) -> list[Row]:
    """name, display, role, station, created_at and open sessions of every account, by name."""
    return list(connection.execute(_SQL["list_accounts"], {"now": now}).fetchall())


def remove_account(connection: Connection, name: str) -> Row | None:
    """Remove an account and end its sessions; None where there is none.

    Returns what is left behind: numbers of open `tickets` given to it, and API `keys` it made,
    which go on working.
    """
    return connection.execute(_SQL["remove_account"], {"name": name}).fetchone()


def technicians(
    connection: Connection, station: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """name, display, station and open_tickets of technicians, all or those of a station."""
    parameters = {"station": station, "after": after, "limit": limit}
    return connection.execute(_SQL["technicians"], parameters).fetchall()


def begin_attempt(
    connection: Connection, name: str, now: datetime, since: datetime, most: int
) -> datetime | None:
    """Take one of the `most` attempts that `name` has from `since` to `now`.

    An attempt counts as failed until `open_session` says otherwise: so attempts that run at the
    same time count each other. Returns None where one was left, else when the first was made.
    """
    with connection.transaction():
        connection.execute(_SQL["one_at_a_time"], {"name": name})
        row = connection.execute(_SQL["count_failures"], {"name": name, "since": since}).fetchone()
        assert row is not None
        if row["failures"] >= most:
            oldest: datetime = row["oldest"]
            return oldest
        connection.execute(_SQL["forget_old_failures"], {"since": since})
        connection.execute(_SQL["add_failure"], {"name": name, "now": now})
    return None


def open_session(
    connection: Connection, account: Row, token_hash: bytes, now: datetime, expires_at: datetime
) -> bool:
    """Open a session and forget the account's failed attempts and all expired sessions.

    `account` is the row its password was checked against; False, and nothing is done, where the
    account has another password by now or is gone.
    """
    values = {
        "token_hash": token_hash,
        "account": account["name"],
        "password_hash": account["password_hash"],
        "expires_at": expires_at,
    }
    with connection.transaction():
        if connection.execute(_SQL["open_session"], values).fetchone() is None:
            return False
        connection.execute(_SQL["forget_failures"], {"name": account["name"]})
        connection.execute(_SQL["forget_old_sessions"], {"now": now})
    return True


def find_session(connection: Connection, token_hash: bytes, now: datetime) -> Row | None:
    """name, display, role, station and expires_at of a session that has not expired."""
    return connection.execute(
        _SQL["find_session"], {"token_hash": token_hash, "now": now}
    ).fetchone()


def close_session(connection: Connection, token_hash: bytes) -> None:
    """End a session; one that is gone already is no error."""
    connection.execute(_SQL["close_session"], {"token_hash": token_hash})


def add_key(
    connection: Connection, name: str, role: Role, key_hash: bytes, by: str, now: datetime
) -> Row:
    """Add an API key; the row as `list_keys` shows it."""
    row = connection.execute(
        _SQL["add_key"], {"name": name, "role": role, "key_hash": key_hash, "by": by, "now": now}
    ).fetchone()
    assert row is not None
    return row


def find_key(connection: Connection, key_hash: bytes) -> Row | None:
    """id, name and role of a key that is not revoked."""
    return connection.execute(_SQL["find_key"], {"key_hash": key_hash}).fetchone()


def list_keys(connection: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    """Keys with an id above `after`, revoked ones too."""
    return connection.execute(_SQL["list_keys"], {"after": after, "limit": limit}).fetchall()


def revoke_key(connection: Connection, key_id: int, now: datetime) -> bool:
    """Revoke a key; False when there is none to revoke."""
    parameters = {"id": key_id, "now": now}
    return connection.execute(_SQL["revoke_key"], parameters).fetchone() is not None
