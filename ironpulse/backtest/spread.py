"""Folding groups of machines on all cores, or on a Dask cluster: the same result either way."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass

from fleet.errors import IronpulseError
from rules.backtest.replay import Job, Piece, Progress, start, step

#: A scheduler may take so long to answer.
PATIENCE_S = 10.0

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Group:
    """Machines that are folded together, and their history in order of time; `rows` of each
    piece, about."""

    machine_ids: tuple[int, ...]
    pieces: tuple[Piece, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who folds: an executor, how many steps it takes at a time, and whether it runs elsewhere."""

    executor: Executor
    size: int
    elsewhere: bool = False


def fold_groups(crew: Crew, job: Job, groups: Sequence[Group], told: Told) -> list[Progress]:
    """Fold every group to its end; the results in the order of `groups`.

    Of each group one piece is under way, so memory is bounded by the crew's size; the changes
    are gathered here and do not travel. `told` hears how many rows are done.
    """
    waiting = iter(range(len(groups)))
    progress: dict[int, Progress] = {}
    running: dict[Future[Progress], tuple[int, int, Progress]] = {}

    def send(group: int, piece: int, before: Progress) -> None:
        given = groups[group].pieces[piece]
        given = given.portable() if crew.elsewhere else given
        future = crew.executor.submit(step, job, before.without_changes(), given)
        running[future] = (group, piece, before)

    def fill() -> None:
        while len(running) < 2 * crew.size and (group := next(waiting, None)) is not None:
            before = start(job, groups[group].machine_ids)
            if groups[group].pieces:
                send(group, 0, before)
            else:
                progress[group] = before

    fill()
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            group, piece, before = running.pop(future)
            after = future.result().following(before)
            told(groups[group].rows[piece])
            if piece + 1 < len(groups[group].pieces):
                send(group, piece + 1, after)
            else:
                progress[group] = after
        fill()
    return [progress[group] for group in range(len(groups))]


@contextmanager
def crew_of(workers: int | None, scheduler: str | None) -> Iterator[Crew]:
    """The cores of this machine (all, or `workers` of them), or the cluster at `scheduler`."""
    if scheduler is not None:
        with _cluster(scheduler) as crew:
            yield crew
        return
    size = workers or len(os.sched_getaffinity(0))
    if size == 1:
        with ThreadPoolExecutor(1) as executor:
            yield Crew(executor, 1)
        return
    # Arrow's threads run in this process, and a forked child would inherit their locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(size, mp_context=context) as pool:
        yield Crew(pool, size)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Crew]:
    try:
        from distributed import Client
    except ImportError as error:
        raise IronpulseError(
            "A Dask cluster needs the package `distributed`; install Ironpulse with its extra: "
            "pip install 'ironpulse[dask]'."
        ) from error
    try:
        client = Client(scheduler, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise IronpulseError(
            f"No Dask scheduler answers at {scheduler}: {error}. Start one with `dask scheduler` "
            "and give its address, tcp://host:port."
        ) from error
    with client:
        size = _threads(client.nthreads(), scheduler)
        with client.get_executor(pure=False) as executor:
            yield Crew(executor, size, elsewhere=True)


def _threads(threads: Mapping[str, int], scheduler: str) -> int:
    if not threads:
        raise IronpulseError(
            f"The Dask cluster at {scheduler} has no workers; start some with "
            f"`dask worker {scheduler}`."
        )
    return sum(threads.values())
