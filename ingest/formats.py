"""The bytes of a message: unpacked, and read as JSON or as CBOR.

The content type says what they are; where it is silent, the first bytes do. Nothing here trusts
what it reads: sizes, nesting, keys and tags are bounded before they cost memory or time.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol, TypeVar

import cbor2
import msgspec

from fleet.text import Text
from ingest.message import Message
from ingest.reasons import Unusable
from ingest.sentences import say
from ingest.zstd import zstd

#: A longer message, packed or unpacked, is rejected. A day of samples every ten seconds with
#: twenty signals is 4 MB as JSON; a device sends its buffer in pieces.
MOST_BYTES = 4 * 2**20

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CBOR = b"\xd9\xd9\xf7"  # tag 55799: "what follows is CBOR"
_PLAIN = (None, "application/json")
_BRACKETS = (b"{", b"[")
#: A message with more samples than this is none of ours; nor is JSON text with so many brackets
#: that it can hold more. What reads value by value would take seconds over millions of nothings.
MOST_SAMPLES = 50_000
_MOST_OBJECTS = 2 * MOST_SAMPLES + 1
_MOST_NESTED = 16  # our deepest shape has four levels
_MOST_NAMED = 60  # characters of a foreign word that are repeated
_MOST_SAID = 200  # characters of what a library says of a message
# A frame may name a window of gigabytes that its reader has to set aside: at most 2**23 bytes.
_ZSTD_OPTIONS: Mapping[int, int] = {zstd.DecompressionParameter.window_log_max: 23}

T = TypeVar("T")


class Format(Protocol):
    """A way to write values as bytes. Everything raises Unusable."""

    def value(self, data: bytes) -> Any:
        """Any value; a key that stands twice in one object is refused."""

    def shaped(self, data: bytes, shape: type[T], reason: str) -> T:
        """A value of that shape; `reason` is why one of another shape is rejected."""

    def write(self, value: Any) -> bytes:
        """The inverse of `value`."""


class Json:
    """JSON text in UTF-8."""

    def value(self, data: bytes) -> Any:
        if data.count(b"{") > _MOST_OBJECTS:
            raise Unusable("too_large", say("too_many", most=MOST_SAMPLES))
        try:
            value = msgspec.json.decode(data)
        except RecursionError:
            raise Unusable("not_json", say("too_deep")) from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unusable("not_json", _unreadable(error, data)) from error
        _refuse_doubles(data)
        return value

    def shaped(self, data: bytes, shape: type[T], reason: str) -> T:
        try:
            found = msgspec.json.decode(data, type=shape)
        except msgspec.ValidationError as error:
            raise Unusable(reason, say("wrong_shape", error=error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unusable("not_json", _unreadable(error, data)) from error
        _refuse_doubles(data)
        return found

    def write(self, value: Any) -> bytes:
        return msgspec.json.encode(value)


class Cbor:
    """CBOR (RFC 8949) without tags: they can share and repeat parts without end."""

    def value(self, data: bytes) -> Any:
        # A list of the value and a known end: else bytes that follow the value would go unseen.
        framed = b"".join((b"\x82", data.removeprefix(_CBOR), b"\xf7"))
        try:
            value, end = cbor2.loads(
                framed,
                max_depth=_MOST_NESTED,
                allow_duplicate_keys=False,
                strict_hashable_types=True,
                semantic_decoders=_NO_TAGS,
            )
        except cbor2.CBORDecodeError as error:
            double = "Duplicate map key" in str(error)
            reason = "duplicate_key" if double else "not_cbor"
            raise Unusable(reason, _unreadable(error, data)) from error
        if end is not cbor2.undefined:
            raise Unusable("not_cbor", say("bytes_follow", size=len(data)))
        return value

    def shaped(self, data: bytes, shape: type[T], reason: str) -> T:
        try:
            return msgspec.convert(self.value(data), shape)
        except msgspec.ValidationError as error:
            raise Unusable(reason, say("wrong_shape", error=error)) from error

    def write(self, value: Any) -> bytes:
        return cbor2.dumps(value)


JSON, CBOR = Json(), Cbor()


def opened(message: Message) -> tuple[Format, bytes]:
    """How a message is written, and its bytes unpacked. Raises Unusable."""
    payload, content_type = message.payload, message.content_type
    # Nearly all messages are this.
    if content_type in _PLAIN and payload[:1] in _BRACKETS and len(payload) <= MOST_BYTES:
        return JSON, payload
    data = _unpacked(message)
    if content_type is not None and "cbor" in content_type:
        return CBOR, data
    # Lists and maps of CBOR begin with bytes that no text begins with.
    says_json = content_type is not None and "json" in content_type
    is_cbor = 0x80 <= (data[0] if data else 0) < 0xC0 or data.startswith(_CBOR)
    return (CBOR if is_cbor and not says_json else JSON), data


def short(value: Any) -> str:
    """A foreign value in few characters, for people."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError, TypeError):
        text = type(value).__name__
    return text if len(text) <= _MOST_NAMED else text[: _MOST_NAMED - 1] + "…"


def _unpacked(message: Message) -> bytes:
    payload, content_type = message.payload, message.content_type
    if len(payload) > MOST_BYTES:
        raise Unusable("too_large", say("too_long", size=len(payload), most=MOST_BYTES))
    if payload[:2] == _GZIP or (content_type is not None and "gzip" in content_type):
        return _gunzip(payload)
    if payload[:4] == _ZSTD or (content_type is not None and "zstd" in content_type):
        return _unzstd(payload)
    return payload


def _gunzip(payload: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        # One byte more than allowed shows a bomb without unpacking it.
        data = unpacking.decompress(payload, MOST_BYTES + 1)
    except zlib.error as error:
        raise Unusable("bad_gzip", say("damaged", packing="gzip", error=error)) from error
    _refuse_remains("gzip", payload, data, unpacking.eof, unpacking.unused_data)
    return data


def _unzstd(payload: bytes) -> bytes:
    unpacking = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
    try:
        data = unpacking.decompress(payload, MOST_BYTES + 1)
    except zstd.ZstdError as error:
        raise Unusable("bad_zstd", say("damaged", packing="zstd", error=error)) from error
    _refuse_remains("zstd", payload, data, unpacking.eof, unpacking.unused_data)
    return data


def _refuse_remains(kind: str, payload: bytes, data: bytes, ended: bool, unused: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise Unusable("too_large", say("too_long_unpacked", most=MOST_BYTES))
    if not ended:
        raise Unusable(f"bad_{kind}", say("cut_short", packing=kind, size=len(payload)))
    if unused:
        raise Unusable(f"bad_{kind}", say("more_follows", packing=kind, size=len(unused)))


def _unreadable(error: Exception, data: bytes) -> Text:
    return say("unreadable", error=str(error)[:_MOST_SAID], size=len(data))


def _refuse_doubles(text: bytes) -> None:
    """Raises Unusable where a key stands twice in one object: which one is meant?"""
    try:
        json.loads(text, object_pairs_hook=_single)
    except (ValueError, RecursionError) as error:
        # What one reader takes and the other does not, such as half characters, is no clean JSON.
        raise Unusable("not_json", _unreadable(error, text)) from error


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Unusable("duplicate_key", say("double_key", key=short(double)))
    return found


class _NoTags(dict[int, Callable[..., Any]]):
    """Answers every tag with a refusal."""

    def __missing__(self, tag: int) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> NoReturn:
            raise ValueError(f"tag {tag} is not read here")

        return refuse


_NO_TAGS = _NoTags()
