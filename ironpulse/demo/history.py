"""The demo's past: months of telemetry, and all that rules, predictions and people made of it.

Machines are simulated in other processes, product by product, while this one replays what is
ready: it writes some days of a product, lets rules and predictions work on them, sends the
service team out, and goes on to the next days. All of it is dated in its own time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fleet import clock
from fleet.batch import FaultReport, SampleBatch
from fleet.plan import Catalogue, ProductPlan
from ingest import quality
from ingest.record import bad_values
from ironpulse.demo.team import Team
from ironpulse.stack.processes import end_with
from predict.assess import Learned, assess
from predict.fleet_lives import FleetLives, PlanLives
from predict.tracking import follow_once
from rules.teacher import teach
from rules.worker import Worker
from simulators.fleet import DemoFleet, FleetMachine
from simulators.history import Past, generate
from simulators.live import save_states
from simulators.machine import Machine
from simulators.truth import Episode, write_truth
from simulators.wear import Fitted
from store import ingest_log, ledger, reports, telemetry, wear
from store.connection import Database

#: Working machines are sampled this often in history; live they report every few seconds.
STEP_S = 180.0
#: Days that are written, judged and worked off together.
WINDOW_DAYS = 5
#: The last days of the past are judged by what the fleet has taught by then: the demo shows what
#: detectors find, and judging by them all the time would double its start.
TAUGHT_DAYS = 15
#: Machines that work through the end of history, so that a live fleet takes over warm.
AWAKE_SHARE = 0.85

#: A fleet that is looked after: fewer failures than the base rates of the domain reference.
ILLNESS_RATE = 0.3
#: Their sensors fail as those of others do.
SENSOR_RATE = 1.0


@dataclass(frozen=True, slots=True)
class History:
    """One machine's past, as another process made it."""

    serial: str
    batch: SampleBatch
    faults: tuple[FaultReport, ...]
    fitted: tuple[Fitted, ...]
    past: Past


def write(
    database_url: str,
    catalogue: Catalogue,
    fleet: DemoFleet,
    ids: Mapping[str, int],
    days: int,
    seed: int,
    folder: Path,
    stop: threading.Event,
) -> None:
    """Write `days` of history up to now for all machines, with alarms, tickets and wear.

    Leaves the machines' hidden states in `folder`/machines.json and what really happened in
    `folder`/truth.jsonl. Ends early when `stop` is set.
    """
    end_ms = clock.now_ms()
    start_ms = end_ms - days * clock.MS_PER_DAY
    by_product = {p: [m for m in fleet.machines if m.product == p] for p in catalogue.plans}
    with _progress() as progress, Database(database_url) as database:
        simulated = progress.add_task("Simulating machines", total=len(fleet.machines))
        replayed = progress.add_task("Replaying their past", total=days * len(fleet.machines))
        replay = _Replay(database, catalogue, seed)
        pasts: dict[str, Past] = {}
        for product, histories in _simulate(by_product, catalogue, ids, start_ms, end_ms, seed):
            progress.advance(simulated, len(histories))
            pasts |= {history.serial: history.past for history in histories}
            for passed_days in replay.product(catalogue.plans[product], histories, ids, end_ms):
                progress.advance(replayed, passed_days * len(histories))
                if stop.is_set():
                    return
        replay.learn_lives(end_ms)
    save_states(folder / "machines.json", {serial: past.state for serial, past in pasts.items()})
    write_truth(folder / "truth.jsonl", _episodes(pasts))


