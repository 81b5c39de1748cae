"""Files of signals as people have them: separators, headers, words among numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleet.errors import IronpulseError
from ironpulse.backtest.signal_file import SignalFileError, read_signals


def _file(folder: Path, text: str) -> Path:
    path = folder / "signals.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "time,a,b\n2026-01-01,1.5,2\n2026-01-02,2.5,1\n",
        "time;a;b\n2026-01-01;1.5;2\n2026-01-02;2.5;1\n",
        "time\ta\tb\n2026-01-01\t1.5\t2\n2026-01-02\t2.5\t1\n",
        "time;a;b\n2026-01-01;1,5;2\n2026-01-02;2,5;1\n",
        "\ufefftime|a|b\r\n2026-01-01|1.5|2\r\n2026-01-02|2.5|1\r\n\r\n",
        'time,"a",b\n"1 Jan, 2026",1.5,2\n"2 Jan, 2026",2.5,1\n',
        "time   a  b\n 2026-01-01  1.5 2  \n 2026-01-02  2.5 1  \n",
    ],
)
def test_the_separator_is_recognised(tmp_path: Path, text: str) -> None:
    found = read_signals(_file(tmp_path, text))
    assert found.names == ("a", "b")
    assert found.values.tolist() == [[1.5, 2.0], [2.5, 1.0]]
    assert found.rests == ("Column 'time' holds no numbers and is left out.",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_encoding_is_recognised(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "signals.csv"
    path.write_bytes("油温,压力\n61.5,2\n62.5,1\n".encode(encoding))
    assert read_signals(path).names == ("油温", "压力")


def test_a_file_without_a_header_has_counted_columns(tmp_path: Path) -> None:
    found = read_signals(_file(tmp_path, "3,4\n5,2\n"))
    assert found.names == ("column_1", "column_2")
    assert found.rests == (
        "The first line holds numbers and is row 1; columns are column_1 to column_2.",
    )
    assert len(found.values) == 2


def test_one_column_needs_no_separator(tmp_path: Path) -> None:
    assert read_signals(_file(tmp_path, "a\n3\n2\n")).values.tolist() == [[3.0], [2.0]]


def test_missing_values_and_single_words_are_no_numbers(tmp_path: Path) -> None:
    cells = ["1", "", "NaN", "n/a", *["2", "3"] * 10, "ERR", "inf"]
    found = read_signals(_file(tmp_path, "a,b\n" + "".join(f"{c},7\n" for c in cells)))
    assert np.flatnonzero(np.isnan(found.values[:, 0])).tolist() == [1, 2, 3, 24, 25]
    assert found.rests == (
        "Column 'a': of 26 cells 3 hold nothing (row 2 first) and 2 no number ('ERR' in row 25 "
        "first); taken as missing.",
    )


def test_a_column_that_training_hardly_knows_is_left_out(tmp_path: Path) -> None:
    rows = "".join(
        f"{k % 7 if k > 40 else ''},{k % 5},{'ERR' if k % 5 else k}\n" for k in range(99)
    )
    path = _file(tmp_path, "a,b,c\n" + rows)
    found = read_signals(path, train_rows=80)
    assert found.names == ("b",)
    assert found.rests == (
        "Column 'a' has 39 values in the training rows, fewer than 60, and is left out.",
        "Column 'c' holds 79 words among 99 cells ('ERR' in row 2) and is left out.",
    )
    with pytest.raises(SignalFileError, match="'a' has 39 values in the training rows"):
        read_signals(path, columns=["a", "b"], train_rows=80)


def test_a_moment_without_any_value_is_a_row(tmp_path: Path) -> None:
    found = read_signals(_file(tmp_path, "a,b\n3,4\n,\n\n5,2\n  \n"))
    assert np.isnan(found.values[:, 0]).tolist() == [False, True, False]


def test_a_column_that_only_rises_tells_the_time(tmp_path: Path) -> None:
    path = _file(tmp_path, "epoch,a\n" + "".join(f"{1000 + k},{k % 3}\n" for k in range(9)))
    found = read_signals(path, train_rows=6)
    assert found.names == ("a",)
    assert "only ever rises" in found.rests[0]
    assert read_signals(path, columns=["epoch", "a"], train_rows=6).names == ("epoch", "a")


def test_columns_are_chosen_and_excluded(tmp_path: Path) -> None:
    path = _file(tmp_path, "a,b,c\n3,2,1\n1,1,2\n2,3,1\n")
    assert read_signals(path, columns=["c", "a"]).names == ("c", "a")
    assert read_signals(path, exclude=["b"]).names == ("a", "c")


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        ("", {}, "is empty"),
        ("a,b\n", {}, "has a line of names and no row"),
        ("a,b\n1,2\n3\n", {}, ":3: 1 columns where the first line has 2"),
        ("a,a\n1,2\n2,1\n", {}, "column 'a' is there twice"),
        ("a,b\n3,2\n1,4\n", {"columns": ["x"]}, "has no column 'x'; its columns are a, b"),
        ("a,b\n3,2\n1,4\n", {"exclude": ["y"]}, "has no column 'y'"),
        ("a,b\nx,2\ny,1\n", {"columns": ["a"]}, "column 'a' holds no numbers"),
        ("a,b\nx,z\ny,z\n", {}, "no column of numbers is left"),
        ("a b\nx z\ny z\n", {}, "no column of numbers is left to judge; the columns are a, b"),
        ("a,b\n3,2\n1,4\n", {"train_rows": 2}, "has 2 rows, so after --train-rows 2 none is left"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path, text: str, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(SignalFileError) as caught:
        read_signals(_file(tmp_path, text), **asked)
    assert said in str(caught.value)


def test_files_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    for content, said in (
        (b"\x89PNG\r\n\x1a\n\x00\x81", "not a text file in UTF-8"),
        (b"PK\x03\x04\x14\x00", "an Excel workbook"),
        (b"a,b\n1,\x002\n", "not a text file"),
    ):
        path.write_bytes(content)
        with pytest.raises(IronpulseError, match=said):
            read_signals(path)
    with pytest.raises(IronpulseError, match="cannot be read: No such file"):
        read_signals(tmp_path / "absent.csv")
