"""The parts plan of a fleet in the store, made in a process of its own."""

from __future__ import annotations

import os
import time

from benchmarks.ingest.processes import peak_bytes
from fleet.clock import to_datetime
from ironpulse.demo.parts import open_shelves
from predict.plan.run import run_plan
from store.connection import connect
from store.plans import load_catalogue


def planned(url: str, now_ms: int) -> tuple[float, int]:
    """Seconds that the fleet's parts plan takes, and the most memory of this process in bytes."""
    at = to_datetime(now_ms)
    with connect(url) as connection:
        catalogue = load_catalogue(connection)
        with connection.transaction():
            open_shelves(connection, catalogue, at, seed=1)
        begun = time.perf_counter()
        with connection.transaction():
            run_plan(connection, catalogue, at, "predict")
    return time.perf_counter() - begun, peak_bytes([os.getpid()])
