"""What is measured: fresh servers, the production ingest, and a consumer that watches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.ingest import pumps
from benchmarks.ingest.processes import tree
from benchmarks.wire import Address
from fleet import clock
from fleet.errors import IronpulseError
from ironpulse.settings import with_user
from ironpulse.stack import LocalStack
from ironpulse.stack.postgres import make_database
from store.connection import Connection, connect
from store.ingest_log import Wakeup
from store.machines import register
from store.migrate import migrate

PATIENCE_S = 120.0
_POLL_S = 0.05
_databases = count(1)


@dataclass(frozen=True, slots=True)
class System:
    """Servers of one run, and a database of one measurement."""

    stack: LocalStack
    database_url: str
    machines: int

    @property
    def publishers(self) -> Address:
        """The broker, for somebody who may publish as any machine."""
        where = self.stack.addresses
        parts = urlsplit(where.mqtt_url)
        assert parts.hostname and parts.port
        return Address(parts.hostname, parts.port, where.mqtt_admin_user, where.mqtt_admin_password)

    @property
    def mqtt_url(self) -> str:
        """The broker with the account of the ingest."""
        where = self.stack.addresses
        return with_user(where.mqtt_url, where.mqtt_ingest_user, where.mqtt_ingest_password)

    def pids(self, server: str) -> list[int]:
        """The processes of `postgres` or `mosquitto`."""
        return tree(self.stack.pids[server])


@contextmanager
def servers() -> Iterator[LocalStack]:
    """A new database server and a new broker, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ironpulse-bench-"))
    folder.chmod(0o755)  # the servers' own account must get in
    try:
        with LocalStack(folder) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def system(stack: LocalStack, machines: int) -> Iterator[System]:
    """A new database with the product and its machines, gone afterwards."""
    base = stack.addresses.database_url.rsplit("/", 1)[0]
    name = f"bench_{next(_databases)}"
    make_database(f"{base}/postgres", name)
    url = f"{base}/{name}"
    try:
        with connect(url) as connection:
            connection.execute("create extension if not exists timescaledb")
        migrate(url, pumps.catalogue())
        with connect(url) as connection:
            register(connection, pumps.registration(machines))
        yield System(stack, url, machines)
    finally:
        with connect(f"{base}/postgres") as connection:
            connection.execute(f'drop database if exists "{name}" with (force)')


@contextmanager
def ingest(system: System, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    """`ironpulse ingest` as it runs in production, once all its workers have subscribed."""
    command = [sys.executable, "-m", "ironpulse", "ingest", "--sparkplug", ""]
    if workers > 1:
        command += ["--workers", str(workers)]
    servers = {
        "IRONPULSE_DATABASE_URL": system.database_url,
        "IRONPULSE_MQTT_URL": system.mqtt_url,
    }
    words = Path(tempfile.mkstemp(prefix="ironpulse-bench-", suffix=".log")[1])
    with words.open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | servers, stderr=log)
    try:
        with connect(system.database_url) as connection:
            _until(lambda: _subscribed(connection) >= workers, lambda: _alive(process, words))
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        words.unlink()


@dataclass(slots=True)
class Watch:
    """A consumer of the ingest log: when it saw which batch, and how many samples in all.

    A batch counts as committed when this consumer has read its entry, which is a little later.
    """

    url: str
    samples_per_message: int
    committed: Synchronized[int]
    seen: dict[int, float] = field(default_factory=dict)
    """Batch id -> milliseconds since 1970."""
    course: list[tuple[float, int]] = field(default_factory=list)
    """Seconds of a monotonic clock, and samples committed until then."""
    samples: int = 0
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        assert self._thread is not None
        self._thread.join()

    def wait_for(self, samples: int) -> None:
        """Wait until so many samples are committed."""
        _until(lambda: self.samples >= samples, lambda: None)

    def _run(self) -> None:
        position = 0
        with connect(self.url) as waking, connect(self.url) as connection:
            wakeup = Wakeup(waking)
            while not self._ending.is_set():
                wakeup.wait(0.1)
                rows = connection.execute(
                    "select position, id, samples from ingest_batch where position > %s"
                    " order by position",
                    (position,),
                ).fetchall()
                moment = time.time() * 1000
                for row in rows:
                    position = row["position"]
                    self.seen[row["id"]] = moment
                    self.samples += row["samples"]
                self.course.append((clock.monotonic_s(), self.samples))
                self.committed.value = self.samples // self.samples_per_message


def _subscribed(connection: Connection) -> int:
    query = "select count(*) as n from process_beat where (detail ->> 'subscribed')::boolean"
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row["n"])


def _alive(process: subprocess.Popen[bytes], words: Path) -> None:
    if process.poll() is not None:
        raise IronpulseError(f"The ingest has ended: {words.read_text()[-2000:]}")


def _until(true: Callable[[], bool], check: Callable[[], None]) -> None:
    deadline = clock.monotonic_s() + PATIENCE_S
    while not true():
        check()
        if clock.monotonic_s() > deadline:
            raise IronpulseError(f"What was awaited did not come within {PATIENCE_S:g} s.")
        time.sleep(_POLL_S)  # between two real questions
