"""`ironpulse backtest anomalies` on a made file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ironpulse.cli import app
from tests.rules.detectors.made import SIGNALS, healthy, leaking

TRAIN, TEST, SINCE = 300, 200, 100
NAMES = ("time", *SIGNALS[:2], "flow l/min", SIGNALS[3], "label")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    values = np.vstack((healthy(TRAIN, 1), leaking(healthy(TEST, 2), SINCE)))
    path = tmp_path / "recording.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(NAMES)
        for at, row in enumerate(values):
            writer.writerow([f"2026-01-01 10:{at // 60:02}:{at % 60:02}", *row, at % 2])
    return path


def _run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["backtest", "anomalies", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_one_line_per_row_after_the_training_rows(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    code, _, said = _run(
        "--csv", recording, "--train-rows", TRAIN, "--exclude", "label", "--out", out
    )
    assert code == 0
    assert "Column 'time' holds no numbers and is left out." in said
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "score", "limit", "verdict", "contributors"]
    assert [int(row["row"]) for row in rows] == list(range(TRAIN + 1, TRAIN + TEST + 1))
    assert {row["verdict"] for row in rows[:SINCE]} == {"0"}
    assert {row["verdict"] for row in rows[SINCE + 20 :]} == {"1"}
    name, share = rows[-1]["contributors"].split(" ")[0].split(":")
    assert name == "flow_l/min" and 0.3 < float(share) <= 1
    assert all(float(row["limit"]) > 0 for row in rows)


def test_the_answer_is_printed_and_is_the_same_every_time(recording: Path) -> None:
    arguments = ("--csv", recording, "--train-rows", TRAIN, "--columns", "load_pct,flow l/min")
    code, printed, _ = _run(*arguments)
    assert code == 0
    assert len(printed.splitlines()) == TEST + 1
    assert "pressure_bar" not in printed
    assert _run(*arguments)[1] == printed


def test_no_answer_is_begun_where_nothing_can_be_learned(tmp_path: Path) -> None:
    path, out = tmp_path / "flat.csv", tmp_path / "answer.csv"
    path.write_text("a,b\n" + "5,7\n" * 90)
    code, _, said = _run("--csv", path, "--train-rows", 70, "--out", out)
    assert code == 1 and "None of the columns a, b changes" in said.replace("\n", " ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--train-rows", "500"), "none is left to judge"),
        (("--train-rows", "20"), "20 training rows are too few"),
        (("--train-rows", "300", "--columns", "speed"), "has no column 'speed'"),
        (("--train-rows", "300", "--out", "/absent/answer.csv"), "cannot be written"),
    ],
)
def test_bad_input_is_a_sentence(recording: Path, arguments: tuple[str, ...], said: str) -> None:
    code, _, error = _run("--csv", recording, *arguments)
    assert code == 1
    assert said in error.replace("\n", " ")
