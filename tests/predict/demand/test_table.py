"""Reading tables of demand, and saying where they are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fleet.errors import IronpulseError
from predict.demand.table import DemandTableError, read_table


def written(folder: Path, text: str) -> Path:
    path = folder / "demand.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_unknown_months_are_nan(tmp_path: Path) -> None:
    text = "﻿零件,Jan,Feb,Mar\n密封圈,1,,2.5\n\nP-2,NA, 0 ,-\n"
    table = read_table(written(tmp_path, text))
    assert table.parts == ("密封圈", "P-2") and table.months == ("Jan", "Feb", "Mar")
    np.testing.assert_array_equal(table.demand, [[1, np.nan, 2.5], [np.nan, 0, np.nan]])


def test_every_fault_is_named_by_line_and_column(tmp_path: Path) -> None:
    path = written(tmp_path, "part,Jan,Feb\na,1,x\nb,1\na,-3,inf\n,1,1\n")
    with pytest.raises(DemandTableError) as caught:
        read_table(path)
    said = [(f.line, f.column, f.message.split(";")[0]) for f in caught.value.faults]
    assert said == [
        (2, 3, "Feb holds 'x', which is no number"),
        (3, 1, "2 cells where the header has 3"),
        (4, 2, "Jan holds -3"),
        (4, 3, "Feb holds inf"),
        (4, 1, "part a stands in line 2 already"),
        (5, 1, "the part's name is missing"),
    ]


def test_only_so_many_faults_are_listed(tmp_path: Path) -> None:
    rows = "".join(f"p{n},x\n" for n in range(50))
    with pytest.raises(DemandTableError, match="and 30 more") as caught:
        read_table(written(tmp_path, "part,Jan\n" + rows))
    assert str(caught.value).count("\n") == 21


@pytest.mark.parametrize("text", ["", "part,Jan\n", "part\na\n"])
def test_a_table_without_parts_or_months_says_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(DemandTableError, match="a header line"):
        read_table(written(tmp_path, text))


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(IronpulseError, match="No such file"):
        read_table(tmp_path / "absent.csv")
    path = tmp_path / "gbk.csv"
    path.write_bytes("零件,Jan\n密封圈,1\n".encode("gbk"))
    with pytest.raises(IronpulseError, match="UTF-8"):
        read_table(path)
