"""`python -m benchmarks.azure`: failures of a public fleet that had a ticket open beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.azure.data import JUDGED_FROM, TAUGHT_FROM, Event, Sample, before, read_sample
from benchmarks.azure.replay import Visit, replay
from benchmarks.shared_data import shared_data
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.errors import IronpulseError

#: Limits to choose from.
LIMITS = (1.4, 1.6, 1.8, 2.0, 2.2, 2.6)
_MONTH_MS = 365.25 / 12 * MS_PER_DAY


@dataclass(frozen=True, slots=True)
class Found:
    """Figures of the months that are judged: failures, those with a ticket open beforehand and
    those whose ticket named the component; hours of lead; tickets, and false ones."""

    failures: int
    ticketed: int
    named: int
    median_lead_h: float | None
    leads_h: tuple[float, ...]
    tickets: int
    false_tickets: int
    false_but_replaced: int
    machine_months: float

    @property
    def false_per_machine_month(self) -> float:
        return self.false_tickets / self.machine_months

    @property
    def f1(self) -> float:
        """Harmonic mean of the share of failures with a ticket and of tickets with a failure."""
        return 2 * self.ticketed / max(1, self.failures + self.ticketed + self.false_tickets)


def judge(sample: Sample, visits: Sequence[Visit], since: int, until: int) -> Found:
    """Figures for the failures and tickets in [since, until)."""
    failures = [one for one in sample.failures if since <= one.at < until]
    leads, named = [], 0
    for failure in failures:
        own = [visit for visit in visits if _beforehand(visit, failure)]
        if own:
            leads.append((failure.at - min(visit.opened for visit in own)) / MS_PER_HOUR)
            named += any(failure.what in visit.named for visit in own)
    opened = [visit for visit in visits if since <= visit.opened < until]
    false = [v for v in opened if not any(_beforehand(v, one) for one in sample.failures)]
    replaced = [v for v in false if any(_beforehand(v, one) for one in sample.replacements)]
    months = len(sample.models) * (until - since) / _MONTH_MS
    middle = median(leads) if leads else None
    return Found(
        len(failures), len(leads), named, middle, tuple(leads), len(opened), len(false),
        len(replaced), months,
    )  # fmt: skip


def _beforehand(visit: Visit, event: Event) -> bool:
    """Whether the visit was open when it happened; one is done in the hour of the replacement."""
    still = visit.done is None or visit.done >= event.at
    return visit.machine == event.machine and visit.opened < event.at and still


def choose(sample: Sample) -> float:
    """The limit with the highest F1 from the first lesson to the end of February, the higher one
    of equals; what came later is not looked at."""
    known, console = before(sample, JUDGED_FROM), Console()
    scores = {}
    for limit in LIMITS:
        found = judge(known, _replayed(known, limit), TAUGHT_FROM, JUDGED_FROM)
        scores[limit] = found.f1
        console.print(
            f"limit {limit}: {found.ticketed} of {found.failures} failures with a ticket, "
            f"{found.false_tickets} of {found.tickets} tickets false, F1 {found.f1:.3f}"
        )
    return max(scores, key=lambda limit: (scores[limit], limit))


def _replayed(sample: Sample, limit: float | None = None) -> list[Visit]:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("days", total=1.0)
        return replay(sample, lambda share: bar.update(task, completed=share), limit)


def main(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    training: Annotated[
        bool, typer.Option("--choose", help="Choose the limit on January and February only.")
    ] = False,
) -> None:
    """Replay 90 days of 20 machines, learn from January and February, judge March."""
    try:
        sample = read_sample(shared_data("azure-pdm"))
    except IronpulseError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if training:
        typer.echo(f"limit {choose(sample)} has the highest F1")
        return
    visits = _replayed(sample)
    found = judge(sample, visits, JUDGED_FROM, sample.span[1] + 1)
    if as_json:
        rate = found.false_per_machine_month
        typer.echo(json.dumps(asdict(found) | {"false_per_machine_month": rate}))
        return
    console = Console()
    console.print(
        f"{found.failures} failures in March, {found.ticketed} with a ticket open beforehand, "
        f"{found.named} of them with the component that failed on it"
    )
    lead = "none" if found.median_lead_h is None else f"{found.median_lead_h:.0f} h"
    console.print(f"median lead {lead}; a simple boosted model: 10 of the 12, 24 h")
    console.print(
        f"{found.tickets} tickets, {found.false_tickets} without a failure: "
        f"{found.false_per_machine_month:.2f} per machine-month; in {found.false_but_replaced} of "
        "them a component was replaced while the ticket was open"
    )


if __name__ == "__main__":
    typer.run(main)
