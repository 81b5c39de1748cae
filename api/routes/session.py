"""Signing in and out."""

from __future__ import annotations

import math
from datetime import timedelta

from anyio import to_thread
from fastapi import APIRouter

from api.auth import Caller
from api.context import Context, Shared
from api.identity import TOKEN_PREFIX, Identity
from api.passwords import hash_secret, new_secret, verify_password
from api.problems import ProblemException, responses
from api.schemas.base import Bilingual
from api.schemas.session import Session, SignIn, WhoAmI
from fleet.clock import now_ms, to_datetime
from fleet.text import Text
from store import accounts

SESSION_LASTS = timedelta(hours=12)
#: So many wrong passwords for one name within the window, and the name has to wait.
ATTEMPTS = 5
ATTEMPT_WINDOW = timedelta(minutes=15)

router = APIRouter(prefix="/session", tags=["session"])


@router.post(
    "",
    operation_id="sign_in",
    status_code=201,
    responses=responses("not-signed-in", "too-many"),
)
async def sign_in(body: SignIn, shared: Shared) -> Session:
    """Open a session with name and password. Five wrong passwords, and the name has to wait."""
    # Hashing is slow on purpose. Whoever waits for it waits in line, without a thread that others'
    # requests need; and the memory it takes stays bounded.
    return await to_thread.run_sync(_sign_in, body, shared, limiter=shared.sign_ins)


def _sign_in(body: SignIn, shared: Context) -> Session:
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        oldest = accounts.begin_attempt(connection, body.name, now, now - ATTEMPT_WINDOW, ATTEMPTS)
        if oldest is not None:
            raise _wait((oldest + ATTEMPT_WINDOW - now).total_seconds())
        row = accounts.find_account(connection, body.name)
    right = verify_password(body.password, row["password_hash"] if row is not None else None)
    if row is None or not right:
        raise _wrong()
    token, expires_at = new_secret(TOKEN_PREFIX), now + SESSION_LASTS
    with shared.database.connection() as connection:
        if not accounts.open_session(connection, row, hash_secret(token), now, expires_at):
            raise _wrong()
    account = WhoAmI(
        kind="session",
        name=row["name"],
        display=Bilingual(**row["display"]),
        role=row["role"],
        station=row["station"],
        expires_at=expires_at,
    )
    return Session(token=token, account=account)


@router.get("", operation_id="who_am_i", responses=responses("not-signed-in"))
def who_am_i(caller: Caller) -> WhoAmI:
    """Who the caller is and what the caller may do."""
    return _who(caller)


@router.delete(
    "", operation_id="sign_out", status_code=204, responses=responses("not-signed-in", "conflict")
)
def sign_out(caller: Caller, shared: Shared) -> None:
    """End the session this request was made in."""
    if caller.kind != "session":
        raise ProblemException(
            "conflict",
            Text(
                en="An API key has no session to end; a manager revokes it at /api-keys.",
                zh="接口密钥没有会话；如需停用，请由经理在 /api-keys 撤销。",
            ),
        )
    with shared.database.transaction() as connection:
        accounts.close_session(connection, caller.secret_hash)


def _who(caller: Identity) -> WhoAmI:
    return WhoAmI(
        kind=caller.kind,
        name=caller.name,
        display=caller.display,
        role=caller.role,
        station=caller.station,
        expires_at=caller.expires_at,
    )


def _wrong() -> ProblemException:
    return ProblemException(
        "not-signed-in",
        Text(en="The name or the password is wrong.", zh="用户名或密码错误。"),
        headers={"WWW-Authenticate": "Bearer"},
    )


def _wait(seconds: float) -> ProblemException:
    minutes = max(1, math.ceil(seconds / 60))
    return ProblemException(
        "too-many",
        Text(
            en=f"Too many wrong passwords for this name. Try again in {minutes} min.",
            zh=f"该用户名密码错误次数过多，请在 {minutes} 分钟后重试。",
        ),
        headers={"Retry-After": str(max(1, math.ceil(seconds)))},
    )
