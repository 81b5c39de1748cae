"""Rejected messages from the command line: what they are, and putting them back."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from fleet.errors import IronpulseError
from fleet.text import Language
from ingest.reasons import REJECTED
from ironpulse.foreground import says_errors
from ironpulse.settings import Settings
from ironpulse.tables import table
from store import ingest_view, rejected
from store.connection import connect, our_errors

if TYPE_CHECKING:
    from ingest.replay import Replay

app = typer.Typer(no_args_is_help=True, help="Messages that could not be used.")

_BYTES_IN_A_LINE = 16
_COLUMNS = ("id", "received_at", "serial", "topic", "reason", "detail", "replayed_at")

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Reason = Annotated[str | None, typer.Option(help="Only those of this reason.")]
Tongue = Annotated[Language, typer.Option("--language", help="Language of the sentences.")]
Machine = Annotated[str | None, typer.Option(help="Only those of this serial number.")]


@app.command("list")
@says_errors
def listing(
    reason: Reason = None,
    machine: Machine = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest.")] = 50,
    as_json: Json = False,
    language: Tongue = "en",
) -> None:
    """List rejected messages, the newest first."""
    _known(reason)
    with connect(Settings().database()) as connection, our_errors():
        rows = ingest_view.rejected(connection, None, reason, machine, limit)
    found = [_listed(row) for row in rows]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    shown = [{**each, "detail": each["detail"][language]} for each in found]
    rows = [{column: each[column] for column in _COLUMNS} for each in shown]
    Console().print(table("Rejected messages", rows))


@app.command()
@says_errors
def show(
    rejected_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="Its number in the list.")
    ],
    as_json: Json = False,
    language: Tongue = "en",
) -> None:
    """Show one rejected message with its bytes."""
    with connect(Settings().database()) as connection, our_errors():
        found = rejected.get(connection, rejected_id)
    if found is None:
        raise IronpulseError(f"There is no rejected message {rejected_id}.")
    text, is_text = _as_text(found.payload)
    facts: dict[str, Any] = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(found).items()
        if name != "payload"
    }
    facts["detail"] = found.detail.model_dump()
    text_of = REJECTED.get(found.reason)
    facts["reason_text"] = text_of.to(language) if text_of is not None else None
    if as_json:
        key = "payload" if is_text else "payload_hex"
        shown = text if is_text else found.payload.hex()
        typer.echo(json.dumps({**facts, key: shown}, ensure_ascii=False))
        return
    facts["detail"] = found.detail.to(language)
    for name, value in facts.items():
        typer.echo(f"{name:13} {'-' if value is None else value}")
    typer.echo(f"\n{text}")
    if len(found.payload) < found.payload_size:
        typer.echo(f"... the first {len(found.payload)} of {found.payload_size} bytes were kept")


@app.command("replay")
@says_errors
def put_back(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", min=1, help="Numbers in the list.")
    ] = None,
    reason: Reason = None,
    machine: Machine = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    as_json: Json = False,
    language: Tongue = "en",
) -> None:
    """Put messages back, by id, reason, machine or all, after their cause was mended."""
    from ingest.replay import replay

    _known(reason)
    if bool(ids) == bool(reason or machine or everything):
        raise IronpulseError("Say which: ids, or --reason and --machine, or --all.")
    done: list[Replay] = []
    with connect(Settings().database()) as connection:
        with our_errors():
            chosen = ids or rejected.waiting(connection, reason, machine)
        progress = Console(stderr=True)
        outcomes = replay(connection, chosen)
        for each in track(outcomes, "Putting back", total=len(chosen), console=progress):
            done.append(each)
    if as_json:
        typer.echo(json.dumps([_replayed(each) for each in done], ensure_ascii=False))
    else:
        _tell(done, language)
    if any(each.outcome in ("incomplete", "unknown", "rejected") for each in done):
        raise typer.Exit(1)


def _tell(done: list[Replay], language: Language) -> None:
    put_back = [each for each in done if each.outcome == "replayed"]
    counts = {
        name: sum(getattr(each, name) for each in put_back)
        for name in ("stored", "merged", "repeated", "again")
    }
    typer.echo(
        f"{len(put_back)} of {len(done)} messages were put back: {counts['stored']} samples "
        f"stored, {counts['merged']} merged, {counts['repeated']} known already, "
        f"{counts['again']} rejected anew."
    )
    left = Counter(_why(each, language) for each in done if each.outcome != "replayed")
    for why, count in left.most_common():
        typer.echo(f"{count} x {why}")


def _why(each: Replay, language: Language) -> str:
    if each.outcome == "replayed_before":
        return "put back before"
    if each.outcome == "rejected" and each.reason is not None:
        return f"still {each.reason}: {REJECTED[each.reason].to(language)}"
    return each.detail.to(language) if each.detail is not None else each.outcome


def _replayed(each: Replay) -> dict[str, Any]:
    detail = each.detail.model_dump() if each.detail is not None else None
    return {**asdict(each), "detail": detail}


def _known(reason: str | None) -> None:
    if reason is not None and reason not in REJECTED:
        raise IronpulseError(f"There is no reason {reason}; there are {', '.join(REJECTED)}.")


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    times = {
        name: row[name] and row[name].isoformat(timespec="seconds")
        for name in ("received_at", "replayed_at")
    }
    return {**{name: value for name, value in row.items() if name != "payload"}, **times}


def _as_text(payload: bytes) -> tuple[str, bool]:
    """The bytes as text where they are text, else as lines of hexadecimal digits."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if all(each.isprintable() or each in "\r\n\t" for each in text):
        return text, True
    starts = range(0, len(payload), _BYTES_IN_A_LINE)
    lines = (f"{n:06x}  {payload[n : n + _BYTES_IN_A_LINE].hex(' ')}" for n in starts)
    return "\n".join(lines), False
