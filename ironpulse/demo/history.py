"""The demo's past: months of telemetry, and all that rules, predictions and people made of it.

Machines are simulated in other processes, some of a product at a time, while this one replays
those before: it writes some days of theirs, lets rules and predictions work on them, sends the
service team out, and goes on to the next days. All of it is dated in its own time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fleet import clock
from fleet.batch import FaultReport, SampleBatch
from fleet.plan import Catalogue, ProductPlan
from ingest import quality
from ingest.record import bad_values
from ironpulse.demo.past import History, between, groups, simulate
from ironpulse.demo.team import Team
from predict.assess import Learned, assess
from predict.fleet_lives import FleetLives, PlanLives
from predict.tracking import follow_once
from rules.live.teacher import teach
from rules.live.worker import Worker
from simulators.fleet import DemoFleet
from simulators.history import Past
from simulators.live import save_states
from simulators.truth import Episode, write_truth
from store import ingest_log, ledger, reports, telemetry, wear
from store.connection import Database

#: Days that are written, judged and worked off together.
WINDOW_DAYS = 5
#: The last days of the past are judged by what the fleet has taught by then: the demo shows what
#: detectors find, and judging by them all the time would double its start.
TAUGHT_DAYS = 15


def write(
    database_url: str,
    catalogue: Catalogue,
    fleet: DemoFleet,
    ids: Mapping[str, int],
    days: int,
    seed: int,
    folder: Path,
    stop: threading.Event,
    console: Console,
) -> None:
    """Write `days` of history up to now for all machines, with alarms, tickets and wear.

    Leaves the machines' hidden states in `folder`/machines.json and what really happened in
    `folder`/truth.jsonl. Ends early when `stop` is set.
    """
    end_ms = clock.now_ms()
    start_ms = end_ms - days * clock.MS_PER_DAY
    with _progress(console) as progress, Database(database_url) as database:
        replayed = progress.add_task("Simulating and replaying", total=days * len(fleet.machines))
        replay = _Replay(database, catalogue, seed)
        pasts: dict[str, Past] = {}
        for product, histories in simulate(
            list(groups(fleet, catalogue)), catalogue, ids, start_ms, end_ms, seed
        ):
            pasts |= {history.serial: history.past for history in histories}
            for passed_days in replay.machines(catalogue.plans[product], histories, ids, end_ms):
                progress.advance(replayed, passed_days * len(histories))
                if stop.is_set():
                    return
        replay.learn_lives(end_ms)
    save_states(folder / "machines.json", {serial: past.state for serial, past in pasts.items()})
    write_truth(folder / "truth.jsonl", _episodes(pasts))


class _Replay:
    """Lets the past of one group of machines after the other happen in the store."""

    def __init__(self, database: Database, catalogue: Catalogue, seed: int) -> None:
        self._database = database
        self._catalogue = catalogue
        self._rules = Worker(database, as_it_came=True)
        self._team = Team(catalogue, seed)
        # The past goes by the plans' lives; what it teaches about them is learned at its end.
        self._learned = Learned(lives=PlanLives())
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="usage")

    def machines(
        self,
        plan: ProductPlan,
        histories: Sequence[History],
        ids: Mapping[str, int],
        end_ms: int,
    ) -> Iterator[float]:
        """Replay machines of one product; yields the days passed after each window."""
        serials = {history.serial for history in histories}
        with self._database.transaction() as connection:
            wear.record_fitted(connection, _fittings(histories, ids))
        faults = sorted(
            (report for history in histories for report in history.faults),
            key=lambda report: report.measured_at,
        )
        self._team.knows(
            {serial: ids[serial] for serial in serials},
            _episodes({history.serial: history.past for history in histories}),
            {history.serial: history.fitted for history in histories},
        )
        since = min(int(history.batch.measured_at[0]) for history in histories)
        while since < end_ms:
            until = min(since + WINDOW_DAYS * clock.MS_PER_DAY, end_ms)
            now_ms = self._write(
                plan,
                between([history.batch for history in histories], since, until),
                [report for report in faults if since <= report.measured_at < until],
                until,
            )
            self._work(plan, {serial: ids[serial] for serial in serials}, now_ms)
            if end_ms - now_ms <= TAUGHT_DAYS * clock.MS_PER_DAY:
                self._teach(plan, now_ms)
            if until == end_ms:
                with self._database.transaction() as connection:
                    self._team.take_on(connection, plan.product, serials, end_ms)
            yield (until - since) / clock.MS_PER_DAY
            since = until

    def _write(
        self,
        plan: ProductPlan,
        batch: SampleBatch,
        faults: Sequence[FaultReport],
        until: int,
    ) -> int:
        """Write some days as ingest would have, received when they were measured."""
        with self._database.transaction() as connection:
            entries = []
            tallies: dict[int, ledger.Tally] = {}
            if len(batch):
                batch, marks = quality.judged(batch, quality.limits_of(plan))
                ledger.add_bad_values(connection, bad_values(batch, marks))
                batch_id = ingest_log.next_id(connection)
                telemetry.write(connection, plan, batch, batch_id)
                entries.append(_entry(batch_id, "telemetry", plan, batch.measured_at, until))
                _count(tallies, batch.machine_id, batch.measured_at)
            if faults:
                batch_id = ingest_log.next_id(connection)
                reports.write_faults(connection, faults, batch_id)
                times = np.array([report.measured_at for report in faults])
                entries.append(_entry(batch_id, "faults", plan, times, until))
                _count(tallies, np.array([report.machine_id for report in faults]), times)
            ledger.add(connection, tallies)
            ingest_log.append(connection, entries)
        return until

    def _work(self, plan: ProductPlan, machines: Mapping[str, int], now_ms: int) -> None:
        # Alarms and usage do not depend on each other: one waits for the database while the
        # other computes.
        usage = self._beside.submit(self._follow)
        while self._rules.step():
            pass
        usage.result()
        with self._database.transaction() as connection:
            assess(connection, self._catalogue, sorted(machines.values()), now_ms, self._learned)
            self._team.work(connection, plan.product, machines.keys(), now_ms)

    def _teach(self, plan: ProductPlan, now_ms: int) -> None:
        """Have the product's fleet teach its detectors if its day has come."""
        with self._database.transaction() as connection:
            teach(connection, plan, now_ms)
        self._rules.forget_identities()

    def learn_lives(self, now_ms: int) -> None:
        """Learn how long parts last from those that were worn out in the past."""
        with self._database.transaction() as connection:
            FleetLives().learn(connection, self._catalogue, now_ms)

    def _follow(self) -> None:
        with self._database.transaction() as connection:
            while follow_once(connection, self._catalogue) is not None:
                pass


