"""`ironpulse backtest life` on files as people have them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ironpulse.backtest.unit_table import learn_reading, read_table
from ironpulse.cli import app
from predict.histories import Histories
from tests.predict.degrading import cut, fleet

MODELS = ("old", "new")


def written(path: Path, given: Histories, separator: str, *, swap: bool = False) -> Path:
    """The histories as a file with one text column; `swap`: covariates in reverse order."""
    order = list(range(len(given.names)))[:: -1 if swap else 1]
    lines = [separator.join(["engine", "hours", "model", *(given.names[c] for c in order)])]
    for place, unit in enumerate(given.units):
        for time, row in zip(given.times[place], given.rows[place], strict=True):
            values = [f"{row[c]:.4f}" for c in order]
            lines.append(separator.join([unit, f"{time:g}", MODELS[place % 2], *values]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["backtest", "life", *(str(each) for each in arguments)])
    return found.exit_code, found.stdout, found.stderr


def asked(history: Path, test: Path) -> list[object]:
    return ["--history", history, "--test", test, "--unit", "engine", "--time", "hours"]


def test_one_line_per_unit(tmp_path: Path) -> None:
    seen, left = cut(fleet(2, 12), 3)
    known = fleet(1, 20)
    commas = asked(
        written(tmp_path / "h.csv", known, ","), written(tmp_path / "t.csv", seen, ",", swap=True)
    )
    out = tmp_path / "answer.csv"
    code, printed, _ = run(*commas, "--cap", 500, "--out", out)
    assert (code, printed) == (0, "")
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["unit", "mean", "p05", "p10", "p50", "p90", "p95"]
    assert [row["unit"] for row in rows] == list(seen.units)
    means = np.array([float(row["mean"]) for row in rows])
    assert np.corrcoef(means, np.minimum(left, 500))[0, 1] > 0.7
    assert means.max() <= 500
    for row in rows:
        limits = [float(row[name]) for name in ("p05", "p10", "p50", "p90", "p95")]
        assert limits == sorted(limits)


def test_blanks_and_another_order_of_columns_are_read_alike(tmp_path: Path) -> None:
    known = fleet(1, 8)
    files = (
        written(tmp_path / "h.csv", known, ","),
        written(tmp_path / "h.txt", known, "  "),
        written(tmp_path / "turned.csv", known, ",", swap=True),
    )
    reading = learn_reading(read_table(files[0]), "engine", "hours")
    first, *others = (reading.histories(read_table(file)) for file in files)
    for other in others:
        assert (other.units, other.names) == (first.units, first.names)
        for name in ("times", "rows"):
            assert all(map(np.array_equal, getattr(other, name), getattr(first, name)))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "needs a header line"),
        ("engine,hours,x\na,1\n", "row 2 has 2 fields"),
        ("engine,hours,x,x\na,1,2,3\n", "names x twice"),
        ("motor,hours,x\na,1,2\n", "has no column 'engine'"),
        ("engine,hours\na,1\n", "no covariates"),
        ("engine,hours,x\na,soon,2\n", "'hours'"),
        ("engine,hours,x\na,1,2\na,2,3\n", "hold 1 units"),
        ("engine,hours,x\n" + "".join(f"a,{i},w{i}\n" for i in range(30)), "30 different words"),
    ],
)
def test_bad_input_gives_a_sentence(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    code, printed, said = run(*asked(path, path))
    assert (code, printed) == (1, "")
    assert word in said
    assert said.strip().endswith((".", "'"))


def test_a_file_that_is_not_there_and_a_covariate_that_is_missing(tmp_path: Path) -> None:
    history = written(tmp_path / "h.csv", fleet(1, 8), ",")
    code, _, said = run(*asked(history, tmp_path / "none.csv"))
    assert code == 1
    assert "none.csv cannot be read" in said
    other = tmp_path / "other.csv"
    other.write_text("engine,hours,model,wear\na,1,old,2\n", encoding="utf-8")
    code, _, said = run(*asked(history, other))
    assert code == 1
    assert "has no column 'flow'" in said
