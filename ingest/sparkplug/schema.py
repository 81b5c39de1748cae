"""The form of a Sparkplug B payload, in Protocol Buffers, as far as it is read here.

Field numbers and types are those of the specification (Eclipse Sparkplug 3.0, chapter 6). Data
sets, templates, files and metadata are left out: no signal comes in them, and a reader skips what
it does not know.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from ingest.formats import MOST_BYTES
from ingest.reasons import Unusable
from ingest.sentences import say

#: A payload with more metrics than this is none of ours.
MOST_METRICS = 20_000
#: What `datatype` says of signed numbers.
INT8, INT16, INT32, INT64 = 1, 2, 3, 4
#: How many bits a signed number has that travels as an unsigned one.
SIGNED_BITS = {INT8: 8, INT16: 16, INT32: 32, INT64: 64}

_PACKAGE = "ironpulse.sparkplug"
_VALUES = ("uint32 int_value", "uint64 long_value", "float float_value", "double double_value")
_WORDS = ("bool boolean_value", "string string_value")

# Message -> its fields by number; names after the bar are alternatives of one `value`.
_FORM: dict[str, dict[int, str]] = {
    "Payload": {1: "uint64 timestamp", 2: "*Metric metrics", 3: "uint64 seq"},
    "Metric": {
        1: "string name",
        2: "uint64 alias",
        3: "uint64 timestamp",
        4: "uint32 datatype",
        5: "bool is_historical",
        7: "bool is_null",
        9: "PropertySet properties",
        **{number: f"|{field}" for number, field in enumerate((*_VALUES, *_WORDS), 10)},
    },
    "PropertySet": {1: "*string keys", 2: "*PropertyValue values"},
    "PropertyValue": {
        1: "uint32 type",
        2: "bool is_null",
        **{number: f"|{field}" for number, field in enumerate((*_VALUES, *_WORDS), 3)},
    },
}
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
}


def _message_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="ironpulse/sparkplug.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, fields in _FORM.items():
        message = file.message_type.add(name=name)
        for number, words in fields.items():
            kind, field = words.lstrip("*|").split()
            added = message.field.add(name=field, number=number, label=_Field.LABEL_OPTIONAL)
            if words.startswith("*"):
                added.label = _Field.LABEL_REPEATED
            if words.startswith("|"):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                added.oneof_index = 0
            if kind in _SCALARS:
                added.type = _SCALARS[kind]
            else:
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"{_PACKAGE}.{name}")) for name in _FORM}


#: Message class; `timestamp` in milliseconds since 1970 UTC, `seq` 0 to 255.
Payload: Any = _message_classes()["Payload"]


def parse(data: bytes) -> Any:
    """A payload from its bytes. Raises Unusable."""
    if len(data) > MOST_BYTES:
        raise Unusable("too_large", say("too_long", size=len(data), most=MOST_BYTES))
    try:
        payload = Payload.FromString(data)
    except DecodeError as error:
        words = say("no_payload", error=error, size=len(data))
        raise Unusable("not_sparkplug", words) from error
    if (size := len(payload.metrics)) > MOST_METRICS:
        raise Unusable("too_large", say("too_many_metrics", size=size, most=MOST_METRICS))
    # Text that is no UTF-8 comes as bytes.
    if any(type(metric.name) is bytes for metric in payload.metrics):
        raise Unusable("not_sparkplug", say("metric_name"))
    return payload


def value_of(holder: Any) -> float | int | bool | str | None:
    """The value of a metric or a property; None where there is none of these kinds."""
    field = holder.WhichOneof("value")
    if field is None:
        return None
    value: float | int | bool | str = getattr(holder, field)
    return value


def metric_value(metric: Any) -> float | int | bool | str | None:
    """The value of a metric as it was meant: signed numbers travel as unsigned ones."""
    value = value_of(metric)
    bits = SIGNED_BITS.get(metric.datatype)
    if bits is None or type(value) is not int:
        return value
    number: int = value & (2**bits - 1)
    return number - 2**bits if number >> (bits - 1) else number
