"""A short storm with each way of dying; `python -m tests.chaos` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import Options, run
from tests.processes import until_none_in

pytestmark = pytest.mark.timeout(300)


def test_nothing_is_lost_and_nothing_comes_twice(server_folder: Path) -> None:
    """Alarms and tickets through such a storm: tests/scenarios/test_deaths.py."""
    report = run(Options(kills=6, seed=5, rate=100, alarms=False), server_folder)
    assert report.clean, report
    assert sum(report.kills.values()) == len(report.kills) == 6
    assert report.messages > 100 and report.findings.merged > 0 and report.unusable > 0
    assert report.findings.repeated > 0, "what was committed and not acknowledged came again"
    until_none_in(server_folder)
