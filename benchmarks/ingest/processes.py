"""What processes use: processor time and memory, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        for task in _paths(f"/proc/{each}/task"):
            found += [int(child) for child in _words(task / "children")]
    return found


def processor_s(pids: Iterable[int]) -> float:
    """Seconds of processor time that processes, and children of theirs that ended, have used."""
    return sum(map(_processor_s, pids))


def peak_bytes(pids: Iterable[int]) -> int:
    """The sum of the most memory that each process ever held."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1]) * 1024
    return total


def _processor_s(pid: int) -> float:
    words = _words(Path(f"/proc/{pid}/stat"))
    if not words:
        return 0.0
    # The name in brackets may hold spaces: count from its end. See proc_pid_stat(5).
    after = " ".join(words).rpartition(")")[2].split()
    return sum(int(each) for each in after[11:15]) * _TICK_S


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has ended meanwhile


def _paths(folder: str) -> list[Path]:
    try:
        return list(Path(folder).iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []
