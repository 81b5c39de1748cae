"""`ironpulse plan refill`: what to move between warehouses, once for every count of stock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from predict.plan.run import run_plan
from store.connection import connect
from store.plans import load_catalogue
from tests.ironpulse.commands import ironpulse
from tests.predict.test_plan_refill import count, now
from tests.predict.test_plan_run import prepared


def test_moves_are_listed_once_for_every_count(pump_store: str, tmp_path: Path) -> None:
    with connect(pump_store) as connection, connection.transaction():
        prepared(connection, tmp_path)
        run_plan(connection, load_catalogue(connection), now() - timedelta(days=7), "test")
        count(connection, tmp_path)
    said = ironpulse("plan", "refill", "--language", "zh", folder=tmp_path, database_url=pump_store)
    assert said.returncode == 0, said.stderr
    assert "调入仓" in said.stdout and "N-valve" in said.stdout and "站库" in said.stdout
    again = ironpulse("plan", "refill", folder=tmp_path, database_url=pump_store)
    assert again.returncode != 0 and "parts import stock" in again.stderr
