"""Who calls, and what the caller may do.

A request is identified by the first authenticator that knows its credentials; another way to
sign in (OIDC bearer tokens) is one more `Authenticator` in the list of the application.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.context import context_of
from api.passwords import hash_secret
from api.problems import ProblemException
from api.schemas.base import Bilingual, Role
from fleet.clock import now_ms, to_datetime
from fleet.text import Text
from store import accounts
from store.connection import Connection

TOKEN_PREFIX = "ips"
KEY_PREFIX = "ipk"

_bearer = HTTPBearer(auto_error=False, description="The token of POST /session, or an API key.")
_api_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key of POST /api-keys.")


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


def identify(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    api_key: Annotated[str | None, Security(_api_key)],
) -> Identity:
    """The caller; 401 where there is none."""
    context = context_of(request)
    secret = bearer.credentials if bearer is not None else api_key
    if secret:
        now = to_datetime(now_ms())
        with context.database.connection() as connection:
            for authenticator in context.authenticators:
                identity = authenticator(connection, secret, now)
                if identity is not None:
                    return identity
    raise ProblemException(
        "not-signed-in",
        Text(
            en="Sign in with POST /api/v1/session and send its token as "
            "`Authorization: Bearer`, or send a valid `X-API-Key`.",
            zh="请先登录（POST /api/v1/session），并在 Authorization: Bearer 中携带令牌，"
            "或在 X-API-Key 中携带有效密钥。",
        ),
        headers={"WWW-Authenticate": "Bearer"},
    )


Caller = Annotated[Identity, Depends(identify)]


def allowed(*roles: Role) -> Any:
    """A dependency: the caller, who must have one of these roles; 403 otherwise."""
    names = ", ".join(roles)

    def check(caller: Caller) -> Identity:
        if caller.role not in roles:
            raise ProblemException(
                "not-allowed",
                Text(
                    en=f"This needs the role {names}; you have the role {caller.role}.",
                    zh=f"需要角色 {names}，当前角色为 {caller.role}。",
                ),
            )
        return caller

    return Depends(cast(Callable[..., Any], check))


Manager = Annotated[Identity, allowed("manager")]
ManagerOrTechnician = Annotated[Identity, allowed("manager", "technician")]
ManagerOrParts = Annotated[Identity, allowed("manager", "parts")]
