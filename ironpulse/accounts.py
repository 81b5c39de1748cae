"""People who sign in to the API and the dashboard, from the command line."""

from __future__ import annotations

import json
import secrets
from typing import Annotated

import typer
from rich.console import Console

from api.passwords import hash_password
from fleet import clock
from fleet.errors import IronpulseError
from fleet.text import Text
from ironpulse.foreground import says_errors
from ironpulse.settings import Settings
from ironpulse.tables import table
from store import accounts
from store.accounts import Account, Role
from store.connection import connect, our_errors

app = typer.Typer(no_args_is_help=True, help="People who sign in to the dashboard and the API.")

Json = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]


@app.command()
@says_errors
def add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")],
    display: Annotated[str, typer.Option(help="What people read, in English.")],
    display_zh: Annotated[str, typer.Option(help="What people read, in Chinese.")],
    station: Annotated[str | None, typer.Option(help="Where a technician belongs.")] = None,
) -> None:
    """Add somebody who signs in, or give a known one a new password, and print it."""
    if (role == "technician") != (station is not None):
        raise IronpulseError("A technician belongs to a --station, and nobody else does.")
    password = secrets.token_urlsafe(12)
    named = Text(en=display, zh=display_zh)
    account = Account(name, named, role, hash_password(password), station)
    with connect(Settings().database()) as connection, our_errors():
        accounts.put_account(connection, account, clock.to_datetime(clock.now_ms()))
    typer.echo(f"{name} may sign in. Password: {password}")


@app.command("list")
@says_errors
def listing(as_json: Json = False) -> None:
    """List the accounts: who may sign in as what, and how many sessions are open."""
    now = clock.to_datetime(clock.now_ms())
    with connect(Settings().database()) as connection, our_errors():
        rows = accounts.list_accounts(connection, now)
    found = [
        {
            "name": row["name"],
            "role": row["role"],
            "station": row["station"],
            "display": row["display"]["en"],
            "display_zh": row["display"]["zh"],
            "since": row["created_at"].date().isoformat(),
            "sessions": row["sessions"],
        }
        for row in rows
    ]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        Console().print(table("Accounts", found))


@app.command()
@says_errors
def remove(name: Annotated[str, typer.Argument(help="Name to sign in with.")]) -> None:
    """Let somebody sign in no more; sessions that are open end at once.

    What the person did stays in the histories of alarms and tickets.
    """
    with connect(Settings().database()) as connection, our_errors():
        left = accounts.remove_account(connection, name)
    if left is None:
        raise IronpulseError(f"There is no account {name}; `ironpulse accounts list` has them all.")
    typer.echo(f"{name} may no longer sign in.")
    if left["tickets"]:
        typer.echo(f"Open tickets that somebody else has to take: {', '.join(left['tickets'])}.")
    if left["keys"]:
        typer.echo(
            f"API keys made by {name} that still work: {', '.join(left['keys'])}. A manager "
            "revokes them with DELETE /api/v1/api-keys/{id}."
        )
