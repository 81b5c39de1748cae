"""Values that came and that no sensor of that kind can say; in the telemetry they are missing."""

from __future__ import annotations

import numpy as np

from fleet import clock
from fleet.batch import NOTHING_IMPLAUSIBLE, Implausible, SampleBatch
from store.connection import Connection
from store.queries import load

_SQL = load("implausible")


def add(connection: Connection, batch: SampleBatch) -> set[tuple[int, int]]:
    """Keep those of a batch, the first that came of a signal at a moment; returns the moments
    (machine, ms since 1970 UTC) of which there was anything new."""
    own = batch.implausible
    values = {
        "machines": batch.machine_id[own.row].tolist(),
        "times": [clock.to_datetime(at) for at in batch.measured_at[own.row].tolist()],
        "signals": [batch.signals[number] for number in own.signal.tolist()],
        "values": own.value.tolist(),
    }
    rows = connection.execute(_SQL["add"], values).fetchall()
    return {(row["machine_id"], clock.to_ms(row["measured_at"])) for row in rows}


def of(connection: Connection, batch: SampleBatch) -> Implausible:
    """Those of a batch whose rows are in order of machine and time, each moment once."""
    if not len(batch):
        return NOTHING_IMPLAUSIBLE
    asked = {
        "machines": np.unique(batch.machine_id).tolist(),
        "oldest": clock.to_datetime(int(batch.measured_at.min())),
        "newest": clock.to_datetime(int(batch.measured_at.max())),
        "signals": list(batch.signals),
    }
    found = connection.execute(_SQL["read"], asked).fetchall()
    if not found:
        return NOTHING_IMPLAUSIBLE
    own = np.flatnonzero(np.isin(batch.machine_id, [row["machine_id"] for row in found]))
    moments = zip(batch.machine_id[own].tolist(), batch.measured_at[own].tolist(), strict=True)
    place = dict(zip(moments, own.tolist(), strict=True))
    number = {key: at for at, key in enumerate(batch.signals)}
    known = [
        (row, number[one["signal"]], one["value"])
        for one in found
        if (row := place.get((one["machine_id"], clock.to_ms(one["measured_at"])))) is not None
    ]
    rows, signals, values = zip(*known, strict=True) if known else ((), (), ())
    return Implausible(
        np.array(rows, np.intp), np.array(signals, np.intp), np.array(values, np.float64)
    )
