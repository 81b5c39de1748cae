"""`ironpulse backtest rules`: a rule set tried on history before it sends anybody out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.output import opened, refuse_nowhere
from ironpulse.backtest.period import Period, Since, Until, period_of
from ironpulse.backtest.rules_table import print_report
from ironpulse.backtest.sources import (
    Beside,
    History,
    file_history,
    plan_of,
    store_history,
    tier_of,
)
from ironpulse.backtest.spread import crew_of, fold_groups
from ironpulse.backtest.unfed import unfed_rules
from ironpulse.settings import Settings
from rules.backtest.course import alarms_of, finish
from rules.backtest.replay import Progress, job_of
from rules.backtest.report import Report, difference, report
from rules.compiled import compile_plan


def rules(
    product: Annotated[str, typer.Option(help="Folder of a product plan, or a product's name.")],
    rules: Annotated[
        Path | None, typer.Option(help="Rules in place of the product's own rules.yaml.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Other rules: the report ends with the difference.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="History as CSV or Parquet with machine, measured_at and signals; no server is "
            "needed. Else the store's history."
        ),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(
            help="Trouble codes that go with --csv, CSV or JSON lines, a row per active code: "
            "machine, measured_at, and spn and fmi or code."
        ),
    ] = None,
    services: Annotated[
        Path | None,
        typer.Option(
            help="Services that were done, which go with --csv, CSV or JSON lines: machine, "
            "done_at, service."
        ),
    ] = None,
    repairs: Annotated[
        Path | None,
        typer.Option(
            help="Repairs, which go with --csv, CSV or JSON lines: machine, repaired_at, and "
            "component or part."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="All faults there were, CSV or JSON lines: machine, failure_mode, onset, "
            "detectable, failed, repaired."
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    tier: Annotated[
        str | None, typer.Option(help="Service tier of the machines of a file; else standard.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the report; else printed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, with every alarm.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes to judge in; one per core otherwise.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:port.")
    ] = None,
) -> None:
    """Replay history through rules: alarms, visits they would have become, and their cost."""
    settings = Settings()
    plans = [
        plan_of(settings.products, product, file)
        for file in (rules, *([against] if against is not None else []))
    ]
    period = period_of(since, until)
    refuse_nowhere(out)
    for option, given, own in (
        ("faults", faults, "trouble codes"),
        ("services", services, "services"),
        ("repairs", repairs, "repairs"),
        ("tier", tier, "tiers"),
    ):
        if given is not None and csv is None:
            raise IronpulseError(f"--{option} goes with --csv; the store has its own {own}.")
    with (
        tempfile.TemporaryDirectory(prefix="ironpulse-") as folder,
        Bar(console=Console(stderr=True), transient=True) as bar,
    ):
        if csv is None:
            history = store_history(settings.database(), plans, period, truth)
        else:
            task = bar.add_task("reading", total=1.0)
            promised = tier_of(settings.products, product, tier or "standard")
            history = file_history(
                csv, plans, period, Path(folder), promised,
                Beside(truth, faults, services, repairs),
                lambda share: bar.update(task, completed=share),
            )  # fmt: skip
        found = replay(plans, history, period, bar, workers, scheduler)
    with opened(out) as file:
        if as_json:
            json.dump(found, file, ensure_ascii=False, indent=1)
            file.write("\n")
        else:
            print_report(found, file)


def replay(
    plans: Sequence[ProductPlan],
    history: History,
    period: Period,
    bar: Bar,
    workers: int | None = None,
    scheduler: str | None = None,
) -> dict[str, Any]:
    """Fold history through rule sets. The first one's report as JSON; where there is a second,
    with its report as `against` and with the `difference`."""
    unfed = unfed_rules(plans, history)
    task = bar.add_task("judging", total=sum(sum(group.rows) for group in history.groups))
    job = job_of(plans, history.identities, history.lessons, history.peers)
    with crew_of(workers, scheduler) as crew:
        done = fold_groups(crew, job, history.groups, lambda rows: bar.advance(task, rows))
    reports = [_report(plans[i], i, history, done, period[0]) for i in range(len(plans))]
    spoiled = {"values_left_out": sum(one.spoiled for one in done)}
    found = {"source": {**history.source, **spoiled, "unfed": unfed}, **reports[0].as_json()}
    if len(reports) > 1:
        found["against"] = reports[1].as_json()
        found["difference"] = difference(reports[0], reports[1])
    return found


def _report(
    plan: ProductPlan, index: int, history: History, done: Sequence[Progress], since: int
) -> Report:
    compiled = compile_plan(plan)
    courses = [finish(compiled, one.courses[index], history.end) for one in done]
    alarms = [alarm for course in courses for alarm in alarms_of(course.changes, since)]
    return report(plan, history.asked, sum(course.samples for course in courses), alarms)
