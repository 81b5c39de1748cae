"""The process behind wear: follows the ingest log, and every few minutes says what is due."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from fleet import clock
from fleet.plan import Catalogue
from predict.assess import Learned, assess
from predict.nightly import PORTION
from predict.plan.refill import counted_since, run_refill
from predict.plan.run import run_plan
from predict.tracking import follow_once
from store import part_plans, plans, refills, stock, wear
from store.connection import Connection, Database, StoreUnavailable, connect
from store.ingest_log import Wakeup
from store.processes import BEAT_S, Process, beat, forget

#: Dates move on without any use: so often all machines are assessed.
EVERYTHING_S = 3600.0
PAUSE_S = 1.0
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)

_log = structlog.get_logger("predict")


@dataclass
class Progress:
    """What the process knows between two rounds; nothing in it is needed after a restart."""

    catalogue: Catalogue | None = None
    learned: Learned = field(default_factory=Learned)
    versions: dict[str, str] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    next_everything_s: float = 0.0
    next_assessment_s: float = 0.0
    next_beat_s: float = 0.0
    machines: int = 0
    tickets: int = 0


def run(database_url: str, stop: threading.Event, *, every_s: float = 60.0) -> None:
    """Follow the log until `stop` is set; every `every_s` seconds bring up to date what is due
    on the machines whose use has changed.

    Goes on by itself when the database is away for a while. May be killed at any moment.
    """
    process, progress, failures = Process("predict"), Progress(), 0
    while not stop.is_set():
        try:
            with Database(database_url, max_size=2) as database:
                failures = 0
                _serve(database, process, progress, stop, every_s)
        except StoreUnavailable as error:
            if not failures:
                _log.warning("waiting for the database", error=str(error))
            stop.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
            failures += 1


def _serve(
    database: Database,
    process: Process,
    progress: Progress,
    stop: threading.Event,
    every_s: float,
) -> None:
    with connect(database.url) as listener:
        wakeup = Wakeup(listener)
        while not stop.is_set():
            _beat(database, process, progress)
            if catch_up(database, progress, stop):
                continue
            if clock.monotonic_s() >= progress.next_assessment_s:
                assess_changed(database, progress, stop)
                progress.next_assessment_s = clock.monotonic_s() + every_s
            # Use may be seconds old: many small commits are taken on together.
            stop.wait(PAUSE_S)
            wakeup.wait(PAUSE_S)
    with database.connection() as connection:
        forget(connection, process)


def catch_up(database: Database, progress: Progress, stop: threading.Event) -> bool:
    """Take one portion of the log on; False at its end."""
    if stop.is_set():
        return False
    with database.transaction() as connection:
        changed = follow_once(connection, _catalogue(connection, progress))
    progress.changed |= changed or set()
    return changed is not None


def assess_changed(database: Database, progress: Progress, stop: threading.Event) -> None:
    """Assess the machines whose use has changed, after a start all of them, in chunks."""
    with database.connection() as connection:
        catalogue = _catalogue(connection, progress)
        everything = clock.monotonic_s() >= progress.next_everything_s
        chosen = None if everything else progress.changed
        waiting = [row["id"] for row in wear.machines_to_assess(connection, chosen)]
    for start in range(0, len(waiting), PORTION):
        if stop.is_set():
            return
        chunk = waiting[start : start + PORTION]
        progress.tickets += _assess_chunk(database, catalogue, progress.learned, chunk)
        progress.changed -= set(chunk)
        progress.machines += len(chunk)
    if everything:
        plan_if_due(database, catalogue, stop)
        refill_if_due(database, catalogue, stop)
        progress.next_everything_s = clock.monotonic_s() + EVERYTHING_S


def plan_if_due(database: Database, catalogue: Catalogue, stop: threading.Event) -> int | None:
    """Make the parts plan of this month unless it was made already, or there are no warehouses;
    its number."""
    now = clock.to_datetime(clock.now_ms())
    with database.transaction() as connection:
        if stop.is_set() or not stock.warehouses(connection):
            return None
        if part_plans.last_run(connection, now.date().replace(day=1)) is not None:
            return None
        number = run_plan(connection, catalogue, now, "predict")
    _log.info("parts plan made", plan=number)
    return number


def refill_if_due(database: Database, catalogue: Catalogue, stop: threading.Event) -> int | None:
    """Say what to move between warehouses once `refill_days` have passed since somebody looked,
    where stock was counted since; its number."""
    now = clock.to_datetime(clock.now_ms())
    with database.transaction() as connection:
        basis = refills.basis(connection, now)
        if stop.is_set() or basis is None or not counted_since(basis):
            return None
        if now < basis["looked_at"] + timedelta(days=catalogue.supply.refill_days):
            return None
        number = run_refill(connection, catalogue, now, "predict")
    _log.info("shelves looked at", refill=number)
    return number


def _catalogue(connection: Connection, progress: Progress) -> Catalogue:
    """The product plans, read again when one of them changed."""
    versions = plans.versions(connection)
    if progress.catalogue is None or versions != progress.versions:
        progress.catalogue, progress.versions = plans.load_catalogue(connection), versions
        progress.learned = Learned()
    return progress.catalogue


def _assess_chunk(
    database: Database, catalogue: Catalogue, learned: Learned, chunk: Sequence[int]
) -> int:
    """Assess some machines in one transaction; how many findings reached a ticket."""
    with database.transaction() as connection:
        decisions = assess(connection, catalogue, chunk, clock.now_ms(), learned)
    reached = [decision for decision in decisions if decision.ticket_id is not None]
    if reached:
        _log.info("assessed", machines=len(chunk), findings=len(decisions), tickets=len(reached))
    return len(reached)


def _beat(database: Database, process: Process, progress: Progress) -> None:
    if clock.monotonic_s() < progress.next_beat_s:
        return
    progress.next_beat_s = clock.monotonic_s() + BEAT_S
    with database.connection() as connection:
        beat(
            connection,
            process,
            {
                "assessed": progress.machines,
                "tickets": progress.tickets,
                "waiting": len(progress.changed),
            },
        )
