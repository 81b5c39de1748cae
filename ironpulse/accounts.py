"""Accounts from the command line: who signs in to the API and the dashboard."""

from __future__ import annotations

import secrets

from api.passwords import hash_password
from fleet import clock
from fleet.text import Text
from ironpulse.settings import Settings
from store import accounts
from store.accounts import Account, Role
from store.connection import connect, our_errors


def add(settings: Settings, name: str, display: Text, role: Role, station: str | None) -> str:
    """Add an account and return its new password; a known name gets everything anew.

    Raises StoreError where there is no such station.
    """
    password = secrets.token_urlsafe(12)
    account = Account(name, display, role, hash_password(password), station)
    with connect(settings.database()) as connection, our_errors():
        accounts.put_account(connection, account, clock.to_datetime(clock.now_ms()))
    return password
