"""The process that judges what arrives: it follows the ingest log, folds new samples and fault
reports over the state of their machines, and writes alarms, findings, states and its place in
the log in one transaction."""

from __future__ import annotations

import gc
import os
import secrets
import socket
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from typing import Any

import structlog

from fleet import clock
from fleet.batch import FaultReport, SampleBatch
from fleet.plan import Catalogue
from rules.alarms.lifecycle import Entry, Ledger
from rules.contact.clocks import judge_clocks
from rules.contact.silence import judge_silence
from rules.live import teacher
from rules.live.desk import Desk
from rules.live.keeping import Work
from rules.live.showing import show_left_behind
from store import alarms, ingest_log, partitions, plans, processes, suppressions
from store.connection import Connection, Database, StoreUnavailable, connect
from store.ingest_log import LogEntry
from store.reading import read_batches
from store.reports import read_faults
from tickets.dispatch import dispatch

#: Rows folded in one transaction, about; more entries of the log are taken together when behind.
MOST_SAMPLES = 200_000
MOST_ENTRIES = 500
#: While there is work, what is known of machines is shown so often, of that share of those that
#: wait: after five seconds nobody waits any more, and no step is held up by all of them at once.
_SHOW_S = 0.5
_SHOW_SHARE = 0.1
#: Connections, late alarms and changed plans are looked at this often.
TICK_S = 2.0
#: A worker says that it lives, and looks which machines are its own, this often.
BALANCE_S = 1.0
IDENTITIES_S = 60.0
#: After its own start, and after an ingest was away, a worker listens for so long before it
#: takes silence for a machine's own.
LISTEN_FIRST_S = 15.0
#: A backlog that has stopped for so long will not catch up: what still stands is told then.
BACKLOG_OVER_MS = 60_000
_RETRY_S = 1.0
_WAIT_S = 1.0
#: An end waits so long for a lesson.
_LESSON_S = 2.0

log = structlog.get_logger()


def run(database_url: str, stop: threading.Event) -> None:
    """Judge what arrives until `stop` is set; waits for the database where it is away."""
    # Every step makes objects by the ten thousand that live until the next one: at the usual
    # thresholds looking for cycles among them takes a tenth of the time.
    gc.set_threshold(100_000, 50, 1_000)
    process = processes.Process("rules", instance=_name())
    away = False
    # A lesson under way may be lost: it is not committed, and taught at the next start.
    learning = threading.Thread(
        target=teacher.run, args=(database_url, stop), name="teacher", daemon=True
    )
    learning.start()
    while not stop.is_set():
        try:
            with Database(database_url, max_size=2) as database:
                away = False
                _serve(database, process, stop)
        except StoreUnavailable as error:
            if not away:
                log.warning("database away, waiting", error=str(error))
            away = True
            stop.wait(_RETRY_S)
    learning.join(_LESSON_S)


def _name() -> str:
    """A name that no other worker has, on whichever computer."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def _serve(database: Database, process: processes.Process, stop: threading.Event) -> None:
    worker = Worker(database, name=process.instance)
    with connect(database.url) as listening:
        wakeup = ingest_log.Wakeup(listening)
        beat_at = identities_at = tick_at = balance_at = clock.monotonic_s()
        listening_at = tick_at + LISTEN_FIRST_S
        while not stop.is_set():
            if clock.monotonic_s() >= balance_at:
                with database.transaction() as connection:
                    partitions.balance(connection, process.instance)
                balance_at = clock.monotonic_s() + BALANCE_S
            if clock.monotonic_s() >= beat_at:
                with database.connection() as connection:
                    processes.beat(connection, process, worker.detail)
                beat_at = clock.monotonic_s() + processes.BEAT_S
            behind = worker.step()
            now_s = clock.monotonic_s()
            if now_s >= tick_at:
                with database.connection() as connection:
                    if not processes.hears(connection, clock.now_ms()):
                        listening_at = now_s + LISTEN_FIRST_S
                worker.tick(clock.now_ms(), listening=now_s >= listening_at)
                tick_at = now_s + TICK_S
            if now_s >= identities_at:
                worker.forget_identities()
                identities_at = now_s + IDENTITIES_S
            if not behind:
                wakeup.wait(_WAIT_S)
    with database.transaction() as connection:
        partitions.leave(connection, process.instance)
        processes.forget(connection, process)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to judge next: `partitions` whose cursors stand together at `position`, up to `last`,
    where others wait for them (None: to the end)."""

    partitions: tuple[int, ...]
    position: int
    last: int | None


