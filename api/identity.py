"""Who a caller can be, and the ways to tell by a secret.

Another way to sign in (OIDC bearer tokens) is one more `Authenticator` in the list of the
application.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from api.passwords import hash_secret
from api.schemas.base import Bilingual, Role
from store import accounts
from store.connection import Connection

TOKEN_PREFIX = "ips"
KEY_PREFIX = "ipk"


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller. `secret_hash` identifies the session or key in the store."""

    kind: Literal["session", "api_key"]
    name: str
    display: Bilingual
    role: Role
    station: str | None
    expires_at: datetime | None
    secret_hash: bytes

    @property
    def actor(self) -> str:
        """How the history of alarms and tickets names the caller."""
        return self.name if self.kind == "session" else f"key:{self.name}"


Authenticator = Callable[[Connection, str, datetime], Identity | None]
"""One way to tell who presents a secret at a moment; None when it is not one of its own."""


def by_session(connection: Connection, secret: str, now: datetime) -> Identity | None:
    """The account whose session token this is."""
    if not secret.startswith(f"{TOKEN_PREFIX}_"):
        return None
    hashed = hash_secret(secret)
    row = accounts.find_session(connection, hashed, now)
    if row is None:
        return None
    return Identity(
        "session",
        row["name"],
        Bilingual(**row["display"]),
        row["role"],
        row["station"],
        row["expires_at"],
        hashed,
    )


def by_api_key(connection: Connection, secret: str, _now: datetime) -> Identity | None:
    """The program whose key this is."""
    if not secret.startswith(f"{KEY_PREFIX}_"):
        return None
    hashed = hash_secret(secret)
    row = accounts.find_key(connection, hashed)
    if row is None:
        return None
    display = Bilingual(en=f"API key {row['name']}", zh=f"接口密钥 {row['name']}")
    return Identity("api_key", row["name"], display, row["role"], None, None, hashed)


AUTHENTICATORS: tuple[Authenticator, ...] = (by_session, by_api_key)
