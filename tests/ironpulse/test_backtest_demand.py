"""`ironpulse backtest demand` answers line by line, and says what is wrong."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ironpulse.cli import app
from predict.demand import forecast_demand
from tests.predict.demand.fleets import fleet

RUN = CliRunner()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    counts, _ = fleet(parts=30, months=26)
    path = tmp_path / "demand.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["part", *(f"m{month}" for month in range(26))])
        writer.writerows([f"P{n}", *(f"{each:g}" for each in row)] for n, row in enumerate(counts))
    return path


def asked(*words: object) -> list[str]:
    return ["backtest", "demand", *map(str, words)]


def test_the_product_s_own_forecast_is_written(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    words = asked("--csv", table, "--horizon", 2, "--quantiles", "0.9,0.5", "--out", out)
    result = RUN.invoke(app, words)
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["part", "step", "q0.9", "q0.5"] and len(rows) == 60
    counts, _ = fleet(parts=30, months=26)
    expected = forecast_demand(counts, 2, np.array([0.9, 0.5]))
    assert [float(row["q0.9"]) for row in rows] == expected[:, :, 0].ravel().tolist()
    assert [(row["part"], row["step"]) for row in rows[:3]] == [
        ("P0", "1"),
        ("P0", "2"),
        ("P1", "1"),
    ]


def test_without_a_file_the_answer_is_printed(table: Path) -> None:
    result = RUN.invoke(app, asked("--csv", table, "--horizon", 1, "--quantiles", "0.5"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "part,step,q0.5"
    assert len(result.stdout.splitlines()) == 31


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--quantiles", "half"], "cannot be read"),
        (["--quantiles", "0.5,0.5"], "twice"),
        (["--quantiles", "1.5"], "between 0 and 1"),
        (["--out", "/nowhere/at/all.csv"], "cannot be written"),
    ],
)
def test_wrong_words_are_sentences(table: Path, words: list[str], says: str) -> None:
    result = RUN.invoke(app, asked("--csv", table, *words))
    assert result.exit_code == 1 and says in result.stderr


def test_a_wrong_cell_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("part,Jan,Feb\na,1,2\nb,1,lots\n", encoding="utf-8")
    result = RUN.invoke(app, asked("--csv", path))
    assert result.exit_code == 1 and f"{path}:3:3: Feb holds 'lots'" in result.stderr
