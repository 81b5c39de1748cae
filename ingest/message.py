"""One message as it came from the broker, and its bytes unpacked."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ingest.reasons import Unusable
from ingest.topics import Kind

#: A longer message, packed or unpacked, is rejected. A day of samples every ten seconds with
#: twenty signals is 4 MB as JSON; a device sends its buffer in pieces.
MOST_BYTES = 4 * 2**20

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Message:
    """A received message. `received_at` in milliseconds since 1970 UTC; `id` and `session` are
    what acknowledging it takes: its number, and in which connection to the broker that holds."""

    topic: str
    payload: bytes
    content_type: str | None
    received_at: int
    id: int = 0
    session: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Where a topic leads. `kind` is None where there is no such topic, the machine None where no
    such machine is registered."""

    serial: str
    kind: Kind | None
    machine_id: int | None
    product: str | None


def unpacked(message: Message) -> bytes:
    """The JSON text of a message.

    The content type says how it is packed, the first bytes where it is silent. Raises Unusable.
    """
    payload, content_type = message.payload, message.content_type
    if len(payload) > MOST_BYTES:
        raise Unusable("too_large", f"the message has {len(payload)} bytes, more than {MOST_BYTES}")
    if payload[:2] == _GZIP or (content_type is not None and "gzip" in content_type):
        return _gunzip(payload)
    if payload[:4] == _ZSTD or (content_type is not None and _is_foreign(content_type)):
        raise Unusable(
            "unknown_format",
            f"content type {content_type or 'not given'}: send JSON, plain or as gzip",
        )
    return payload


def _is_foreign(content_type: str) -> bool:
    return "cbor" in content_type or "zstd" in content_type


def _gunzip(payload: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        # One byte more than allowed shows a bomb without unpacking it.
        text = unpacking.decompress(payload, MOST_BYTES + 1)
    except zlib.error as error:
        raise Unusable("bad_gzip", f"the gzip data cannot be unpacked: {error}") from error
    if len(text) > MOST_BYTES:
        raise Unusable("too_large", f"unpacked, the message has more than {MOST_BYTES} bytes")
    if not unpacking.eof:
        raise Unusable("bad_gzip", f"the gzip data end too early, after {len(payload)} bytes")
    if unpacking.unused_data:
        extra = len(unpacking.unused_data)
        raise Unusable("bad_gzip", f"{extra} bytes follow the end of the gzip data")
    return text
