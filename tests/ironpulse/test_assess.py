"""`ironpulse assess`: the whole fleet at once gives the same here and on a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster
from typer.testing import CliRunner

from benchmarks.nightly.fleet import fill, trimmed
from fleet.clock import now_ms
from fleet.loader import load_catalogue
from ironpulse.backtest import spread
from ironpulse.cli import app
from ironpulse.stack import LocalStack
from predict import nightly
from store.connection import connect
from store.migrate import migrate
from tests.conftest import close_template, copied_database, make_template

MACHINES = 12


@pytest.fixture(scope="module")
def fleet_template(stack: LocalStack, empty_template: str) -> str:
    """Name of a database with a small fleet that has a past, to copy from."""
    name = "assess_template"
    url = make_template(stack, name, empty_template)
    catalogue = trimmed(load_catalogue(Path(__file__).parents[2] / "products"), 3)
    migrate(url, catalogue)
    with connect(url) as connection, connection.transaction():
        fill(connection, catalogue, MACHINES, now_ms())
    close_template(stack, name)
    return name


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as own:
        yield own.scheduler_address


def assessed(url: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setenv("IRONPULSE_DATABASE_URL", url)
    result = CliRunner().invoke(app, ["assess", "--json", *arguments])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def outcome(url: str) -> list[list[tuple[Any, ...]]]:
    """What came of it, without the numbers and moments that say when it was written."""
    queries = (
        "select fitted_part_id, unit, p10, p50, p90 from remaining_life order by fitted_part_id",
        "select machine_id, due_at::date, evidence ->> 'prevents' from inspection_due"
        " order by machine_id",
        "select machine_id, kind, source, component, outcome from finding"
        " order by machine_id, kind, source, component",
        "select machine_id, priority, title::text, minutes, skill from ticket order by machine_id",
    )
    with connect(url) as connection:
        return [
            [tuple(row.values()) for row in connection.execute(query).fetchall()]
            for query in queries
        ]


def test_cores_and_a_cluster_come_to_the_same(
    stack: LocalStack, fleet_template: str, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "PORTION", 5)
    now = now_ms()
    monkeypatch.setattr("ironpulse.assess.now_ms", lambda: now)
    found = []
    for arguments in (("--workers", "1"), ("--scheduler", cluster)):
        for url in copied_database(stack, fleet_template):
            said = assessed(url, monkeypatch, *arguments)
            assert said["machines"] == MACHINES
            assert said["findings"] >= said["tickets"] > 0
            found.append((said, outcome(url)))
    assert found[0] == found[1]
    assert all(found[0][1])


def test_a_cluster_that_is_not_there_is_named(
    stack: LocalStack, fleet_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "PATIENCE_S", 0.5)
    for url in copied_database(stack, fleet_template):
        monkeypatch.setenv("IRONPULSE_DATABASE_URL", url)
        result = CliRunner().invoke(app, ["assess", "--scheduler", "tcp://127.0.0.1:1"])
        assert result.exit_code == 1
        assert "No Dask scheduler answers" in result.output
