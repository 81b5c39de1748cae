"""What machines send: live ones a sample each second, late ones a day at once.

In a module of its own, so that processes of their own find it.
"""

from __future__ import annotations

import gzip
import random
import time
from multiprocessing.synchronize import Event

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.ingest import pumps
from benchmarks.ingest.system import PATIENCE_S
from benchmarks.wire import Address
from fleet import clock
from fleet.clock import MS_PER_DAY
from ingest.payload import encode_sample, encode_samples
from ingest.topics import telemetry_topic

LATE = 100
LIVE = 200
STEP_MS = 10_000


def client(address: Address, name: str) -> mqtt.Client:
    """A publisher that may speak for every machine."""
    found = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
    found.username_pw_set(address.user, address.password)
    found.max_inflight_messages_set(20)
    found.connect(address.host, address.port)
    found.loop_start()
    return found


def live(address: Address, ending: Event) -> None:
    """Every live machine reports once a second, evenly spread."""
    publisher = client(address, "live")
    rng, number, began = random.Random(1), 0, time.monotonic()
    while not ending.is_set():
        machine = pumps.serial(LATE + number % LIVE)
        values = {key: round(rng.uniform(0, 100), 2) for key in pumps.SIGNALS}
        publisher.publish(telemetry_topic(machine), encode_sample(clock.now_ms(), values), qos=1)
        number += 1
        ending.wait(max(0.0, began + number / LIVE - time.monotonic()))
    publisher.disconnect()


def day(end_ms: int, samples_in_message: int, *, packed: bool) -> list[bytes]:
    """A day of one machine in messages, oldest first."""
    rng = np.random.default_rng(1)
    times = range(end_ms - MS_PER_DAY, end_ms, STEP_MS)
    drawn = rng.uniform(0, 100, (len(times), len(pumps.SIGNALS))).round(2).tolist()
    samples = [
        (ts, dict(zip(pumps.SIGNALS, row, strict=True)))
        for ts, row in zip(times, drawn, strict=True)
    ]
    starts = range(0, len(samples), samples_in_message)
    messages = [encode_samples(samples[at : at + samples_in_message]) for at in starts]
    return [gzip.compress(message, 6) for message in messages] if packed else messages


def hand_in(address: Address, messages: list[bytes]) -> None:
    """All late machines at once, each message by message."""
    publisher = client(address, "late")
    infos = [
        publisher.publish(telemetry_topic(pumps.serial(machine)), message, qos=1)
        for message in messages
        for machine in range(LATE)
    ]
    for info in infos:
        info.wait_for_publish(PATIENCE_S)
    publisher.disconnect()