def place_of(cursors: dict[int, int]) -> Place:
    """The partitions that are furthest behind: what a dead worker left catches up first."""
    behind, *ahead = sorted(set(cursors.values()))
    own = tuple(part for part, position in cursors.items() if position == behind)
    return Place(own, behind, ahead[0] if ahead else None)


class Worker:
    """Judges what the ingest log holds, one transaction after the other.

    A worker with a `name` judges the machines whose partitions it has (store.partitions); one
    without shares with nobody. `as_it_came` is for history that is loaded afterwards: everything
    is dated and decided as if each sample had arrived when it was measured.
    """

    def __init__(
        self, database: Database, *, as_it_came: bool = False, name: str | None = None
    ) -> None:
        self._database = database
        self._as_it_came = as_it_came
        self._name = name
        self._versions: dict[str, str] = {}
        self._desks: dict[str, Desk] = {}
        self._cursors: dict[int, int] = {}
        self._show_at = 0.0
        self._reader = ThreadPoolExecutor(1, "reader")
        self.detail: dict[str, Any] = {"samples": 0, "alarms": 0, "partitions": []}
        with database.connection() as connection:
            self._load(connection)

    def step(self) -> bool:
        """Judge the next entries of the log; False when there were none."""
        now = clock.now_ms()
        done: dict[str, Work] = {}
        try:
            with self._database.transaction() as connection:
                place = self._take_place(connection)
                if place is None:
                    return False
                entries = _affordable(
                    ingest_log.between(connection, place.position, place.last, MOST_ENTRIES)
                )
                self._show(connection, busy=bool(entries))
                if not entries:
                    return False
                with closing(self._read_ahead(entries, place.partitions)) as read:
                    for product, own, batch in read:
                        reports = _reports(connection, own, place.partitions)
                        desk = self._desks[product]
                        done[product] = desk.judge(connection, batch, reports, now)
                self._write(connection, [e for work in done.values() for e in work.entries], now)
                partitions.advance(connection, place.partitions, entries[-1].position)
        except BaseException:
            self._forget()
            raise
        self._cursors.update(dict.fromkeys(place.partitions, entries[-1].position))
        for product, work in done.items():
            self._desks[product].commit(work)
            self.detail["alarms"] += len(work.entries)
        self.detail["samples"] += sum(entry.samples for entry in entries)
        return True

    def _show(self, connection: Connection, *, busy: bool) -> None:
        """Show what is known of machines: of all where there is time, else of some at a time."""
        if busy and clock.monotonic_s() < self._show_at:
            return
        for desk in self._desks.values():
            desk.show(connection, _SHOW_SHARE if busy else 1.0)
        self._show_at = clock.monotonic_s() + _SHOW_S

    def tick(self, now: int, *, listening: bool = True) -> None:
        """Look at what time alone changes: connections, late alarms that still stand, plans.

        Without `listening` for a while, silence is nobody's fault yet.
        """
        try:
            with self._database.transaction() as connection:
                self._take_place(connection)
                own = tuple(self._cursors)
                if plans.versions(connection) != self._versions:
                    self._load(connection)
                suppressions.apply(connection, now, partitions=own)
                alarms.close_retired(connection, now)  # raised while they were being retired
                entries = judge_silence(connection, self._catalogue, own, now, listening=listening)
                entries += judge_clocks(connection, self._catalogue, own, now)
                for desk in self._desks.values():
                    entries += _caught_up(connection, desk, own, now)
                self._write(connection, entries, now)
        except BaseException:
            self._versions = {}
            raise

    def forget_identities(self) -> None:
        """Ask the registry anew about every machine."""
        for desk in self._desks.values():
            desk.forget_identities()

    def _load(self, connection: Connection) -> None:
        """Take over the plans as they are now; alarms of rules that are gone, or judge
        otherwise now, are closed."""
        self._versions = plans.versions(connection)
        self._catalogue: Catalogue = plans.load_catalogue(connection)
        self._forget()
        for product, plan in self._catalogue.plans.items():
            alarms.close_orphans(connection, product, set(plan.rule), clock.now_ms())
            alarms.close_changed(connection, product, clock.now_ms())

    def _forget(self) -> None:
        """Drop what is in memory; it is read from the store again."""
        self._cursors = {}
        self._new_desks()

    def _new_desks(self) -> None:
        self._desks = {
            product: Desk(self._catalogue, product, as_it_came=self._as_it_came)
            for product in self._catalogue.plans
        }

    def _take_place(self, connection: Connection) -> Place | None:
        """Lock the cursors that are this worker's; None where it has none. Where others are its
        own now, or somebody else moved one, what is in memory is old."""
        cursors = partitions.take(connection, self._name)
        if cursors != self._cursors:
            self._new_desks()
            self._cursors = cursors
            compiled = {product: desk.compiled for product, desk in self._desks.items()}
            show_left_behind(connection, compiled, tuple(cursors))
            self.detail["partitions"] = list(cursors)
        return place_of(cursors) if cursors else None

    def _read_ahead(
        self, entries: Sequence[LogEntry], parts: tuple[int, ...]
    ) -> Generator[tuple[str, list[LogEntry], SampleBatch | None]]:
        """Each product with its entries and their samples. While those of one product are judged,
        the database puts together those of the next."""
        some = None if len(parts) == partitions.PARTITIONS else parts
        own: dict[str, list[LogEntry]] = {}
        for entry in sorted(entries, key=lambda entry: entry.product):
            own.setdefault(entry.product, []).append(entry)

        def read(product: str) -> SampleBatch | None:
            telemetry = [entry for entry in own[product] if entry.kind == "telemetry"]
            plan = self._catalogue.plans[product]
            return read_batches(reading, plan, telemetry, partitions=some) if telemetry else None

        with self._database.connection() as reading:
            ahead = deque([self._reader.submit(read, next(iter(own)))])
            try:
                for product, following in zip_longest(own, islice(own, 1, None)):
                    batch = ahead.popleft().result()
                    if following is not None:
                        ahead.append(self._reader.submit(read, following))
                    yield product, own[product], batch
            finally:
                wait(ahead)  # nobody may have the connection while it is being read from

    def _write(self, connection: Connection, entries: Sequence[Entry], now: int) -> None:
        """Write alarms, then hand their findings over to tickets."""
        kept = [one for one in entries if not one.dropped or one.record.id is not None]
        ids = alarms.write(connection, [entry.record for entry in kept]) if kept else []
        for entry, alarm_id in zip(kept, ids, strict=True):
            if entry.absorbed:
                alarms.move_findings(connection, entry.absorbed, alarm_id)
            if entry.reopened:
                alarms.take_back_finding(connection, alarm_id, entry.record.spans[-1][0])
        gone = [one for entry, one in zip(kept, ids, strict=True) if entry.dropped]
        alarms.remove(connection, gone)
        findings = [
            replace(finding, alarm_id=alarm_id)
            for entry, alarm_id in zip(kept, ids, strict=True)
            for finding in entry.findings
        ]
        findings.sort(key=lambda finding: finding.happened_at)
        if self._as_it_came:
            for finding in findings:
                dispatch(connection, self._catalogue, [finding], finding.happened_at)
        elif findings:
            dispatch(connection, self._catalogue, findings, now)


