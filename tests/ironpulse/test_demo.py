"""`ironpulse demo` as people run it: it lives, is ended, comes back, is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ironpulse.demo.registry import DEMO_PASSWORD
from ironpulse.stack import default_directory
from ironpulse.stack.processes import free_port
from tests.processes import processes_in, until, until_none_in

UP_S = 240.0
#: A first run may have to fetch the servers' packages.
pytestmark = pytest.mark.timeout(600)
PARTS = {"api", "dashboard", "ingest", "rules", "predict", "simulators"}


@dataclass
class Demo:
    """One demo: its port, and the folders that its processes work in."""

    port: int
    folders: tuple[Path, ...]
    runs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """`ironpulse demo` with few machines and a short history, unless `options` say more."""
        command = [sys.executable, "-m", "ironpulse", "demo", "--port", str(self.port),
                   *(options or ("--machines", "5", "--days", "3"))]  # fmt: skip
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("IRONPULSE_")}
        with self.log.open("wb") as log:
            run = subprocess.Popen(
                command, cwd=self.folders[0], env=inherited, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.runs.append(run)
        return run

    @property
    def log(self) -> Path:
        return self.folders[0] / "demo.log"

    def until_up(self) -> None:
        """Wait until it says that it runs."""
        run = self.runs[-1]
        said = until(
            lambda: (self.log.read_text(), run.poll()),
            lambda found: "Ironpulse runs." in found[0] or found[1] is not None,
            UP_S,
        )
        assert run.poll() is None, said

    def api(self) -> httpx.Client:
        """The manager, signed in."""
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.port + 1}/api/v1", timeout=20)
        said = {"name": "manager", "password": DEMO_PASSWORD}
        token = client.post("/session", json=said).raise_for_status().json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def status(self) -> dict[str, Any]:
        """What `ironpulse status --json` says of it."""
        done = subprocess.run(
            [sys.executable, "-m", "ironpulse", "status", "--json"],
            env=os.environ | {"IRONPULSE_STACK": str(self.folders[1])},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def demo(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """A demo on free ports; whatever happens, nothing of it stays."""
    monkeypatch.setenv("XDG_STATE_HOME", str(server_folder))
    port = next(p for p in iter(free_port, None) if free_port(p + 1) == p + 1)
    found = Demo(port, (server_folder, default_directory(f"demo-{port}")))
    yield found
    for run in found.runs:
        run.kill()
        run.wait()
    until_none_in(*found.folders)
    shutil.rmtree(found.folders[1], ignore_errors=True)


def test_the_demo_is_killed_lives_ends_comes_back_and_leaves_nothing(demo: Demo) -> None:
    _killed_while_it_writes_history(demo)
    run = demo.start()
    demo.until_up()
    assert httpx.get(f"http://127.0.0.1:{demo.port}").is_success
    with closing(demo.api()) as api:
        serials = {m["serial"] for m in api.get("/machines").json()["items"]}
        assert len(serials) == 5, "it begins anew"
        _until_live_charts_move(api)
        status = until(demo.status, lambda found: _running(found) == PARTS)
        assert {row["address"] for row in status["processes"]} >= {
            f"http://127.0.0.1:{demo.port}", f"http://127.0.0.1:{demo.port + 1}"
        }  # fmt: skip
        assert {row["server"] for row in status["servers"]} == {"database", "broker"}
        history = api.get("/ingest").json()["stored"]
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 0, demo.log.read_text()
    assert processes_in(*demo.folders) == {}
    run = demo.start()
    demo.until_up()
    with closing(demo.api()) as api:
        assert {m["serial"] for m in api.get("/machines").json()["items"]} == serials
        assert api.get("/ingest").json()["stored"] >= history, "the second start goes on"
        _until_live_charts_move(api)
    assert "Simulating" not in demo.log.read_text(), "history is there already"
    run.kill()
    run.wait()
    until_none_in(*demo.folders)


def _killed_while_it_writes_history(demo: Demo) -> None:
    run = demo.start("--machines", "60", "--days", "60")
    until(lambda: (_workers(demo, run.pid), run.poll()), lambda found: any(found), UP_S)
    assert run.poll() is None, demo.log.read_text()
    run.kill()
    run.wait()
    until_none_in(*demo.folders)


def _workers(demo: Demo, pid: int) -> list[int]:
    """The processes that simulate machines' pasts. Before the demo says that it does so, what
    looks like one of them is a server between its fork and its start."""
    if "Simulating" not in demo.log.read_text():
        return []
    found = processes_in(demo.folders[0])
    return [one for one, words in found.items() if one != pid and "ironpulse demo" in words]


def _until_live_charts_move(api: httpx.Client) -> None:
    """Wait until every working machine's chart has values of the last seconds."""
    since = datetime.now(UTC)
    until(lambda: _moving(api, since), lambda serials: len(serials) >= 3, 90)


def _moving(api: httpx.Client, since: datetime) -> list[str]:
    found = []
    for machine in api.get("/machines").json()["items"]:
        page = api.get(f"/machines/{machine['serial']}").json()
        keys = [signal["key"] for signal in page["signals"] if signal["headline"]]
        drawn = api.get(
            f"/machines/{machine['serial']}/telemetry",
            params={"signals": ",".join(keys), "from": since.isoformat(),
                    "to": (since + timedelta(minutes=5)).isoformat()},
        ).raise_for_status().json()  # fmt: skip
        if any(v is not None for series in drawn["signals"].values() for v in series["avg"]):
            found.append(machine["serial"])
    return found


def _running(status: dict[str, Any]) -> set[str]:
    return {row["process"] for row in status["processes"] if row["state"] == "running"}
