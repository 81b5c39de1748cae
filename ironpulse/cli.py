"""The command line: `ironpulse COMMAND`. Exit code 0 only if it worked."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from typer.core import TyperGroup
from typer.main import get_group

from fleet.text import Language
from ironpulse.accounts import app as accounts_app
from ironpulse.foreground import says_errors, stop_on_signals
from ironpulse.machines.cli import app as machines_app
from ironpulse.plan import app as plan_app
from ironpulse.rejected import app as rejected_app
from ironpulse.settings import Settings
from ironpulse.stack.cli import app as stack_app
from ironpulse.stock_import import parts_app, warehouses_app
from ironpulse.supervisor import Service, keep_running
from ironpulse.tables import table


class _Backtest(TyperGroup):
    """The commands of `ironpulse backtest`. Their imports take a third of a second, which no
    process pays that is not asked for one of them."""

    @property
    def commands(self) -> MutableMapping[str, Any]:
        """The commands by name."""
        from ironpulse.backtest.cli import app as commands

        return get_group(commands).commands

    @commands.setter
    def commands(self, _none: MutableMapping[str, Any]) -> None:
        """There is nothing to set: Typer knows of none."""


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="After-sales service that knows first: telemetry, rules, wear, tickets and parts.",
)
backtest_app = typer.Typer(
    cls=_Backtest, no_args_is_help=True, help="Rules and models tried on history, or on any file."
)
products_app = typer.Typer(no_args_is_help=True, help="The product plans: rules, parts, services.")
app.add_typer(stack_app, name="stack")
app.add_typer(products_app, name="products")
app.add_typer(machines_app, name="machines")
app.add_typer(accounts_app, name="accounts")
app.add_typer(backtest_app, name="backtest")
app.add_typer(rejected_app, name="rejected")
app.add_typer(plan_app, name="plan")
app.add_typer(parts_app, name="parts")
app.add_typer(warehouses_app, name="warehouses")

Host = Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0: at every one.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]


@app.command()
@says_errors
def demo(
    port: Annotated[
        int, typer.Option(help="Port of the dashboard; the API takes the next.")
    ] = 8501,
    machines: Annotated[int, typer.Option(min=5, max=2000, help="Machines of the fleet.")] = 60,
    seed: Annotated[int, typer.Option(help="Same seed, same fleet and history.")] = 1,
    speed: Annotated[
        float,
        typer.Option(min=0.1, max=1000, help="How much faster than life faults grow."),
    ] = 60.0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what an earlier demo left.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days of history.")] = 90,
) -> None:
    """Run everything on this machine: servers, history, live machines, API and dashboard."""
    from ironpulse.demo.run import DemoOptions, run

    run(DemoOptions(port, machines, seed, speed, fresh, days), stop_on_signals())


@app.command()
@says_errors
def migrate() -> None:
    """Bring the database up to date and load the product plans into it."""
    from fleet.loader import load_catalogue
    from store.migrate import migrate as bring_up_to_date

    settings = Settings()
    catalogue = load_catalogue(settings.products)
    done = bring_up_to_date(settings.database(), catalogue)
    for step in done:
        typer.echo(step)
    typer.echo(f"The database is up to date; {len(catalogue.plans)} product plans are loaded.")


@app.command()
@says_errors
def ingest(
    client_id: Annotated[
        str,
        typer.Option(help="Name of the persistent session at the broker; none: a secret one."),
    ] = "",
    metrics_port: Annotated[int | None, typer.Option(help="Port for Prometheus.")] = None,
    sparkplug: Annotated[
        str, typer.Option(help="Host id for edge nodes of Sparkplug B; '' where there are none.")
    ] = "ironpulse",
    workers: Annotated[
        int, typer.Option(min=1, max=16, help="Processes that share one subscription.")
    ] = 1,
    worker: Annotated[
        int | None, typer.Option(min=1, max=16, help="Run only this one of them, in this process.")
    ] = None,
) -> None:
    """Take messages from the broker into the store; acknowledge after the commit."""
    if workers > 1 and worker is None:
        crew = [
            _ingest_worker(n, workers, client_id, metrics_port, sparkplug)
            for n in range(1, workers + 1)
        ]
        keep_running(crew, stop_on_signals())
        return
    from ingest.service import run
    from ingest.sessions import secret_name

    settings = Settings()
    mqtt_url = settings.mqtt()
    run(
        database_url=settings.database(),
        mqtt_url=mqtt_url,
        client_id=client_id or secret_name(mqtt_url),
        metrics_port=metrics_port,
        sparkplug_host=sparkplug or None,
        workers=workers,
        worker=worker or 1,
        stop=stop_on_signals(),
        keep=settings.keep(),
    )


def _ingest_worker(
    number: int, workers: int, client_id: str, metrics_port: int | None, sparkplug: str
) -> Service:
    """One worker of several, from 1; each has its own port for Prometheus."""
    arguments = ["ingest", "--workers", f"{workers}", "--worker", f"{number}"]
    arguments += ["--client-id", client_id, "--sparkplug", sparkplug]
    if metrics_port is not None:
        arguments += ["--metrics-port", f"{metrics_port + number - 1}"]
    return Service(f"ingest {number}", tuple(arguments))


@app.command()
@says_errors
def rules(
    workers: Annotated[
        int, typer.Option(min=1, max=16, help="Processes that share the machines.")
    ] = 1,
) -> None:
    """Judge what arrives in the store and raise alarms and tickets."""
    from rules.live.worker import run

    if workers > 1:
        crew = [Service(f"rules {n}", ("rules",)) for n in range(1, workers + 1)]
        keep_running(crew, stop_on_signals())
        return
    run(Settings().database(), stop_on_signals())


@app.command()
@says_errors
def predict() -> None:
    """Count the use of fitted parts; predict remaining life; raise wear-part alerts."""
    from predict.worker import run

    run(Settings().database(), stop_on_signals())


@app.command()
@says_errors
def assess(
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are cores.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:port.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring remaining life, dates, services, alerts and visits of the whole fleet up to date."""
    from ironpulse.assess import assess_now

    with Progress(console=Console(stderr=True), transient=True) as bar:
        found = assess_now(Settings().database(), bar, workers, scheduler)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(
        f"{found.machines:,} machines assessed, {found.findings:,} findings, "
        f"{found.tickets:,} of them on a ticket."
    )


