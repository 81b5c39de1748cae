"""Batches of the small product for tests of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fleet.batch import SampleBatch
from tests import small

START = 1_790_000_000_000
SIGNALS = small.product_plan().signal_keys

Row = tuple[int, int, Mapping[str, float]]


def batch(rows: Sequence[Row], signals: Sequence[str] = SIGNALS) -> SampleBatch:
    """A batch of rows (machine, seconds after START, values)."""
    values = np.full((len(rows), len(signals)), np.nan, order="F")
    for place, (_, _, given) in enumerate(rows):
        for key, value in given.items():
            values[place, list(signals).index(key)] = value
    measured_at = np.array([START + seconds * 1000 for _, seconds, _ in rows], np.int64)
    machine_id = np.array([machine for machine, _, _ in rows], np.int64)
    return SampleBatch("pump", tuple(signals), machine_id, measured_at, measured_at + 50, values)
