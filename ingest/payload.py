"""What machines write: the payloads of telemetry, faults and status, for senders.

Numbers are in the units of the product plan, times milliseconds since 1970 UTC. The shapes are
read back in `ingest.decode` and `ingest.reports`.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from fleet.batch import FaultCode

JSON = "application/json"
JSON_GZIP = "application/json+gzip"

Value = float | int | bool | None

_encode = msgspec.json.encode


def encode_sample(ts: int, values: Mapping[str, Value]) -> bytes:
    """One moment: `{"ts": ..., "values": {...}}`."""
    return _encode(_sample(ts, values))


def encode_samples(samples: Sequence[tuple[int, Mapping[str, Value]]]) -> bytes:
    """Several moments, as a device empties its buffer: a list of single ones."""
    return _encode([_sample(ts, values) for ts, values in samples])


def encode_columns(ts: Sequence[int], values: Mapping[str, Sequence[Value]]) -> bytes:
    """Several moments of the same signals: `{"ts": [...], "values": {signal: [...], ...}}`."""
    return _encode({"ts": list(ts), "values": {key: list(each) for key, each in values.items()}})


def encode_faults(ts: int, active: Sequence[FaultCode]) -> bytes:
    """The full list of trouble codes active at `ts`; an empty list says that none is."""
    return _encode({"ts": ts, "active": [_code(code) for code in active]})


def encode_status(state: Literal["online", "offline"], ts: int | None = None) -> bytes:
    """The state of the connection. A will leaves out `ts`: nobody knows when it will be sent."""
    return _encode({"state": state} if ts is None else {"ts": ts, "state": state})


def compress(payload: bytes) -> bytes:
    """A payload as gzip, to be sent with the content type JSON_GZIP; same bytes, same result."""
    return gzip.compress(payload, mtime=0)


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
