"""What people would use instead, side by side: how fast, and what is lost by kill -9.

Each takes the same samples, one per message, from a broker of the same kind into a hypertable with
the same columns and key, on servers of its own. Others want a flat object, the machine as a number.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from benchmarks.ingest import pumps
from benchmarks.ingest.node_red import node_red
from benchmarks.ingest.publisher import Offer, Publisher
from benchmarks.ingest.system import System, ingest, servers, system
from fleet import clock
from fleet.broker import BrokerAddress
from fleet.errors import IronpulseError
from ingest.topics import EVERYTHING
from ironpulse.stack.packages import cache_root
from store.connection import Connection, connect
from store.hypertables import table_name

_MQ_BRIDGE = "mq-bridge==1.2.0"
_TABLE = "peer"
_LOOK_S = 0.1
#: Where no row was added for so many seconds, none will be: reconnecting takes a peer 5 s.
_STILL_S = 15.0
_HELLO = 4
_WINDOW = 5_000

Running = AbstractContextManager[subprocess.Popen[bytes]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A way from the broker into `table`. `run` starts it; `flat` is what it reads."""

    name: str
    table: str
    flat: bool
    run: Callable[[System], Running]


@dataclass(frozen=True, slots=True)
class Result:
    """Messages/s undisturbed; of `sent` messages with a kill -9 in the middle those that are not in
    the table in the end."""

    name: str
    messages_per_s: float
    sent: int
    lost: int


def compare(peer: Peer, messages: int, machines: int) -> Result:
    """Measure a peer undisturbed, and killed and started again after a third of the messages."""
    with servers() as stack, system(stack, machines) as own:
        rate, _ = _run(peer, own, messages, kill_at=None)
    with servers() as stack, system(stack, machines) as own:
        _, stored = _run(peer, own, messages, kill_at=messages // 3)
    return Result(peer.name, rate, messages, messages - stored)


def as_table(results: list[Result]) -> Table:
    """All peers, the fastest first."""
    table = Table(title="Side by side, one sample per message", title_justify="left")
    for column in ("", "messages/s", "sent with kill -9", "lost"):
        table.add_column(column, justify="right" if column else "left")
    for each in sorted(results, key=lambda each: -each.messages_per_s):
        cells = (f"{each.messages_per_s:,.0f}", f"{each.sent:,}", f"{each.lost:,}")
        table.add_row(each.name, *cells)
    return table


def _run(peer: Peer, own: System, messages: int, kill_at: int | None) -> tuple[float, int]:
    """Messages/s from the first publish to the last new row, and how many rows there are then."""
    offer = Offer(own.machines, 1, most=messages, flat=peer.flat)
    with connect(own.database_url) as connection:
        if peer.flat:
            _make_table(connection)
        with peer.run(own) as process:
            before = _said_hello(peer, own, connection)
            with Publisher(own.publishers, offer) as publisher:
                publisher.begin()
                start = clock.monotonic_s()
                if kill_at is None:
                    found = _follow(peer, connection, before, messages)
                else:
                    _follow(peer, connection, before, kill_at)
                    process.kill()
                    process.wait()
                    with peer.run(own):
                        found = _follow(peer, connection, before, messages)
    end, stored = found
    return stored / (end - start), stored


def _follow(peer: Peer, connection: Connection, before: int, wanted: int) -> tuple[float, int]:
    """Look until so many rows were added or nothing is added any more; when the last one was."""
    last, changed = 0, clock.monotonic_s()
    while last < wanted and clock.monotonic_s() - changed < _STILL_S:
        count = _count(peer, connection) - before
        if count > last:
            last, changed = count, clock.monotonic_s()
        time.sleep(_LOOK_S)  # between two real questions
    return changed, last


def _said_hello(peer: Peer, own: System, connection: Connection) -> int:
    """Publish a few messages again and again until rows appear: it has subscribed. Returns the
    number of rows."""
    deadline = clock.monotonic_s() + 4 * _STILL_S
    while not _count(peer, connection):
        if clock.monotonic_s() > deadline:
            raise IronpulseError(f"{peer.name} takes nothing.")
        with Publisher(
            own.publishers, Offer(own.machines, 1, most=_HELLO, flat=peer.flat)
        ) as hello:
            hello.begin()
            _follow_briefly(peer, connection)
    return _follow_briefly(peer, connection)


def _follow_briefly(peer: Peer, connection: Connection) -> int:
    deadline = clock.monotonic_s() + 2.0
    while clock.monotonic_s() < deadline:
        time.sleep(_LOOK_S)
    return _count(peer, connection)


def _count(peer: Peer, connection: Connection) -> int:
    row = connection.execute(f"select count(*) as n from {peer.table}").fetchone()
    assert row is not None
    return int(row["n"])


def _make_table(connection: Connection) -> None:
    columns = ", ".join(f"{key} real" for key in pumps.SIGNALS)
    connection.execute(
        f"create table {_TABLE} (machine_id integer not null, ts bigint not null, {columns},"
        " primary key (machine_id, ts))"
    )
    connection.execute(
        f"select create_hypertable('{_TABLE}', by_range('ts', 604800000::bigint),"
        " create_default_indexes => false)"
    )


@contextmanager
def _mq_bridge(own: System, bulk_copy: bool) -> Iterator[subprocess.Popen[bytes]]:
    keys = ("machine_id", "ts", *pumps.SIGNALS)
    values = ", ".join(f"${{payload:{key}}}" for key in keys)
    query = f"insert into {_TABLE} ({', '.join(keys)}) values ({values})"
    broker = BrokerAddress.of(own.mqtt_url)
    route = {
        "input": {
            "mqtt": {
                "url": f"tcp://{broker.host}:{broker.port}",
                "topic": EVERYTHING,
                "username": broker.user,
                "password": broker.password,
                "client_id": "peer",
                "qos": 1,
                "clean_session": False,
                "session_expiry_interval": 3600,
                "max_inflight": _WINDOW,
                "queue_capacity": _WINDOW,
            }
        },
        "output": {
            "sqlx": {
                "url": own.database_url,
                "table": _TABLE,
                "insert_query": query if bulk_copy else f"{query} on conflict do nothing",
                "bulk_copy": bulk_copy,
            }
        },
        "batch_size": _WINDOW,
    }
    program = str(Path(__file__).with_name("mq_bridge_peer.py"))
    process = subprocess.Popen(
        [sys.executable, program, json.dumps(route)],
        env=os.environ | {"PYTHONPATH": str(_libraries(_MQ_BRIDGE))},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _libraries(requirement: str) -> Path:
    """The folder of a peer's libraries, made on first use."""
    folder = cache_root() / f"peer-{requirement.replace('==', '-')}"
    if not (folder / ".ready").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--upgrade"]
        done = subprocess.run(
            [*command, "--target", str(folder), requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise IronpulseError(f"{requirement} cannot be had here: {done.stderr.strip()[-300:]}")
        (folder / ".ready").touch()
    return folder


PEERS = (
    Peer("Ironpulse", table_name(pumps.PRODUCT), False, lambda own: ingest(own, 1)),
    Peer("mq-bridge, COPY", _TABLE, True, lambda own: _mq_bridge(own, True)),
    Peer("Node-RED, pg", _TABLE, True, lambda own: node_red(own, _TABLE)),
    Peer(
        "mq-bridge, INSERT ... ON CONFLICT",
        _TABLE,
        True,
        lambda own: _mq_bridge(own, False),
    ),
)
