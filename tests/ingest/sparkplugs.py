"""Sparkplug payloads in few words, for tests."""

from __future__ import annotations

from typing import Any

from ingest.message import Message
from ingest.sparkplug import schema

DOUBLE, BOOLEAN, INT64 = 10, 11, 4
_FIELDS = {float: "double_value", bool: "boolean_value", int: "long_value", str: "string_value"}
_KINDS = {float: DOUBLE, bool: BOOLEAN, int: INT64, str: 12}


def metric(
    name: str | None = None,
    value: float | int | bool | str | None = None,
    *,
    alias: int | None = None,
    ts: int | None = None,
    kind: int | None = None,
    quality: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A metric; None as its value is none."""
    made: dict[str, Any] = {"name": name, "alias": alias, "timestamp": ts, **more}
    if value is None:
        made["is_null"] = True
    else:
        made.setdefault(_FIELDS[type(value)], value)
    made["datatype"] = _KINDS.get(type(value)) if kind is None and name else kind
    if quality is not None:
        values = [{"type": 3, "int_value": quality}]
        made["properties"] = {"keys": ["Quality"], "values": values}
    return {key: each for key, each in made.items() if each is not None}


def payload(*metrics: dict[str, Any], ts: int | None = None, seq: int | None = None) -> bytes:
    """A payload of metrics."""
    head = {"timestamp": ts, "seq": seq}
    known = {key: value for key, value in head.items() if value is not None}
    data: bytes = schema.Payload(metrics=list(metrics), **known).SerializeToString()
    return data


def message(kind: str, where: str, data: bytes, at: int) -> Message:
    """A message of group `G`; `where` is `node` or `node/device`."""
    return Message(f"spBv1.0/G/{kind}/{where}", data, None, at)
