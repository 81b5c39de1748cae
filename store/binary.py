"""PostgreSQL's binary formats, packed and unpacked with numpy.

COPY: a row is a 2-byte count of fields, then per field a 4-byte length and the big-endian value;
length -1 with no value is NULL. Rows without NULL have one size, so a whole block of them is one
structured array. Format: PostgreSQL documentation, COPY, "Binary Format". Values come back as one
array per column (array_agg), half as fast as Arrow but in the caller's own transaction and without
a second driver; COPY TO hands over each row by itself and takes twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.pq import Format

from fleet.batch import IntColumn

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_ARRAY_HEADER = 20
_ELEMENTS = {"integer": (">i4", 23), "bigint": (">i8", 20), "timestamptz": (">i8", 1184)}
_BYTEA = 17
#: What timestamptz has beyond all times.
INFINITY, MINUS_INFINITY = 2**63 - 1, -(2**63)
_EPOCH_2000_MS = 946_684_800_000

Column = NDArray[Any]


def pack(columns: Sequence[tuple[str, Column]]) -> bytes:
    """Rows of equal-length `columns`, each with its big-endian dtype (`>i4`, `>f4` ...).

    NaN in a column is NULL; whole numbers must fit their type.
    """
    length = len(columns[0][1])
    rows: NDArray[Any] = np.empty(length, _row_type([dtype for dtype, _ in columns]))
    rows["fields"] = len(columns)
    missing: dict[int, NDArray[np.bool_]] = {}
    for number, (dtype, values) in enumerate(columns):
        rows[f"length{number}"] = np.dtype(dtype).itemsize
        nulls = np.isnan(values) if values.dtype.kind == "f" else None
        if nulls is not None and nulls.any():
            missing[number] = nulls
            rows[f"length{number}"][nulls] = -1
            values = np.where(nulls, 0, values)
        rows[f"value{number}"] = values
    body = rows.tobytes() if not missing else _without(rows, missing)
    return SIGNATURE + body + TRAILER


@dataclass(frozen=True, slots=True)
class PackedArray:
    """The argument of a statement that takes an array, as the wire has it."""

    data: bytes


def pack_array(kind: str, values: Column) -> PackedArray:
    """Whole numbers as an argument `integer[]`, `bigint[]` or `timestamptz[]` (see
    `to_timestamps`); psycopg would write each element as text, a microsecond and more for it.

    The inverse of `unpack_array`: a header of five integers (dimensions, whether there are NULLs,
    the elements' type, their count, the first index), then the elements.
    """
    dtype, type_oid = _ELEMENTS[kind]
    elements = np.empty(len(values), [("length", ">i4"), ("value", dtype)])
    elements["length"] = np.dtype(dtype).itemsize
    elements["value"] = values
    header = np.array([1, 0, type_oid, len(values), 1], ">i4")
    return PackedArray(header.tobytes() + elements.tobytes())


def pack_bytes(values: Sequence[bytes]) -> PackedArray:
    """Byte strings as an argument `bytea[]`, without the escapes of its text form."""
    header = np.array([1, 0, _BYTEA, len(values), 1], ">i4")
    parts = [header.tobytes()]
    for value in values:
        parts += (len(value).to_bytes(4, "big"), value)
    return PackedArray(b"".join(parts))


def unpack_array(data: bytes | None, dtype: str) -> Column:
    """The elements of a one-dimensional array value that holds no NULL; None is no element.

    Format: a header of 20 bytes, then per element a 4-byte length and the value.
    """
    if data is None:
        return np.empty(0, dtype)
    element = np.dtype([("length", ">i4"), ("value", dtype)])
    return np.frombuffer(data, element, offset=_ARRAY_HEADER)["value"]


def to_timestamps(epoch_ms: IntColumn) -> IntColumn:
    """Milliseconds since 1970 UTC as timestamptz has them, microseconds since 2000 UTC."""
    return (epoch_ms - _EPOCH_2000_MS) * 1000


def to_timestamp(epoch_ms: int) -> int:
    """The same of one moment."""
    return (epoch_ms - _EPOCH_2000_MS) * 1000


def from_timestamps(timestamps: Column) -> IntColumn:
    """The inverse of `to_timestamps`, rounded down to milliseconds."""
    return timestamps.astype(np.int64) // 1000 + _EPOCH_2000_MS


def _row_type(dtypes: Sequence[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for number, dtype in enumerate(dtypes):
        fields += [(f"length{number}", ">i4"), (f"value{number}", dtype)]
    return np.dtype(fields)


def _without(rows: NDArray[Any], missing: dict[int, NDArray[np.bool_]]) -> bytes:
    """The bytes of `rows` less the values of NULLs. Every field is a multiple of two bytes."""
    dtype = rows.dtype
    assert dtype.fields is not None
    halves = rows.view(np.uint16).reshape(len(rows), dtype.itemsize // 2)
    keep = np.ones(halves.shape, np.bool_)
    for number, nulls in missing.items():
        field, offset = dtype.fields[f"value{number}"][:2]
        keep[:, offset // 2 : (offset + field.itemsize) // 2] = ~nulls[:, None]
    return halves[keep].tobytes()


class _PackedArrayDumper(psycopg.adapt.Dumper):
    """Hands the bytes over; the statement's cast says what they are."""

    format = Format.BINARY

    def dump(self, obj: PackedArray) -> bytes:
        return obj.data


psycopg.adapters.register_dumper(PackedArray, _PackedArrayDumper)
