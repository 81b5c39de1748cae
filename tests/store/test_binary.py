"""The binary formats, against the driver's own reading of the same table."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store import binary


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
