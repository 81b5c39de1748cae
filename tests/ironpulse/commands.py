"""Runs `ironpulse` as people do: as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def ironpulse(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`ironpulse ARGUMENTS` with IRONPULSE_ settings, e.g. `database_url=...`, and no others.

    `folder` is where the process looks for a local stack: there is none in a new one.
    """
    named = {f"IRONPULSE_{name.upper()}": value for name, value in settings.items()}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("IRONPULSE_")}
    return subprocess.run(
        [sys.executable, "-m", "ironpulse", *arguments],
        env=inherited | {"COLUMNS": "200", "HOME": str(folder)} | named,
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
