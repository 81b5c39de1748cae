"""What machines write: the payloads of telemetry, faults and status, for senders.

Numbers are in the units of the product plan, times milliseconds since 1970 UTC. The shapes are
read back in `ingest.decode` and `ingest.reports`.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cbor2
import msgspec

from fleet.batch import FaultCode
from ingest.zstd import zstd

JSON = "application/json"
JSON_GZIP = "application/json+gzip"
JSON_ZSTD = "application/json+zstd"
CBOR = "application/cbor"
CBOR_GZIP = "application/cbor+gzip"
CBOR_ZSTD = "application/cbor+zstd"
#: The content types a payload may be written in.
CONTENT_TYPES = (JSON, JSON_GZIP, JSON_ZSTD, CBOR, CBOR_GZIP, CBOR_ZSTD)

Value = float | int | bool | None


def encode_sample(ts: int, values: Mapping[str, Value], content_type: str = JSON) -> bytes:
    """One moment: `{"ts": ..., "values": {...}}`."""
    return _write(_sample(ts, values), content_type)


def encode_samples(
    samples: Sequence[tuple[int, Mapping[str, Value]]], content_type: str = JSON
) -> bytes:
    """Several moments, as a device empties its buffer: a list of single ones."""
    return _write([_sample(ts, values) for ts, values in samples], content_type)


def encode_columns(
    ts: Sequence[int], values: Mapping[str, Sequence[Value]], content_type: str = JSON
) -> bytes:
    """Several moments of the same signals: `{"ts": [...], "values": {signal: [...], ...}}`."""
    columns = {key: list(each) for key, each in values.items()}
    return _write({"ts": list(ts), "values": columns}, content_type)


def encode_faults(ts: int, active: Sequence[FaultCode], content_type: str = JSON) -> bytes:
    """The full list of trouble codes active at `ts`; an empty list says that none is."""
    return _write({"ts": ts, "active": [_code(code) for code in active]}, content_type)


def encode_status(
    state: Literal["online", "offline"], ts: int | None = None, content_type: str = JSON
) -> bytes:
    """The state of the connection. A will leaves out `ts`: nobody knows when it will be sent."""
    return _write({"state": state} if ts is None else {"ts": ts, "state": state}, content_type)


def compress(payload: bytes) -> bytes:
    """A payload as gzip, to be sent with the content type JSON_GZIP; same bytes, same result."""
    return gzip.compress(payload, mtime=0)


def _write(value: Any, content_type: str) -> bytes:
    if content_type not in CONTENT_TYPES:
        raise ValueError(f"{content_type} is none of {', '.join(CONTENT_TYPES)}")
    is_cbor = content_type.startswith(CBOR)
    payload = cbor2.dumps(value) if is_cbor else msgspec.json.encode(value)
    if content_type.endswith("+gzip"):
        return compress(payload)
    return zstd.compress(payload) if content_type.endswith("+zstd") else payload


def _sample(ts: int, values: Mapping[str, Value]) -> dict[str, Any]:
    return {"ts": ts, "values": dict(values)}


def _code(code: FaultCode) -> dict[str, Any]:
    given = {
        "spn": code.spn,
        "fmi": code.fmi,
        "code": code.code,
        "oc": code.oc,
        "sa": code.sa,
        "lamp": code.lamp,
    }
    return {name: value for name, value in given.items() if value is not None}
