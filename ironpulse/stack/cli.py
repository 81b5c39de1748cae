"""`ironpulse stack`: run the private servers by themselves, and ask where they are."""

from __future__ import annotations

import json
import secrets
import signal
import socket
import threading
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from ironpulse.stack.certificates import Authority
from ironpulse.stack.errors import StackError
from ironpulse.stack.local import LocalStack, default_directory, running_state
from ironpulse.stack.security import ADMIN, INGEST, first_security
from ironpulse.stack.state import StackAddresses, State

app = typer.Typer(no_args_is_help=True, help="A private TimescaleDB and Mosquitto.")

Directory = Annotated[
    Path | None, typer.Option("--dir", help="Folder of the stack's data; default: one per user.")
]
Port = Annotated[int | None, typer.Option(help="Default: a free one, kept for the next start.")]


@app.command()
def up(
    directory: Directory = None,
    database_port: Port = None,
    mqtt_port: Port = None,
    tls: Annotated[
        bool,
        typer.Option("--tls", help="The broker speaks TLS only, with an authority of its own."),
    ] = False,
) -> None:
    """Start the servers, print their addresses, keep them alive until Ctrl-C."""
    stack = LocalStack(
        directory or default_directory(), database_port=database_port, mqtt_port=mqtt_port, tls=tls
    )
    finish = _on_signals()
    try:
        with stack:
            _print(stack.addresses)
            if not stack.owned:
                typer.echo("Already running under another process; nothing to do here.")
                return
            typer.echo(f"Data in {stack.directory}. Ctrl-C ends the servers.")
            while not finish.wait(1.0):
                for name in stack.poll():
                    typer.echo(f"{name} had died and runs again.")
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def status(
    directory: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say whether the servers run and at which addresses; exit code 1 where they do not."""
    where = directory or default_directory()
    try:
        state = running_state(where)
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    addresses = StackAddresses(**state.addresses) if state and state.addresses else None
    if as_json:
        known = {} if addresses is None or state is None else asdict(addresses) | _processes(state)
        typer.echo(json.dumps({"running": addresses is not None, "directory": str(where), **known}))
    elif addresses is None:
        typer.echo(f"No stack runs in {where}. Start one with `ironpulse stack up`.")
    else:
        _print(addresses)
    if addresses is None:
        raise typer.Exit(1)


@app.command()
def compose(
    directory: Annotated[Path, typer.Option("--dir", help="Folder beside compose.yaml.")] = Path(
        "compose/state"
    ),
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="A name or address by which machines reach the broker."),
    ] = None,
) -> None:
    """Write passwords, the broker's accounts and its certificate for compose.yaml, once."""
    broker = directory / "broker"
    security = broker / "dynamic-security.json"
    if security.exists():
        typer.echo(f"{security} is there already. Remove {directory} to begin anew.", err=True)
        raise typer.Exit(1)
    database, admin, ingest = (secrets.token_urlsafe(24) for _ in range(3))
    broker.mkdir(parents=True, exist_ok=True)
    authority = Authority(directory / "tls")
    reached = names or [socket.gethostname()]
    for file in (authority.certificate, *authority.server([*reached, "localhost", "127.0.0.1"])):
        _write_secret(broker / file.name, file.read_text(encoding="ascii"))
    _write_secret(directory / "database.env", f"POSTGRES_PASSWORD={database}\n")
    _write_secret(security, json.dumps(first_security({ADMIN: admin, INGEST: ingest})))
    typer.echo(f"IRONPULSE_DATABASE_URL=postgresql://ironpulse:{database}@127.0.0.1:5432/ironpulse")
    typer.echo(f"IRONPULSE_MQTT_URL=mqtt://{INGEST}:{ingest}@127.0.0.1:1883")
    typer.echo(f"IRONPULSE_MQTT_ADMIN_URL=mqtt://{ADMIN}:{admin}@127.0.0.1:1883")
    typer.echo(f"IRONPULSE_AUTHORITY={authority.folder.absolute()}")
    where = f"mqtts://{reached[0]}:8883?ca={authority.certificate}"
    typer.echo(f"Machines come to {where}, those with a certificate to port 8884")


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _processes(state: State) -> dict[str, object]:
    return {"owner_pid": state.owner_pid, "pids": state.pids}


def _print(addresses: StackAddresses) -> None:
    typer.echo(f"Database  {addresses.database_url}")
    for user, password in (
        (addresses.mqtt_admin_user, addresses.mqtt_admin_password),
        (addresses.mqtt_ingest_user, addresses.mqtt_ingest_password),
    ):
        typer.echo(f"MQTT      {addresses.mqtt_url}  user {user}, password {password}")
    if addresses.mqtt_certificate_url is not None:
        typer.echo(f"MQTT      {addresses.mqtt_certificate_url}  for machines with a certificate")
        typer.echo(f"Authority {addresses.authority}")


def _on_signals() -> threading.Event:
    finish = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        finish.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return finish
