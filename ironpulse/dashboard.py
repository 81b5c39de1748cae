"""Starts Streamlit on the dashboard's pages in place of this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

APP = Path(__file__).resolve().parent.parent / "dashboard" / "app.py"


def serve(api_url: str, host: str, port: int) -> None:
    """Become Streamlit, listening at `host`:`port` and reading from the API at `api_url`."""
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *flags]
    # Replacing the process keeps the supervisor's signals and exit code Streamlit's own.
    os.execve(sys.executable, command, os.environ | {"IRONPULSE_API_URL": api_url})