def _simulate(
    by_product: Mapping[str, Sequence[FleetMachine]],
    catalogue: Catalogue,
    ids: Mapping[str, int],
    start_ms: int,
    end_ms: int,
    seed: int,
) -> Iterator[tuple[str, list[History]]]:
    """Product after product, while the next ones are being made."""
    with ProcessPoolExecutor(os.cpu_count(), None, end_with, (os.getpid(),)) as pool:
        futures: dict[str, list[Future[History]]] = {
            product: [
                pool.submit(
                    simulate_machine,
                    machine,
                    catalogue.plans[product],
                    ids[machine.serial],
                    start_ms,
                    end_ms,
                    seed,
                )
                for machine in machines
            ]
            for product, machines in by_product.items()
        }
        try:
            for product in list(futures):
                yield product, [future.result() for future in futures.pop(product)]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def simulate_machine(
    spec: FleetMachine, plan: ProductPlan, machine_id: int, start_ms: int, end_ms: int, seed: int
) -> History:
    """The past of one machine; a pure function of its arguments."""
    fitted = Machine(spec, plan, seed, start_ms).state.parts
    alone = DemoFleet((), (), (), (spec,))
    pieces = list(
        generate(
            alone,
            {plan.product: plan},
            {spec.serial: machine_id},
            start_ms,
            end_ms,
            step_s=STEP_S,
            seed=seed,
            awake_share=AWAKE_SHARE,
            illness_rate=ILLNESS_RATE,
            sensor_rate=SENSOR_RATE,
        )
    )
    past = pieces[-1].past
    assert past is not None, "the last piece of a machine carries its past"
    faults = tuple(report for piece in pieces for report in piece.faults)
    batch = _joined([piece.batch for piece in pieces])
    return History(spec.serial, batch, faults, tuple(fitted), past)


class _Replay:
    """Lets the past of one product after the other happen in the store."""

    def __init__(self, database: Database, catalogue: Catalogue, seed: int) -> None:
        self._database = database
        self._catalogue = catalogue
        self._rules = Worker(database, as_it_came=True)
        self._team = Team(catalogue, seed)
        # The past goes by the plans' lives; what it teaches about them is learned at its end.
        self._learned = Learned(lives=PlanLives())
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="usage")

    def product(
        self,
        plan: ProductPlan,
        histories: Sequence[History],
        ids: Mapping[str, int],
        end_ms: int,
    ) -> Iterator[float]:
        """Replay machines of one product; yields the days passed after each window."""
        with self._database.transaction() as connection:
            wear.record_fitted(connection, _fittings(histories, ids))
        batch = _joined([history.batch for history in histories])
        batch = batch.take(np.argsort(batch.measured_at, kind="stable"))
        faults = sorted(
            (report for history in histories for report in history.faults),
            key=lambda report: report.measured_at,
        )
        machines = sorted({int(number) for number in np.unique(batch.machine_id)})
        self._team.knows(
            {history.serial: ids[history.serial] for history in histories},
            _episodes({history.serial: history.past for history in histories}),
            {history.serial: history.fitted for history in histories},
        )
        since = int(batch.measured_at[0])
        while since < end_ms:
            until = min(since + WINDOW_DAYS * clock.MS_PER_DAY, end_ms)
            first, last = np.searchsorted(batch.measured_at, [since, until])
            now_ms = self._write(
                plan,
                batch.take(np.arange(first, last)),
                [report for report in faults if since <= report.measured_at < until],
                until,
            )
            self._work(plan, machines, now_ms)
            if end_ms - now_ms <= TAUGHT_DAYS * clock.MS_PER_DAY:
                self._teach(plan, now_ms)
            if until == end_ms:
                with self._database.transaction() as connection:
                    self._team.take_on(connection, plan.product, end_ms)
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
                marks = quality.mark(batch, quality.limits_of(plan))
                found = quality.implausible(batch.signals, marks)
                batch = replace(batch, implausible=found)
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

    def _work(self, plan: ProductPlan, machines: Sequence[int], now_ms: int) -> None:
        # Alarms and usage do not depend on each other: one waits for the database while the
        # other computes.
        usage = self._beside.submit(self._follow)
        while self._rules.step():
            pass
        usage.result()
        with self._database.transaction() as connection:
            assess(connection, self._catalogue, machines, now_ms, self._learned)
            self._team.work(connection, plan.product, now_ms)

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


def _joined(batches: Sequence[SampleBatch]) -> SampleBatch:
    return replace(
        batches[0],
        machine_id=np.concatenate([batch.machine_id for batch in batches]),
        measured_at=np.concatenate([batch.measured_at for batch in batches]),
        received_at=np.concatenate([batch.received_at for batch in batches]),
        values=np.asfortranarray(np.concatenate([batch.values for batch in batches])),
    )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:24}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
