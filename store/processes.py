"""Which processes run: each says every few seconds that it does, and takes its leave at the end.
Reading them: `store.ingest_view.beats`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from fleet import clock
from store.connection import Connection
from store.queries import load

#: A process says that it runs this often, in seconds.
BEAT_S = 5.0
#: One that said nothing for so long does not run any more, in seconds.
SILENT_AFTER_S = 30.0

_SQL = load("process")


@dataclass(frozen=True, slots=True)
class Process:
    """A running process: what it does, which one of its kind, and where it can be reached."""

    process: str
    instance: str = "1"
    address: str | None = None
    pid: int = field(default_factory=os.getpid)
    started_at: int = field(default_factory=clock.now_ms)


def beat(connection: Connection, process: Process, detail: Mapping[str, Any]) -> None:
    """Say that `process` runs; `detail` is JSON for whoever looks."""
    values = {
        "process": process.process,
        "instance": process.instance,
        "pid": process.pid,
        "address": process.address,
        "started_at": clock.to_datetime(process.started_at),
        "at": clock.to_datetime(clock.now_ms()),
        "detail": Jsonb(dict(detail)),
    }
    connection.execute(_SQL["beat"], values)


def forget(connection: Connection, process: Process) -> None:
    """Take leave: the process ended on purpose."""
    values = {"process": process.process, "instance": process.instance}
    connection.execute(_SQL["forget"], values)


def hears(connection: Connection, now_ms: int) -> bool:
    """Whether an ingest runs and is connected to the broker; silence of machines means nothing
    while none does."""
    since = clock.to_datetime(now_ms - round(SILENT_AFTER_S * clock.MS_PER_S))
    row = connection.execute(_SQL["hears"], {"since": since}).fetchone()
    assert row is not None
    return bool(row["hears"])
