"""The process: its port, its metrics, the store going away, ending."""

from __future__ import annotations

import socket
import threading

import httpx
import pytest

from api import app as service
from api.app import ApiError, run
from fleet.clock import monotonic_s
from ironpulse.stack.processes import free_port
from store.connection import Connection, StoreUnavailable, connect
from tests.api.conftest import sign_in
from tests.api.world import put_alarm, put_now


def test_a_taken_port_is_said_so(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ApiError, match=f"cannot listen on 127.0.0.1:{port}"):
            run(database, "127.0.0.1", port, threading.Event())


def test_metrics_tell_requests_and_the_state_of_the_store(
    api: httpx.Client, address: str, store: Connection
) -> None:
    put_now(store, "P-1")
    put_alarm(store, "P-1", "hot", 3)
    sign_in(api, "mia").get("/machines/P-1")
    api.get("/machines/none")
    api.get("/no-such-route")
    text = httpx.get(f"{address}/metrics").text
    assert (
        'ironpulse_api_requests_total{method="GET",route="/machines/{serial}",status="200"}'
        " 1.0" in text
    )
    assert 'ironpulse_machines{health="alarm",product="pump",region="south"} 1.0' in text
    assert 'ironpulse_machines_connection{connection="never_seen"} 3.0' in text
    assert 'ironpulse_samples_total{end="stored"} 0.0' in text
    assert "no-such-route" not in text


@pytest.fixture
def undescribed() -> None:
    """No application of this process was described before. Asked for before the service starts."""
    service.document.cache_clear()


def test_the_service_describes_itself_before_it_is_asked(
    undescribed: None, api: httpx.Client
) -> None:
    deadline = monotonic_s() + 20
    while not service.document.cache_info().currsize:
        assert monotonic_s() < deadline
        threading.Event().wait(0.02)
    described = api.get("/openapi.json").json()
    assert described["info"]["title"] == "Ironpulse"
    assert described == service.create("postgresql:///none").openapi()
    assert service.document.cache_info().misses == 1, "one description does for all"


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service waits half a second for a connection. Asked for before the service starts."""
    monkeypatch.setattr(service, "STORE_WAIT_S", 0.5)


def test_a_store_that_goes_away_is_a_503_and_comes_back(
    little_patience: None, manager: httpx.Client, database: str
) -> None:
    name = database.rsplit("/", 1)[1]
    with connect(f"{database.rsplit('/', 1)[0]}/postgres") as admin:
        admin.execute(f'alter database "{name}" with allow_connections false')
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            (name,),
        )
        answer = manager.get("/machines", timeout=10)
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["type"] == "urn:ironpulse:problem:unavailable"
        for _ in range(2):
            assert manager.get("/health", timeout=10).status_code == 503
        admin.execute(f'alter database "{name}" with allow_connections true')
    assert manager.get("/machines", timeout=60).status_code == 200


def test_a_store_that_is_not_there_is_said_so() -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        run(nowhere, "127.0.0.1", free_port(), threading.Event())
