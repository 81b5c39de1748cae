"""Fetching and unpacking real packages into a cache of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ironpulse.stack import StackError
from ironpulse.stack.apt import Apt
from ironpulse.stack.packages import Bundle, cache_root, unpacked

FETCH = """
from tests.stack.test_packages import SMALL
from ironpulse.stack.packages import unpacked
print(unpacked(SMALL).root)
"""


def _hello(apt: Apt) -> list[str] | None:
    return ["hello"] if apt.version("hello") else None


SMALL = Bundle("small", ("",), _hello, ("usr/bin/hello",))


@pytest.fixture
def cache(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IRONPULSE_CACHE", str(server_folder / "cache"))
    return cache_root()


def test_two_processes_at_once_fetch_once_and_the_program_runs_on_its_own_libraries(
    cache: Path,
) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", FETCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Fetching" in err for _, err in said) == 1
    root = Path(said[0][0].strip())
    program = subprocess.run(
        [root / "usr/bin/hello"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    )
    assert program.stdout == "Hello, world!\n"
    assert str(root).encode() in (root / "usr/bin/hello").read_bytes()


def test_what_an_interrupted_fetch_left_is_cleared_and_a_moved_cache_is_not_used(
    cache: Path,
) -> None:
    half = cache / ".small-left" / "root"
    half.mkdir(parents=True)
    first = unpacked(SMALL, lambda _: None)
    assert not half.exists()
    manifest = first.root / "manifest.json"
    text = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(text | {"root": "/elsewhere"}))
    said: list[str] = []
    unpacked(SMALL, said.append)
    assert any("Fetching" in line for line in said)
    said.clear()
    unpacked(SMALL, said.append)
    assert said == []


def test_nothing_fitting_on_offer_says_what_was_asked(cache: Path) -> None:
    absent = Bundle("absent", ("",), lambda _: None, ())
    with pytest.raises(StackError, match=r"No suite .* offers absent .*compose\.yaml"):
        unpacked(absent, lambda _: None)


def test_the_cache_is_where_the_servers_user_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRONPULSE_CACHE", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cache_root() == Path("/var/cache/ironpulse")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/u/caches")
    assert cache_root() == Path("/home/u/caches/ironpulse")


def test_a_missing_program_names_the_folder_to_delete(cache: Path) -> None:
    found = unpacked(SMALL, lambda _: None)
    shutil.rmtree(found.root / "usr" / "bin")
    with pytest.raises(StackError, match="Delete that folder"):
        found.find("usr/bin/hello")
