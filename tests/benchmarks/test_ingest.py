"""The benchmark of the ingest in small: it runs, counts right, and shows what it measured."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
from rich.console import Console

from benchmarks.ingest import peers, pumps
from benchmarks.ingest.measure import Flow, Load, ceiling, flow
from benchmarks.ingest.peers import Result
from benchmarks.ingest.report import Run, as_json, as_table, cost_table
from benchmarks.ingest.system import system
from benchmarks.ingest.traffic import packets
from ingest.decode import Product, decode
from ingest.message import Message, Route
from ingest.packets import bounds, take_publishes
from ironpulse.stack import LocalStack

GOOD = Flow(500, 30_000, 30_000, 28_000, 9, 20, {"ingest": 0.6}, 150_000_000, 8.5, 7, 7)


def test_a_second_of_it(stack: LocalStack) -> None:
    with system(stack, 40) as own:
        found = flow(own, Load(10, 1.0, 1, rate=200))
        copied = ceiling(own, found.stored_rows)
    assert found.sent_rows == found.stored_rows >= 1000
    assert found.messages_per_s > 100
    assert 0 < found.p50_ms <= found.p99_ms
    assert 400 <= found.payload_bytes / 10 <= 600
    assert found.processor["ingest"] > 0 and found.memory_bytes > 10**7
    assert copied > 1000


def test_flat_packets_are_one_object_for_others() -> None:
    made = packets(range(2), 1, flat=True)
    stream = made.data[1].tobytes()
    length = bounds(stream, 0)
    assert length is not None
    found = json.loads(stream[made.number + 2 : length[1]])
    assert (found["machine_id"], len(found)) == (pumps.flat_id(0), 2 + len(pumps.SIGNALS))


def test_peers_stand_side_by_side_the_fastest_first() -> None:
    console = Console(record=True, width=100, file=io.StringIO())
    results = [Result("slow", 900.0, 1000, 0), Result("fast", 20_000.0, 1000, 150)]
    console.print(peers.as_table(results))
    text = console.export_text()
    assert text.index("20,000") < text.index("900") and "150" in text


def test_packets_are_messages_as_machines_send_them() -> None:
    made = packets(range(3), 2)
    stream = made.data[0].tobytes()
    found: list[Message] = []
    # MQTT 3.1.1 has no list of properties: what our own reader takes has an empty one.
    length = bounds(stream, 0)
    assert length is not None and length[1] == made.data.shape[2]
    body = stream[length[0] : made.number + 2] + b"\x00" + stream[made.number + 2 : length[1]]
    head = bytes([0x32, len(body) & 0x7F | 0x80, len(body) >> 7])
    take_publishes(head + body, 0, 9_999_999_999_999, 0, found)
    product = Product.of(pumps.plan(pumps.PRODUCT))
    routes = {found[0].topic: Route(pumps.serial(0), "telemetry", 1, pumps.PRODUCT)}
    (samples,) = decode(found, routes, {pumps.PRODUCT: product}).samples
    assert samples.batch.signals == pumps.SIGNALS
    assert np.isfinite(samples.batch.values).all() and not samples.marks
    assert samples.batch.values[:, -1].tolist() == [1, 0]


def test_figures_beside_their_targets() -> None:
    slow = replace(GOOD, messages_per_s=10_000, p99_ms=80.0)
    run = Run(slow, replace(GOOD, rows_per_s=120_000), 250_000, GOOD, slow, GOOD)
    met = {each["name"]: each["met"] for each in as_json([run, run, run], {})["figures"]}
    assert met["messages/s, one sample each"] is False
    assert met["rows/s, ten samples per message"] is True
    assert met["share of the ceiling"] is True
    assert met["ms to committed, p99, half load of one"] is True
    assert met["ms to committed, p99, half load of ten"] is False
    console = Console(record=True, width=140, file=io.StringIO())
    console.print(as_table([run], {"cores": 2}))
    console.print(cost_table([run]))
    text = console.export_text()
    assert "120,000" in text and "0.48" in text and ">= 20,000" in text
    assert "60.0" in text, "microseconds per message: 0.6 cores at 10,000/s"
    assert re.search(r"ten samples per message: s per million rows +│ +5\.0 │", text), "0.6 / 0.12"
