"""`ironpulse plan`: make the parts plan, list past ones, export them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from fleet.clock import now_ms, to_datetime
from fleet.errors import IronpulseError
from fleet.text import Language
from ironpulse.foreground import says_errors
from ironpulse.settings import Settings
from ironpulse.tables import table
from store import part_plans, refills
from store.connection import connect, our_errors
from store.plans import load_catalogue

app = typer.Typer(no_args_is_help=True, help="The parts plan.")


@app.command("run")
@says_errors
def run(
    month: Annotated[
        str | None, typer.Option(help="2026-12: as of the first day of that month; else now.")
    ] = None,
) -> None:
    """Make the parts plan from fleet, services, sales, history and stock, and keep it."""
    # Scipy takes its time; other commands need none.
    from predict.plan.run import run_plan

    at = _first_of(month) if month else to_datetime(now_ms())
    with (
        connect(Settings().database()) as connection,
        our_errors(),
        connection.transaction(),
        Progress(console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("parts plan", total=1.0)
        catalogue = load_catalogue(connection)
        number = run_plan(
            connection, catalogue, at, "command line", lambda s: bar.update(task, completed=s)
        )
        summary = part_plans.runs(connection, 1, number)[0]["summary"]
    typer.echo(
        f"Plan {number}: {summary['articles']} articles, {summary['orders']} orders worth "
        f"¥{summary['order_value']:,.0f} (simple rule: ¥{summary['rule_value']:,.0f}), "
        f"{summary['transfers']} transfers, {summary['emergencies']} emergency orders."
    )


@app.command("refill")
@says_errors
def refill(
    language: Annotated[Language, typer.Option(help="Language of names.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Say what to move between warehouses today, by the newest plan's levels, and keep it."""
    from api.plan_export import moves_table
    from predict.plan.refill import run_refill

    with connect(Settings().database()) as connection, our_errors(), connection.transaction():
        catalogue = load_catalogue(connection)
        number = run_refill(connection, catalogue, to_datetime(now_ms()), "command line")
        moves = refills.moves(connection, number)
    if as_json:
        typer.echo(json.dumps(moves, default=str, ensure_ascii=False))
        return
    heads, *rows = moves_table(moves, catalogue, language)
    if rows:
        named = [dict(zip(heads, row, strict=True)) for row in rows]
        Console().print(table(f"Refill {number}", named))
    typer.echo(f"Refill {number}: {len(rows)} transfers.")


@app.command("list")
@says_errors
def list_runs(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """List the plans that were made, the newest first."""
    with connect(Settings().database()) as connection, our_errors():
        runs = part_plans.runs(connection, 100)
    if as_json:
        typer.echo(json.dumps(runs, default=str, ensure_ascii=False))
        return
    for each in runs:
        typer.echo(
            f"{each['id']}  {each['as_of']:%Y-%m-%d %H:%M}  {each['made_by']}  "
            f"{each['summary']['orders']} orders, ¥{each['summary']['order_value']:,.0f}"
        )


@app.command("export")
@says_errors
def export(
    out: Annotated[Path, typer.Argument(help="File to write: .csv or .xlsx.")],
    plan: Annotated[int | None, typer.Option(help="Number of the plan; else the newest.")] = None,
    language: Annotated[Language, typer.Option(help="Language of headings and names.")] = "en",
) -> None:
    """Write the lines of a plan to a CSV or Excel file."""
    from api.plan_export import table as lines_table
    from api.spreadsheets import as_csv, as_xlsx

    kind: Literal[".csv", ".xlsx"] | str = out.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise IronpulseError(f"{out} names no kind of file: end it in .csv or .xlsx.")
    with connect(Settings().database()) as connection, our_errors():
        catalogue = load_catalogue(connection)
        runs = part_plans.runs(connection, 1, plan)
        if not runs:
            raise IronpulseError("There is no such plan; make one with `ironpulse plan run`.")
        rows = lines_table(part_plans.lines(connection, runs[0]["id"], {}), catalogue, language)
    out.write_bytes(as_csv(rows) if kind == ".csv" else as_xlsx(rows))
    typer.echo(f"{len(rows) - 1} lines of plan {runs[0]['id']} are in {out}.")


def _first_of(month: str) -> datetime:
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise IronpulseError(f"--month {month!r} is no month; write 2026-12.") from error
    return datetime(first.year, first.month, first.day, tzinfo=UTC)
