"""The dashboard as people start it, before the real service on a real database."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpulse.stack.processes import Server, free_port
from tests.api.conftest import address, api_template, database, store, wait_for

__all__ = ["address", "api_template", "database", "store"]


@pytest.fixture
def dashboard_url(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a running dashboard."""
    monkeypatch.setenv("IRONPULSE_API_URL", address)
    port = free_port()
    server = Server("dashboard", tmp_path, tmp_path / "dashboard.log", signal.SIGTERM)
    server.start([sys.executable, "-m", "ironpulse", "dashboard", "--port", str(port)], None)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
