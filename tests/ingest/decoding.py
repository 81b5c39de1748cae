"""Messages decoded by hand, and what came out of them in few words."""

from __future__ import annotations

import numpy as np

from ingest.decode import Decoded, Product, decode
from ingest.message import Message, Route
from ingest.topics import parse_topic, telemetry_topic
from tests import small

NOW = 1_790_000_000_000
MINUTE = 60_000
PRODUCTS = {"pump": Product.of(small.product_plan())}
MACHINES = {"P-1": 1, "P-2": 2}


def message(
    data: bytes, topic: str = telemetry_topic("P-1"), content_type: str | None = None
) -> Message:
    return Message(topic, data, content_type, NOW)


def read(*messages: Message) -> Decoded:
    routes = {}
    for each in messages:
        address = parse_topic(each.topic)
        machine = MACHINES.get(address.serial)
        product = "pump" if machine else None
        routes[each.topic] = Route(address.serial, address.kind, machine, product)
    return decode(messages, routes, PRODUCTS)


def rows(decoded: Decoded) -> list[tuple[int, int, dict[str, float]]]:
    """(machine, ms before NOW, usable values) of every sample."""
    return [
        (
            machine,
            NOW - measured_at,
            {
                key: value
                for key, value in zip(samples.batch.signals, values, strict=True)
                if not np.isnan(value)
            },
        )
        for samples in decoded.samples
        for machine, measured_at, values in zip(
            samples.batch.machine_id.tolist(),
            samples.batch.measured_at.tolist(),
            samples.batch.values.tolist(),
            strict=True,
        )
    ]


def marks(decoded: Decoded) -> list[tuple[str, str, list[int]]]:
    return sorted(
        (mark.signal, mark.reason, mark.rows.tolist())
        for samples in decoded.samples
        for mark in samples.marks
    )


def reasons(decoded: Decoded) -> list[str]:
    return [rejection.reason for rejection in decoded.rejections]
