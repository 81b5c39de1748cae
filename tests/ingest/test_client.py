"""Reading many packets at once: what comes out is what paho's own reading gives."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.client import Client
from ingest.message import Message
from ingest.packets import Malformed, bounds, pubacks, take_publishes

PINGRESP = b"\xd0\x00"


class Wire:
    """A socket on which bytes have arrived in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        piece, rest = self.pieces[0][:size], self.pieces[0][size:]
        self.pieces[:1] = [rest] if rest else []
        return piece

    def close(self) -> None:
        self.pieces.clear()


def publish(
    topic: bytes, payload: bytes, qos: int = 1, number: int = 1, **properties: Any
) -> bytes:
    found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for name, value in properties.items():
        setattr(found, name, value)
    body = struct.pack("!H", len(topic)) + topic
    body += struct.pack("!H", number) if qos else b""
    body += found.pack() + payload  # type: ignore[no-untyped-call]
    length, head = len(body), bytearray([0x30 | qos << 1])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(head) + bytes([length]) + body


def ours(pieces: list[bytes]) -> list[tuple[Any, ...]]:
    found: list[Message] = []
    client = Client("", found.extend)
    client._sock = wire = Wire(pieces)  # type: ignore[assignment]
    while wire.pieces:
        assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
    return [(m.topic, m.payload, m.content_type, m.id) for m in found]


def pahos(pieces: list[bytes]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []

    def keep(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        kind = getattr(message.properties, "ContentType", None)
        found.append((message.topic, bytes(message.payload), kind, message.mid))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, manual_ack=True)
    client.on_message = keep
    client._sock = wire = Wire(pieces)  # type: ignore[assignment]
    while wire.pieces:
        assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
    return found


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
publishes = st.builds(
    publish,
    words.map(str.encode),
    st.one_of(st.binary(max_size=300), st.just(bytes(20_000))),
    st.sampled_from([0, 1]),
    st.integers(1, 65_535),
    ContentType=words,
)
plain = st.builds(publish, words.map(str.encode), st.binary(max_size=150))
long_lists = st.builds(
    publish,
    words.map(str.encode),
    st.binary(max_size=9),
    UserProperty=st.tuples(words, st.text("ab", min_size=100, max_size=200)),
)
packets = st.lists(st.one_of(publishes, plain, long_lists, st.just(PINGRESP)), max_size=12)


@given(packets, st.lists(st.integers(0, 3000), max_size=12))
def test_packets_cut_anywhere_are_what_paho_reads(given: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(given)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert ours(pieces) == pahos(pieces)


def test_a_long_packet_in_many_pieces() -> None:
    data = publish(b"t", bytes(range(256)) * 40_000) + publish(b"u", b"last")
    pieces = [data[start : start + 100_000] for start in range(0, len(data), 100_000)]
    assert ours(pieces) == [("t", bytes(range(256)) * 40_000, None, 1), ("u", b"last", None, 1)]


@pytest.mark.parametrize(
    "bytes_",
    [
        pytest.param(b"\x32\xff\xff\xff\xff\x01", id="a length without end"),
        pytest.param(b"\x32\x05\x00\x09ab\x00", id="a topic longer than its packet"),
        pytest.param(b"\x32\x08\x00\x01t\x00\x01\x02\x7f\x00", id="a property that does not exist"),
        pytest.param(b"\x00\x00", id="no type of packet"),
    ],
)
def test_what_is_no_mqtt_ends_the_connection(bytes_: bytes) -> None:
    client = Client("", lambda _: None)
    client._sock = Wire([bytes_])  # type: ignore[assignment]
    assert client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS
    assert client.socket() is None


def test_a_new_connection_forgets_half_a_packet_of_the_old_one() -> None:
    found: list[Message] = []
    client = Client("", found.extend)
    data = publish(b"t", b"payload")
    for pieces in ([data[:9]], [data]):
        client._sock = Wire(pieces)  # type: ignore[assignment]
        assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert [m.payload for m in found] == [b"payload"]


def test_a_connection_that_ends_is_said_to_paho() -> None:
    class Ended(Wire):
        def recv(self, size: int) -> bytes:
            return b""

    client = Client("", lambda _: None)
    client._sock = Ended([])  # type: ignore[assignment]
    assert client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST


def test_a_topic_that_is_no_text_is_kept_readable() -> None:
    found: list[Message] = []
    data = publish(b"a/\xff", b"x")
    assert take_publishes(data, 0, 5, 7, found) == len(data)
    assert found == [Message("a/\N{REPLACEMENT CHARACTER}", b"x", None, 5, 1, 7, "", 2)]


def test_qos_2_is_left_to_paho() -> None:
    assert take_publishes(publish(b"t", b"x", qos=2), 0, 0, 0, []) == 0


def test_acknowledgements_stand_one_after_the_other() -> None:
    assert pubacks([1, 258]) == b"\x40\x02\x00\x01\x40\x02\x01\x02"


def test_bounds_of_packets() -> None:
    assert bounds(b"\x30\x05", 0) == (2, 7)
    assert bounds(b"??\x30\x80\x01", 2) == (5, 133)
    assert bounds(b"\x30\x80", 0) is None
    with pytest.raises(Malformed):
        bounds(b"\x30\x80\x80\x80\x80\x01", 0)
