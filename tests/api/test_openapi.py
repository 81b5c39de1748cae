"""A stranger's tool tries every operation and finds no fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from fleet.clock import now_ms, to_datetime
from store.connection import Connection
from tests.api import plans
from tests.api.conftest import sign_in
from tests.api.world import put_alarm, put_now, put_part_alert, put_samples, put_ticket

ROOT = Path(__file__).parents[2]


def fill(store: Connection) -> None:
    """Something behind every address."""
    now = now_ms()
    put_now(store, "P-1", signals={"hyd_temp_c": [104.0, now]}, measured_at=to_datetime(now))
    times = [now - 10_000 * step for step in range(100, 0, -1)]
    plan = plans.catalogue().plans["pump"]
    put_samples(store, plan, "P-1", times, {"hyd_temp_c": [80.0] * 100})
    put_ticket(store, "P-1")
    put_ticket(store, "C-1", severity=4)
    put_alarm(store, "P-2", "warm", 2, state="returned")
    put_part_alert(store, "P-2")


@pytest.mark.parametrize("role", ["mia", "tom", "pat"])
def test_schemathesis_finds_no_fault(
    api: httpx.Client, address: str, store: Connection, tmp_path: Path, role: str
) -> None:
    fill(store)
    token = sign_in(api, role).headers["Authorization"]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json"),
        *("-H", f"Authorization: {token}", "--exclude-operation-id", "sign_out"),
        *("--max-examples", "20", "--seed", "7", "--generation-database", "none"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
