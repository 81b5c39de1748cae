"""The binary formats, against the driver's own reading of the same table."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fleet import clock
from store import binary
from store.connection import connect


@given(st.integers(0, 4_000_000_000_000))
def test_timestamps_come_back(epoch_ms: int) -> None:
    moments = np.array([epoch_ms])
    assert binary.from_timestamps(binary.to_timestamps(moments)).tolist() == [epoch_ms]


@given(st.lists(st.tuples(st.integers(-9, 9), st.none() | st.floats(-10, 10)), min_size=1))
def test_rows_are_laid_out_as_documented(rows: list[tuple[int, float | None]]) -> None:
    data = binary.pack(
        [
            (">i4", np.array([number for number, _ in rows])),
            (">f8", np.array([value for _, value in rows], np.float64)),
        ]
    )
    expected = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    for number, value in rows:
        expected += (2).to_bytes(2, "big") + (4).to_bytes(4, "big")
        expected += number.to_bytes(4, "big", signed=True)
        if value is None:
            expected += b"\xff\xff\xff\xff"
        else:
            expected += (8).to_bytes(4, "big") + np.array(value, ">f8").tobytes()
    assert data == expected + b"\xff\xff"


def test_no_array_is_an_empty_column() -> None:
    assert binary.unpack_array(None, ">f4").tolist() == []


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5))
def test_an_array_is_packed_as_it_is_unpacked(values: list[int]) -> None:
    packed = binary.pack_array("integer", np.array(values, np.int64))
    assert binary.unpack_array(packed.data, ">i4").tolist() == values


def test_the_server_takes_packed_arrays(empty_database: str) -> None:
    moments = np.array([1_790_000_000_123, 0])
    given = {
        "numbers": binary.pack_array("integer", np.array([1, -2])),
        "bytes": binary.pack_bytes([b"", b"\x00'\\x41{,\"", bytes(range(256))]),
        "none": binary.pack_bytes([]),
        "large": binary.pack_array("bigint", np.array([2**40, -(2**40)])),
        "times": binary.pack_array("timestamptz", binary.to_timestamps(moments)),
        "ends": binary.pack_array(
            "timestamptz", np.array([binary.INFINITY, binary.MINUS_INFINITY])
        ),
    }
    query = (
        "select %(numbers)s::integer[] as numbers, %(large)s::bigint[] as large,"
        " %(times)s::timestamptz[] as times, %(ends)s::timestamptz[]::text as ends"
    )
    with connect(empty_database) as connection:
        row = connection.execute(query, given).fetchone()
    assert row is not None
    assert (row["numbers"], row["large"]) == ([1, -2], [2**40, -(2**40)])
    assert [clock.to_ms(moment) for moment in row["times"]] == moments.tolist()
    assert row["ends"] == "{infinity,-infinity}"