def _entry(
    batch_id: int,
    kind: ingest_log.Kind,
    plan: ProductPlan,
    times: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    received_ms: int,
) -> ingest_log.NewEntry:
    return ingest_log.NewEntry(
        batch_id,
        kind,
        plan.product,
        len(times),
        int(times.min()),
        int(times.max()),
        received_ms,
    )


def _count(
    tallies: dict[int, ledger.Tally],
    machine_ids: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    times: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> None:
    for machine_id in np.unique(machine_ids).tolist():
        own = times[machine_ids == machine_id]
        newest = int(own.max())
        tally = tallies.setdefault(machine_id, ledger.Tally(last_received=newest))
        tally.last_received = max(tally.last_received, newest)
        tally.messages += len(own)
        tally.stored += len(own)
        tally.saw(int(own.min()), newest)


def _fittings(histories: Sequence[History], ids: Mapping[str, int]) -> list[wear.Fitting]:
    return [
        wear.Fitting(
            ids[history.serial],
            part.part,
            part.position,
            clock.to_datetime(part.fitted_ms),
            part.used,
        )
        for history in histories
        for part in history.fitted
    ]


def _episodes(pasts: Mapping[str, Past]) -> list[Episode]:
    return [episode for past in pasts.values() for episode in past.episodes]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:24}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
    )
