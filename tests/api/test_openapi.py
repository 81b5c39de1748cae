"""A stranger's tool tries every operation and finds no fault."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import api as api_package
from api.app import PREFIX
from fleet.clock import now_ms, to_datetime
from store.connection import Connection
from tests.api import plans
from tests.api.conftest import sign_in
from tests.api.world import (
    put_alarm,
    put_now,
    put_part_alert,
    put_plan,
    put_refill,
    put_samples,
    put_ticket,
)

CONFIG = Path(__file__).with_name("schemathesis.toml")
#: Whose answers depend on the caller's role or station.
TAGS = ("tickets", "alarms", "trials", "api keys")
OF_ROLES = [word for tag in TAGS for word in ("--include-tag", tag)]
#: Answered as files of their own kinds, not as JSON.
FILES = {"export_plan", "export_refill"}


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
    put_plan(store)
    put_refill(store)


@pytest.mark.parametrize(
    ("person", "effort"),
    [
        ("mia", ("--max-examples", "10")),
        # What all may read they read alike: the rest is for some, or for each another part of it.
        ("tom", ("--phases", "coverage", *OF_ROLES)),
        ("pat", ("--phases", "coverage", "--exclude-method", "GET")),
    ],
)
def test_schemathesis_finds_no_fault(
    api: httpx.Client,
    address: str,
    store: Connection,
    tmp_path: Path,
    person: str,
    effort: tuple[str, ...],
) -> None:
    fill(store)
    token = sign_in(api, person).headers["Authorization"]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{address}{PREFIX}/openapi.json"),
        *("-H", f"Authorization: {token}", "--exclude-operation-id", "sign_out"),
        *("--seed", "7", "--generation-database", "none", *effort),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert "passed" in done.stdout


def test_every_operation_says_what_it_answers(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    operations = [
        (path, method, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names)) > 30
    for path, method, operation in operations:
        where = f"{method} {path}"
        assert operation["tags"] and operation["description"], where
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (where, parameter["name"])
        good = [code for code in operation["responses"] if code.startswith("2")]
        assert len(good) == 1, where
        if good[0] != "204":
            content = operation["responses"][good[0]]["content"]
            if operation["operationId"] in FILES:
                assert content and "application/json" not in content, where
            else:
                assert content["application/json"]["schema"], where
        for code, response in operation["responses"].items():
            if not code.startswith("2"):
                assert list(response["content"]) == ["application/problem+json"], (where, code)
        if not path.endswith("/health") and operation["operationId"] != "sign_in":
            assert operation["security"], where
            assert "401" in operation["responses"], where


def test_the_package_lists_every_route(api: httpx.Client) -> None:
    listed = re.sub(r" +", " ", api_package.__doc__ or "")
    for path, methods in api.get("/openapi.json").json()["paths"].items():
        names = r"\{[a-z]+_id\}"
        short = re.sub(names, "{id}", path.removeprefix(PREFIX))
        for method in methods:
            entry = rf"{method.upper()} {re.escape(short)}(?![/\w])"
            assert re.search(entry, listed), f"api/__init__.py does not list {method} {short}"
