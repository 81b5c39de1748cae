"""Who calls, and what the caller may do.

A request is identified by the first authenticator that knows its credentials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.context import context_of
from api.identity import Identity
from api.problems import ProblemException
from api.schemas.base import Role
from fleet.clock import now_ms, to_datetime
from fleet.text import Text

_bearer = HTTPBearer(auto_error=False, description="The token of POST /session, or an API key.")
_api_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key of POST /api-keys.")


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
