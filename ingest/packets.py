"""MQTT packets in the bytes of a connection: the usual PUBLISH as messages, others by their bounds.

Format: MQTT 5.0, sections 2.1 (fixed header, remaining length) and 3.3 (PUBLISH).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.message import Message

_PUBLISH = 0x30
_QOS = 0x06
_QOS_2 = 0x04
_LONG = 0x80  # set in a byte of a length where another byte follows
_MOST_LENGTH_BYTES = 4
_PUBACK = 0x4002  # type, and the remaining length of one that only names its message
#: Topics and lists of properties that are remembered: a fleet repeats its own.
_REMEMBERED = 100_000


class Malformed(Exception):
    """Bytes that are no MQTT."""


def bounds(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends; None where that is not said yet.

    The end may lie beyond `data`. Raises Malformed.
    """
    length = shift = 0
    for place in range(start + 1, min(start + 1 + _MOST_LENGTH_BYTES, len(data))):
        byte = data[place]
        length |= (byte & ~_LONG) << shift
        if byte < _LONG:
            return place + 1, place + 1 + length
        shift += 7
    if len(data) > start + _MOST_LENGTH_BYTES:
        raise Malformed("a remaining length has more than four bytes")
    return None


def take_publishes(
    data: bytes,
    start: int,
    received_at: int,
    session: int,
    into: list[Message],
    client: str = "",
) -> int:
    """Append the PUBLISH packets that stand complete at `start`; returns where another begins.

    Left alone are packets of other types or QoS 2, incomplete and irregular ones, and those with
    more than 127 bytes of properties.
    """
    size = len(data)
    add = into.append
    while start + 2 < size:
        first, low, high = data[start], data[start + 1], data[start + 2]
        if first & 0xF0 != _PUBLISH or first & _QOS_2:
            break
        if low < _LONG:
            at, end = start + 2, start + 2 + low
        elif high < _LONG:  # nearly all messages: 128 bytes to 16 kB
            at, end = start + 3, start + 3 + (low & ~_LONG | high << 7)
        else:
            found = bounds(data, start)
            if found is None:
                break
            at, end = found
        if end > size or at + 2 > end:
            break
        topic_end = place = at + 2 + (data[at] << 8 | data[at + 1])
        number = 0
        if first & _QOS:
            place += 2
            if place >= end:
                break
            number = data[topic_end] << 8 | data[topic_end + 1]
        if place >= end or data[place] >= _LONG or place + data[place] >= end:
            break
        content_type = None
        if properties := data[place]:
            try:
                content_type = _content_type(data[place : place + 1 + properties])
            except Exception:
                break  # paho says what is wrong with it
        payload = data[place + 1 + properties : end]
        topic = _text(data[at + 2 : topic_end])
        flags = first & 0x0F
        add(Message(topic, payload, content_type, received_at, number, session, client, flags))
        start = end
    return start


def pubacks(numbers: Sequence[int]) -> bytes:
    """The acknowledgements of messages by their numbers, one packet after the other."""
    packets = np.empty(len(numbers), [("head", ">u2"), ("number", ">u2")])
    packets["head"] = _PUBACK
    packets["number"] = numbers
    return packets.tobytes()


@lru_cache(_REMEMBERED)
def _text(topic: bytes) -> str:
    return topic.decode("utf-8", "replace")


@lru_cache(_REMEMBERED)
def _content_type(properties: bytes) -> str | None:
    """The content type in a list of properties, which begins with its length."""
    found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    found.unpack(properties)  # type: ignore[no-untyped-call]
    return getattr(found, "ContentType", None)
