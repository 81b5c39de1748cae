"""Which processes live in a folder: what a test started must be gone when it ends."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def processes_in(*folders: Path) -> dict[int, str]:
    """Process id -> command line of all that work in one of `folders` or below it."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile
            where = (entry / "cwd").readlink()
            if any(where.is_relative_to(folder) for folder in folders):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                found[int(entry.name)] = b" ".join(words).decode(errors="replace").strip()
    return found


def until(ask: Callable[[], T], good: Callable[[T], bool], patience_s: float = 40.0) -> T:
    """Ask again until the answer is good; fails with the last answer."""
    deadline = time.monotonic() + patience_s
    while not good(last := ask()):
        assert time.monotonic() < deadline, f"after {patience_s:.0f} s it is still {last!r}"
        threading.Event().wait(0.05)  # between two real questions
    return last


def until_none_in(*folders: Path, patience_s: float = 40.0) -> None:
    """Wait until nothing works in `folders` any more."""
    until(lambda: processes_in(*folders), lambda found: not found, patience_s)
