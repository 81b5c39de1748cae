"""`ironpulse machines`: the registry, and who may sign in at the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress as Bars

from fleet.errors import Fault, IronpulseError
from ironpulse.foreground import says_errors
from ironpulse.machines import sheet as sheets
from ironpulse.machines import work
from ironpulse.machines.keeping import CertificateFolder, Keeper, PasswordFile, Shown
from ironpulse.settings import Settings
from ironpulse.stack.certificates import MACHINE_DAYS
from ironpulse.tables import table

app = typer.Typer(no_args_is_help=True, help="The registry of machines, and who may sign in.")

Json = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]
Csv = typer.Option(exists=True, dir_okay=False)
Serials = Annotated[
    list[str], typer.Argument(metavar="SERIAL", help="Serial numbers of registered machines.")
]
Passwords = Annotated[
    Path | None,
    typer.Option(dir_okay=False, help="CSV that gets the passwords, readable for you only."),
]
Certificates = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Folder for client certificates instead of passwords."),
]


@app.command()
@says_errors
def add(
    serial: Annotated[str, typer.Argument(help="Serial number; also its user name at the broker.")],
    product: Annotated[str, typer.Option(help="The product plan it follows.")],
    model: Annotated[str, typer.Option(help="A model of that product.")],
    customer: Annotated[str, typer.Option(help="Id of a registered customer.")],
    station: Annotated[str, typer.Option(help="Id of a registered service station.")],
    site: Annotated[str, typer.Option(help="Where it works, in English.")],
    site_zh: Annotated[str, typer.Option(help="Where it works, in Chinese.")],
    lat: Annotated[float, typer.Option(min=-90, max=90, help="Latitude of the site, degrees.")],
    lon: Annotated[float, typer.Option(min=-180, max=180, help="Longitude of the site, degrees.")],
    commissioned: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="First day of work; its parts count from then."),
    ],
    tier: Annotated[str, typer.Option(help="The customer's service tier.")] = "standard",
    certificates: Certificates = None,
    as_json: Json = False,
) -> None:
    """Register a machine and print the password it signs in with at the broker.

    A known machine is brought up to date and keeps its password.
    """
    sheet = sheets.one(
        serial=serial, product=product, model=model, customer=customer, station=station, tier=tier,
        site=site, site_zh=site_zh, lat=str(lat), lon=str(lon),
        commissioned=commissioned.date().isoformat(),
    )  # fmt: skip
    settings, shown = Settings(), Shown()
    keeper: Keeper = shown
    if certificates is not None:
        keeper = CertificateFolder(settings.machines_authority(), certificates)
    outcome = work.register(settings, sheet, keeper, lambda *_: None)
    password = shown.passwords.get(serial)
    if as_json:
        typer.echo(json.dumps({**work.summary(outcome), "password": password}))
        return
    typer.echo(f"{serial} is {'registered' if outcome.new else 'brought up to date'}.")
    if outcome.revoked:
        typer.echo("It is revoked and stays so; `ironpulse machines rotate` lets it in again.")
    elif not outcome.given:
        typer.echo("It keeps its password; `ironpulse machines rotate` gives it a new one.")
    _say_put_back(outcome)
    if password is not None:
        typer.echo(f"Password at the broker, shown this once: {password}")


@app.command("import")
@says_errors
def import_(
    machines: Annotated[Path | None, typer.Argument(help="CSV of machines.")] = None,
    regions: Annotated[Path | None, typer.Option(help="CSV: id, name, name_zh.")] = None,
    customers: Annotated[Path | None, typer.Option(help="CSV: id, name, name_zh.")] = None,
    stations: Annotated[
        Path | None, typer.Option(help="CSV: id, region, name, name_zh, lat, lon.")
    ] = None,
    passwords: Passwords = None,
    certificates: Certificates = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and say.")] = False,
    as_json: Json = False,
) -> None:
    """Register machines, and what they refer to, from CSV files: all of it or nothing.

    Columns of machines: serial, product, model, customer, station, tier (standard where it is
    missing), site, site_zh, lat, lon, commissioned (YYYY-MM-DD). Known machines are brought up to
    date and keep their passwords.
    """
    settings = Settings()
    if not (machines or regions or customers or stations):
        raise IronpulseError("Name at least one file: see `ironpulse machines import --help`.")
    try:
        sheet = sheets.read(machines, regions, customers, stations)
        if dry_run:
            outcome = work.look(settings, sheet)
        else:
            keeper = _keeper(settings, machines, passwords, certificates)
            with _bars() as progress:
                outcome = work.register(settings, sheet, keeper, progress)
    except sheets.SheetError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"faults": [_fault(fault) for fault in error.faults]}))
        raise typer.Exit(1) from error
    kept = None if dry_run or not outcome.given else str(keeper.path)
    if as_json:
        done = {"dry_run": dry_run, **work.summary(outcome), "kept": kept}
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    _say(outcome, dry_run, kept)


@app.command()
@says_errors
def rotate(serials: Serials, passwords: Passwords = None, as_json: Json = False) -> None:
    """Give machines new passwords; the old ones end at once, with the connections they opened."""
    shown = Shown()
    kept = None if passwords is None else PasswordFile(passwords, anew=True)
    work.rotate(Settings(), serials, kept or shown)
    if as_json:
        typer.echo(json.dumps({"passwords": shown.passwords, "kept": kept and str(kept.path)}))
    elif kept is not None:
        typer.echo(f"{len(serials)} machines have new passwords: {kept.path}")
    else:
        typer.echo("New passwords at the broker, shown this once:")
        for serial, password in shown.passwords.items():
            typer.echo(f"{serial} {password}")


@app.command()
@says_errors
def revoke(serials: Serials, as_json: Json = False) -> None:
    """Shut machines out of the broker and cut their connections; what they sent stays."""
    work.revoke(Settings(), serials)
    if as_json:
        typer.echo(json.dumps({"revoked": serials}))
    else:
        names = ", ".join(serials)
        typer.echo(f"Shut out: {names}. `ironpulse machines rotate` lets them in again.")


@app.command()
@says_errors
def retire(serials: Serials, as_json: Json = False) -> None:
    """Take machines out of the fleet: shut out, and in no list or plan any more; history stays."""
    done = work.retire(Settings(), serials)
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    before = [serial for serial in serials if serial not in done.retired]
    for words, names in (
        ("Retired", done.retired),
        ("Retired before", before),
        ("Cancelled tickets", done.cancelled),
        ("Somebody is under way, and decides about these tickets", done.left),
    ):
        if names:
            typer.echo(f"{words}: {', '.join(names)}.")


@app.command()
@says_errors
def reinstate(serials: Serials, as_json: Json = False) -> None:
    """Take retired machines into the fleet again; `rotate` lets them in at the broker."""
    back = work.reinstate(Settings(), serials)
    if as_json:
        typer.echo(json.dumps({"reinstated": back}))
        return
    never = [serial for serial in serials if serial not in back]
    if back:
        names = ", ".join(back)
        typer.echo(f"In the fleet again: {names}. `ironpulse machines rotate` lets them sign in.")
    if never:
        typer.echo(f"Not retired: {', '.join(never)}.")


@app.command()
@says_errors
def certificate(
    serials: Serials,
    folder: Annotated[Path, typer.Option("--out", file_okay=False, help="Where they go.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long they last.")] = MACHINE_DAYS,
    as_json: Json = False,
) -> None:
    """Make client certificates with which machines sign in besides their password."""
    files = work.certify(Settings(), serials, folder, days)
    if as_json:
        typer.echo(json.dumps(files))
        return
    for serial, (certificate_file, key) in files.items():
        typer.echo(f"{serial}: {certificate_file}, and its key {key}")


@app.command("list")
@says_errors
def listing(
    retired: Annotated[
        bool, typer.Option("--retired", help="Only those that were taken out of the fleet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the registered machines."""
    found = work.listing(Settings(), retired=retired)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        Console().print(table("Machines", found))