def _reports(
    connection: Connection, entries: Sequence[LogEntry], parts: tuple[int, ...]
) -> list[FaultReport]:
    """The fault reports of entries, of machines in these partitions."""
    return [
        report
        for entry in entries
        if entry.kind == "faults"
        for report in read_faults(connection, entry)
        if report.machine_id % partitions.PARTITIONS in parts
    ]


def _affordable(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """As many of the entries as one transaction should take; at least one."""
    chosen: list[LogEntry] = []
    rows = 0
    for entry in entries:
        if chosen and rows + entry.samples > MOST_SAMPLES:
            break
        chosen.append(entry)
        rows += entry.samples
    return chosen


def _caught_up(connection: Connection, desk: Desk, parts: tuple[int, ...], now: int) -> list[Entry]:
    """Page for alarms that waited and still stand; end the flapping of those that are quiet."""
    flapping = alarms.flapping(connection, desk.plan.product, parts)
    due = desk.booking.due(now, now - BACKLOG_OVER_MS)
    waiting = alarms.waiting(connection, desk.plan.product, parts, due)
    if not waiting and not flapping:
        return []
    machines = {*waiting, *flapping}
    records = alarms.live(connection, machines)
    since = min((record.spans[-1][0] for record in records), default=now)
    ledger = Ledger(records, suppressions.of_machines(connection, machines, since))
    settings = {rule.id: desk.booking.setting(rule.id, now) for rule in desk.plan.rules}
    ledger.judge_waiting(settings, waiting)
    ledger.steady(settings, flapping)
    return list(ledger.entries)
