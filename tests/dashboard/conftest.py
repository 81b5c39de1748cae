"""The dashboard as people start it, before the real service on a real database."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fleet.clock import monotonic_s
from ironpulse.stack import LocalStack
from ironpulse.stack.processes import Server, free_port
from tests.api.conftest import address, database, service_template, store

PATIENCE_S = 60.0

__all__ = ["address", "api_template", "database", "store"]


@pytest.fixture(scope="session")
def api_template(stack: LocalStack, empty_template: str) -> str:
    """Name of the database behind the API that the dashboard reads."""
    return service_template(stack, empty_template, "dashboard_template")


@pytest.fixture
def dashboard_url(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a running dashboard."""
    monkeypatch.setenv("IRONPULSE_API_URL", address)
    port = free_port()
    server = Server("dashboard", tmp_path, tmp_path / "dashboard.log", signal.SIGTERM)
    server.start([sys.executable, "-m", "ironpulse", "dashboard", "--port", str(port)], None)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def _wait_for(url: str, server: Server) -> None:
    """Ask until it answers; on a busy machine it imports for longer than the API."""
    deadline = monotonic_s() + PATIENCE_S
    while True:
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.HTTPError:
            if server.pid is None or monotonic_s() > deadline:
                pytest.fail(f"The dashboard does not answer: {server.last_words()}")
            time.sleep(0.05)
