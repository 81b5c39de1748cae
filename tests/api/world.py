"""What tests put into the store: readings, alarms, tickets, parts, as the other services would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from fleet.batch import SampleBatch
from fleet.clock import to_datetime
from fleet.plan import ProductPlan
from store import ingest_log, machines, telemetry
from store.connection import Connection

#: 2026-03-01T00:00:00Z
START = 1_772_323_200_000
TEXT = {"en": "name", "zh": "名称"}


def machine_id(store: Connection, serial: str) -> int:
    """The id of a machine."""
    return machines.of_serials(store, [serial])[serial][0]


def put_samples(
    store: Connection,
    plan: ProductPlan,
    serial: str,
    times: list[int],
    columns: Mapping[str, list[float]],
) -> None:
    """Samples of one machine at `times` (ms), NaN where it sent nothing."""
    moments = np.array(times, np.int64)
    batch = SampleBatch(
        plan.product,
        tuple(columns),
        np.full(len(times), machine_id(store, serial), np.int64),
        moments,
        moments,
        np.asfortranarray(np.array(list(columns.values()), np.float64).T),
    )
    with store.transaction():
        batch_id = ingest_log.next_id(store)
        telemetry.write(store, plan, batch, batch_id)


def put_now(store: Connection, serial: str, **columns: Any) -> None:
    """What is known of a machine now: columns of machine_now."""
    values = {"connection": "online", "signals": {}, "faults": [], **columns}
    store.execute(
        "insert into machine_now (machine_id, measured_at, regime, regime_since, signals, faults,"
        " connection, connection_since) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            machine_id(store, serial),
            values.get("measured_at"),
            values.get("regime"),
            values.get("regime_since"),
            Jsonb(values["signals"]),
            Jsonb(values["faults"]),
            values["connection"],
            values.get("connection_since"),
        ),
    )


def put_alarm(
    store: Connection,
    serial: str,
    rule: str,
    severity: int,
    *,
    state: str = "active",
    at: int = START,
    component: str = "body",
) -> int:
    """An alarm raised at `at` (ms); its id."""
    row = store.execute(
        "insert into alarm (machine_id, component, rule, plan_version, severity, state,"
        " raised_at, detected_at, late, evidence, returned_at, cleared_at)"
        " values (%s, %s, %s, '1', %s, %s, %s, %s, false, %s, %s, %s) returning id",
        (
            machine_id(store, serial),
            component,
            rule,
            severity,
            state,
            to_datetime(at),
            to_datetime(at),
            Jsonb({"values": {"hyd_temp_c": 104.0}}),
            to_datetime(at + 60_000) if state in ("returned", "cleared") else None,
            to_datetime(at + 90_000) if state == "cleared" else None,
        ),
    ).fetchone()
    assert row is not None
    return int(row["id"])
