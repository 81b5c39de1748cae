"""Signing in, accounts and API keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, CleanText, Request, Role, Time


class SignIn(Request):
    """Name and password of an account."""

    name: Annotated[CleanText, Field(min_length=1, max_length=100)]
    password: Annotated[CleanText, Field(min_length=1, max_length=200)]


class WhoAmI(Answer):
    """Who the caller is and what the caller may do."""

    kind: Literal["session", "api_key"]
    name: str
    display: Bilingual
    role: Role
    station: str | None = Field(description="A technician's service station.")
    expires_at: Time | None = Field(description="null: an API key, which does not expire.")


class Session(Answer):
    """An opened session; send `Authorization: Bearer <token>` from now on."""

    token: str
    token_type: Literal["bearer"] = "bearer"
    account: WhoAmI


class ApiKeyRequest(Request):
    """A new key for a program."""

    name: Annotated[CleanText, Field(min_length=1, max_length=100)]
    role: Role


class ApiKey(Answer):
    """A key as it is listed; the key itself is shown only once, when it is made."""

    id: int
    name: str
    role: Role
    created_at: Time
    created_by: str
    revoked_at: Time | None


class NewApiKey(ApiKey):
    """A key that was just made."""

    key: str = Field(description="Send it as `X-API-Key`. It cannot be shown again.")


class Technician(Answer):
    """Somebody a ticket can be given to."""

    name: str
    display: Bilingual
    station: str | None
    open_tickets: int
