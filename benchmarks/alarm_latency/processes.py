"""The product's processes as they run in production, and the one who publishes to them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from benchmarks.ingest.system import System
from fleet import clock
from fleet.errors import IronpulseError
from ironpulse.demo import registry
from ironpulse.stack.processes import free_port

_QUESTION_S = 0.02
_PATIENCE_S = 60.0


@contextmanager
def process(system: System, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`ironpulse NAME` as it runs in production."""
    own = {"IRONPULSE_DATABASE_URL": system.database_url, "IRONPULSE_MQTT_URL": system.mqtt_url}
    command = [sys.executable, "-m", "ironpulse", name, *arguments]
    running = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(_PATIENCE_S)


@contextmanager
def api_of(system: System) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A service manager who is signed in to the API, and its process."""
    port = free_port()
    with (
        process(system, "api", "--port", str(port)) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=20.0) as client,
    ):
        said = {"name": "manager", "password": registry.DEMO_PASSWORD}
        _until(lambda: _answers(client))
        answer = client.post("/session", json=said).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client, running


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/machines").status_code == 401
    except httpx.TransportError:
        return False  # it does not listen yet


def _until(true: Callable[[], bool]) -> None:
    deadline = clock.monotonic_s() + _PATIENCE_S
    while not true():
        if clock.monotonic_s() > deadline:
            raise IronpulseError(f"what was awaited did not come within {_PATIENCE_S:g} s")
        time.sleep(_QUESTION_S)  # between two real questions
