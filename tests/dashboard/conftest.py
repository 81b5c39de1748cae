"""The dashboard as people start it, before the real service on a real database."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

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


@pytest.fixture(scope="session")
def api_port() -> int:
    """Where the service of each test listens in turn, so that one dashboard serves them all."""
    return free_port()


@pytest.fixture(scope="session")
def dashboard(api_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running dashboard; it takes longer to start than most tests to run."""
    folder, port = tmp_path_factory.mktemp("dashboard"), free_port()
    server = Server("dashboard", folder, folder / "dashboard.log", signal.SIGTERM)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IRONPULSE_API_URL", f"http://127.0.0.1:{api_port}")
        server.start([sys.executable, "-m", "ironpulse", "dashboard", "--port", str(port)], None)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


@pytest.fixture
def dashboard_url(address: str, dashboard: str) -> str:
    """Address of the dashboard, in front of this test's own service."""
    assert address
    return dashboard


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what `AppTest` leaves as `__main__`: each spawned process would run that script."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


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
