"""What a fuzzer calls: bytes become messages, and what comes out of them must add up.

The first byte of the input chooses topic, content type and how the rest is packed, so that the
fuzzer reaches behind the packing. The law: `decode` never fails and takes bounded time and memory;
each message is in rows, reports or rejections; each rejection can be written as it is.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence

import cbor2

from ingest import payload
from ingest.decode import Decoded
from ingest.message import Message
from ingest.reasons import BAD_VALUE, REJECTED
from ingest.sparkplug.nodes import Nodes
from ingest.topics import faults_topic, status_topic, telemetry_topic
from ingest.zstd import zstd
from tests.ingest.decoding import MINUTE, NOW, read

TOPICS = (
    telemetry_topic("P-1"),
    faults_topic("P-1"),
    status_topic("P-1"),
    "spBv1.0/G/NBIRTH/P-1",
    "spBv1.0/G/DBIRTH/g/P-1",
    "spBv1.0/G/NDATA/P-1",
    "spBv1.0/G/NDEATH/P-1",
    "ironpulse/v1/P-1/nowhere",
)
TYPES = (None, payload.JSON, payload.CBOR, "application/x+gzip", "application/x+zstd")
_PACKINGS = 3
_GOOD = Message(telemetry_topic("P-2"), payload.encode_sample(NOW, {"fuel_pct": 1}), None, NOW)


def message_of(data: bytes) -> Message:
    """A message from what the fuzzer made up."""
    choice, body = (data[0], data[1:]) if data else (0, b"")
    choice, topic = divmod(choice, len(TOPICS))
    packing, kind = divmod(choice, len(TYPES))
    if packing % _PACKINGS == 1:
        body = gzip.compress(body, 1)
    elif packing % _PACKINGS == 2:
        body = zstd.compress(body)
    return Message(TOPICS[topic], body, TYPES[kind], NOW)


def check(data: bytes) -> None:
    """Raises AssertionError, or what the decoder raises, where the law does not hold."""
    message = message_of(data)
    decoded = read(message, _GOOD)
    _assert_accounted(message, decoded)
    _assert_passed_on(message)


def _assert_passed_on(message: Message) -> None:
    """What keeps the order of edge nodes gives each message back, at the latest when it has waited
    long enough."""
    nodes = Nodes()
    heard = [nodes.take(message, NOW), nodes.tick(NOW + 10 * MINUTE), nodes.tick(NOW + 20 * MINUTE)]
    assert sum(len(each.messages) + len(each.ignored) for each in heard) == 1, "none vanishes"


def _assert_accounted(message: Message, decoded: Decoded) -> None:
    rows = sum(len(samples.batch) for samples in decoded.samples)
    reports = sum(map(len, decoded.faults.values())) + sum(map(len, decoded.statuses.values()))
    rejected = [each for each in decoded.rejections if each.topic == message.topic]
    assert rows >= 1, "the good message beside it is read"
    empty = message.topic.startswith("spBv1.0/")  # a certificate may hold no measurement
    assert rows - 1 + reports + len(rejected) >= (not empty), "it ends somewhere"
    for each in rejected:
        assert each.reason in REJECTED
        assert 0 < len(each.detail.en) < 2000 and each.detail.zh
        each.detail.en.encode(), each.detail.zh.encode()
    for samples in decoded.samples:
        assert all(mark.reason in BAD_VALUE for mark in samples.marks)


def seeds() -> Sequence[bytes]:
    """Inputs to begin with: one of each shape at each topic, in each packing."""
    samples = [(NOW, {"fuel_pct": 40.0, "oil_temp_c": 61.5}), (NOW - 1, {"fuel_pct": None})]
    values = [
        {"ts": NOW, "values": samples[0][1]},
        [{"ts": ts, "values": each} for ts, each in samples],
        {"ts": [NOW, NOW - 1], "values": {"fuel_pct": [1, 2], "oil_temp_c": [None, 3.5]}},
        {"ts": NOW, "active": [{"spn": 110, "fmi": 0, "oc": 3, "sa": 0}, {"code": "E1"}]},
        {"state": "online", "ts": NOW},
    ]
    bodies = [json.dumps(each).encode() for each in values]
    bodies += [cbor2.dumps(each) for each in values]
    bodies += [bytes.fromhex(text) for text in _SPARKPLUG]
    choices = len(TOPICS) * len(TYPES) * _PACKINGS
    return [bytes([choice]) + body for body in bodies for choice in range(0, choices, 7)]


#: Payloads of Sparkplug B: time, then metrics with name, alias, time, type and value; and a seq.
_SPARKPLUG = (
    "0880a8b8eb8c341219" "0a0a6f696c2f74656d705f6310011880a8b8eb8c34200965000070421800",
    "0880a8b8eb8c34120a1001200965000070421801",
    "12090a05626453657120045800",
)  # fmt: skip