@app.command()
@says_errors
def api(
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Serve people and systems over HTTP."""
    from api.app import run

    run(Settings().database(), host, port, stop_on_signals())


@app.command()
@says_errors
def dashboard(
    host: Host = "127.0.0.1",
    port: Port = 8501,
) -> None:
    """Serve the dashboard, a client of the API at IRONPULSE_API_URL."""
    from ironpulse.dashboard import serve

    serve(Settings().api_url, host, port)


@app.command()
@says_errors
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder of a demo: fleet, devices, states.")],
    seed: Annotated[int, typer.Option(help="The seed the fleet was made with.")] = 1,
    speed: Annotated[
        float,
        typer.Option(min=0.1, max=1000, help="How much faster than life faults grow."),
    ] = 60.0,
    period: Annotated[float, typer.Option(min=0.2, help="Seconds between two reports.")] = 2.0,
) -> None:
    """Let the machines of a demo live: each a device of its own over MQTT."""
    from ironpulse.demo.live import live

    live(Settings(), folder, seed, speed, period, stop_on_signals())


@products_app.command("check")
@says_errors
def products_check(
    directory: Annotated[Path | None, typer.Argument(help="Folder of the plans.")] = None,
    as_json: Json = False,
) -> None:
    """Check every plan against everything and run the tests beside its rules."""
    from rules.plan_tests import check_products

    report = check_products(directory or Settings().products)
    typer.echo(json.dumps(report.as_json()) if as_json else report.as_text())
    if not report.ok:
        raise typer.Exit(1)


@app.command()
@says_errors
def lives(
    as_json: Json = False,
    language: Annotated[Language, typer.Option(help="Language of names and checks.")] = "en",
) -> None:
    """Say what the fleet's replacements tell about the life of parts, and how sure that is."""
    from ironpulse.lives import listing

    with Progress(console=Console(stderr=True), transient=True) as bar:
        found = list(bar.track(listing(Settings(), language), description="parts"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for row in found:
        row.pop("factors")
        row["checks"] = "\n".join(check["text"] for check in row["checks"] if not check["passed"])
    Console().print(table("Lives of parts", found))


@app.command()
@says_errors
def status(as_json: Json = False) -> None:
    """Say what runs, at which addresses, and how far behind each consumer is."""
    from ironpulse.status import read_status

    found = read_status(Settings())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    Console().print(table("Servers", found["servers"]))
    Console().print(table("Processes", found["processes"]))
    Console().print(table("Samples received", found["samples"]))
    Console().print(table("Machines by connection", found["connections"]))
    if found["rejected"]:
        Console().print(table("Rejected messages", found["rejected"]))
    if found["losses"]:
        Console().print(table("Losses", found["losses"]))
    Console().print(table("Consumers of the ingest log", found["consumers"]))
    Console().print(table("Machines at the workers of the rules", found["rule_workers"]))
