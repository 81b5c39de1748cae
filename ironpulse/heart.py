"""The sign of life of a process that otherwise has nothing to do with the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.clock import monotonic_s
from store.connection import StoreError, connect, our_errors
from store.processes import BEAT_S, Process, beat


class Heart:
    """Says every few seconds that a process runs. Call it as often as you like."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._next_s = 0.0

    def __call__(self, process: Process, detail: Mapping[str, Any]) -> None:
        """Say it, when it is time. Does nothing while the database is away: whoever asks for the
        status then learns that first, and the process goes on without it."""
        if monotonic_s() < self._next_s:
            return
        self._next_s = monotonic_s() + BEAT_S
        try:
            with connect(self._url) as connection, our_errors():
                beat(connection, process, detail)
        except StoreError:
            return
