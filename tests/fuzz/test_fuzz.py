"""The fuzzer for some seconds with a fixed seed; `python -m tests.fuzz` is the long run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.decode import Decoded
from tests.fuzz import target

RUNS = 5_000


def test_random_bytes_end_in_rows_or_in_a_rejection(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--runs", str(RUNS), "--seconds", "60"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    units = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    assert units and int(units[1]) >= RUNS


def test_a_decoder_that_loses_a_message_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "read", lambda *_: Decoded())
    with pytest.raises(AssertionError):
        target.check(target.seeds()[0])


def test_every_seed_keeps_the_law() -> None:
    for seed in target.seeds():
        target.check(seed)