@app.command()
@says_errors
def show(
    serial: Annotated[str, typer.Argument(help="Its serial number.")], as_json: Json = False
) -> None:
    """Show a machine: what is registered, whether it may sign in, what came of what it sent."""
    found = work.show(Settings(), serial)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    facts = found | found.pop("ledger")
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' '):20} {'-' if value is None else value}")


def _keeper(
    settings: Settings, machines: Path | None, passwords: Path | None, certificates: Path | None
) -> PasswordFile | CertificateFolder:
    if certificates is not None:
        return CertificateFolder(settings.machines_authority(), certificates)
    beside = (machines or Path("machines.csv")).with_suffix(".passwords.csv")
    return PasswordFile(passwords or beside)


@contextmanager
def _bars() -> Iterator[work.Progress]:
    """A bar for each step, on standard error."""
    with Bars(console=Console(stderr=True)) as bars:
        steps: dict[str, Any] = {}

        def progress(step: str, done: int, of: int) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step, total=of)
            bars.advance(steps[step], done)

        yield progress


def _say(outcome: work.Outcome, dry_run: bool, kept: str | None) -> None:
    would = "would be" if dry_run else "were"
    typer.echo(
        f"{outcome.new} machines {would} registered, {outcome.updated} brought up to date; "
        f"{len(outcome.given)} {would} let in at the broker."
    )
    if kept is not None:
        typer.echo(f"What they sign in with, readable for you only: {kept}")
    if outcome.revoked:
        typer.echo(f"Revoked before, and so it stays: {', '.join(outcome.revoked)}")
    if not dry_run:
        _say_put_back(outcome)


def _say_put_back(outcome: work.Outcome) -> None:
    if outcome.put_back:
        typer.echo(
            f"{outcome.put_back} messages had come before and were put back: {outcome.stored} "
            f"samples stored, {outcome.merged} merged, {outcome.repeated} known already."
        )
    for reason, count in outcome.still_rejected.items():
        typer.echo(f"{count} messages that had come before still cannot be used: {reason}")


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": str(fault.file),
        "line": fault.line,
        "column": fault.column,
        "message": fault.message,
    }
