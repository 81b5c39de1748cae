"""`ironpulse assess`: the whole fleet assessed now, on all cores or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed

from rich.progress import Progress

from fleet.clock import now_ms
from ironpulse.backtest.spread import Crew, crew_of
from predict.nightly import Assessed, Night, assess_portion, begin


def assess_now(
    database_url: str, bar: Progress, workers: int | None, scheduler: str | None
) -> Assessed:
    """Learn from the fleet, then bring every machine up to date."""
    task = bar.add_task("learning from the fleet", total=None)
    with crew_of(workers, scheduler) as crew:
        night, portions = begin(database_url, now_ms())
        machines = sum(map(len, portions))
        bar.update(task, description=f"{machines:,} machines", total=machines)
        return assess_fleet(crew, night, portions, lambda done: bar.advance(task, done))


def assess_fleet(
    crew: Crew, night: Night, portions: Sequence[tuple[int, ...]], told: Callable[[int], None]
) -> Assessed:
    """Assess all portions; `told` hears of how many machines each time some are done."""
    running = [crew.executor.submit(assess_portion, night, portion) for portion in portions]
    total = Assessed()
    try:
        for done in as_completed(running):
            found = done.result()
            told(found.machines)
            total += found
    finally:
        for each in running:
            each.cancel()
    return total
