"""What tests put into the store: readings, alarms, tickets, parts, as the other services would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from fleet.batch import SampleBatch
from fleet.clock import MS_PER_DAY, MS_PER_HOUR, now_ms, to_datetime
from fleet.finding import Finding
from fleet.plan import ProductPlan
from fleet.text import Text
from predict.plan.refill import run_refill
from predict.plan.run import run_plan
from rules.compiled import compile_plan
from rules.detectors.lessons import dump_normal
from rules.detectors.past import joined, past_of
from rules.detectors.teaching import learned
from store import alarms, ingest_log, machines, part_alerts, stock, telemetry, tickets, visits
from store.alarms import AlarmRecord
from store.connection import Connection
from store.normals import StoredNormal, put_normals
from store.reading import read_range
from tests.api import plans
from tickets.dispatch import dispatch

#: 2026-03-01T00:00:00Z
START = 1_772_323_200_000


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
    state: alarms.State = "active",
    at: int = START,
    component: str = "body",
    evidence: Mapping[str, Any] | None = None,
) -> int:
    """An alarm raised at `at` (ms); its id."""
    over = state in ("returned", "cleared")
    record = AlarmRecord(
        id=None,
        machine_id=machine_id(store, serial),
        component=component,
        rule=rule,
        plan_version="1",
        severity=severity,
        state=state,
        raised_at=at,
        returned_at=at + 60_000 if over else None,
        detected_at=at,
        acknowledged_at=None,
        acknowledged_by=None,
        cleared_at=at + 90_000 if state == "cleared" else None,
        occurrences=1,
        spans=((at, at + 60_000 if over else None),),
        late=False,
        judged=True,
        evidence=evidence or {"values": {"hyd_temp_c": 104.0}},
    )
    return alarms.write(store, [record])[0]


def put_unlike(store: Connection, raised_ms: int) -> int:
    """What an hour's heat of a pump was found unlike normal by: two days of work, a lesson of all
    but the end, and the alarm of the rule `unlike`; its id."""
    plan = plans.catalogue().plans["pump"]
    compiled, rng = compile_plan(plan), np.random.default_rng(1)
    times = np.arange(raised_ms - 2 * MS_PER_DAY, raised_ms + MS_PER_HOUR, 60_000)
    speed = 1500.0 + 200.0 * rng.random(len(times))
    heat = np.where(times > raised_ms - MS_PER_HOUR, 15.0, 0.0)
    hot = 20.0 + speed / 40.0 + heat + rng.normal(0, 0.5, len(times))
    columns = {"eng_speed_rpm": speed, "hyd_temp_c": hot, "gps_lat": 28 + rng.random(len(times))}
    known = {name: column.tolist() for name, column in columns.items()}
    put_samples(store, plan, "P-1", times.tolist(), known)
    batch = read_range(store, plan, [machine_id(store, "P-1")], 0, raised_ms - 2 * MS_PER_HOUR)
    seen = past_of(compiled, batch)["unlike"]
    many = joined([seen, seen])
    (detector,) = compiled.detectors
    lesson = learned(detector, many, {}, raised_ms - MS_PER_HOUR)[""]
    with store.transaction():
        stored = StoredNormal("unlike", "", lesson.since_ms, dump_normal(lesson))
        put_normals(store, plan.product, [stored])
    told = {
        "signal": "hyd_temp_c",
        "fluctuation": False,
        "share": 0.9,
        "seen": 73.2,
        "expected": 60,
    }
    evidence = {
        "reason": {
            "en": "While working: oil 73.2 °C, expected 60 °C.",
            "zh": "油温 73.2 °C，应为 60 °C。",
        },
        "signals": {},
        "learned": {
            "detector": "unlike",
            "learned_ms": lesson.since_ms,
            "operating_point": {"eng_speed_rpm": 1600.0},
            "signals": [told],
        },
    }
    return put_alarm(store, "P-1", "unlike", 2, at=raised_ms, evidence=evidence)


def put_ticket(
    store: Connection, serial: str, rule: str = "hot", severity: int = 3, at: int | None = None
) -> str:
    """An alarm at `at` (ms, now where not given), and the ticket it opens; its number."""
    moment = now_ms() if at is None else at
    finding = Finding(
        machine_id=machine_id(store, serial),
        kind="alarm",
        source=rule,
        component="body",
        severity=severity,
        happened_at=moment,
        title=Text(en=f"rule {rule}", zh=f"规则 {rule}"),
        reason=Text(en="hotter than 100 °C", zh="油温高于 100 °C"),
        evidence={"values": {"hyd_temp_c": 104.0}},
        failure_modes=("F01",),
        alarm_id=put_alarm(store, serial, rule, severity, at=moment),
    )
    with store.transaction():
        dispatch(store, plans.catalogue(), [finding], moment)
    rows = tickets.queue(store, {"serial": serial, "open": True}, None, 1)
    return str(rows[0]["number"])


def put_part_alert(store: Connection, serial: str, order_in_days: int = 2) -> int:
    """An alert for a fitted part of the machine, to be ordered in so many days; its id."""
    with store.transaction():
        part_id = visits.fitted_places(store, machine_id(store, serial))[0]["id"]
        order_by = to_datetime(now_ms()) + timedelta(days=order_in_days)
        alert = {
            "fitted_part_id": part_id,
            "quantity": 1,
            "order_by": order_by,
            "needed_by": order_by + timedelta(days=14),
            "probability": 0.6,
            "evidence": {"worn_share": 0.9},
        }
        part_alerts.raise_(store, [alert], now_ms())
    return int(part_alerts.newest(store, [machine_id(store, serial)])[part_id]["id"])


WAREHOUSE = {"en": "Warehouse", "zh": "仓库"}


def put_plan(store: Connection) -> int:
    """Two warehouses, something in them, repairs of three months, and the plan of it."""
    (region,) = {
        r["region"] for r in store.execute("select region from station limit 1").fetchall()
    }
    now = to_datetime(now_ms())
    number = next(iter(plans.catalogue().plans["pump"].parts)).number
    stock.put_warehouses(
        store,
        [
            {
                "id": "hq",
                "level": "headquarters",
                "region": None,
                "station": None,
                "name": WAREHOUSE,
            },
            {"id": "near", "level": "region", "region": region, "station": None, "name": WAREHOUSE},
        ],
    )
    stock.put_stock(
        store,
        [
            {"warehouse": "hq", "number": number, "on_hand": 3, "inbound": 0, "owed": 0},
        ],
        now,
    )
    stock.put_issues(store, [
        {"document": f"D{n}", "warehouse": "near", "number": number, "quantity": 1,
         "issued_at": now - timedelta(days=95 - 3 * n), "reason": "repair"} for n in range(30)
    ])  # fmt: skip
    with store.transaction():
        return run_plan(store, plans.catalogue(), now, "test")


def put_refill(store: Connection) -> int:
    """Stock counted anew since the plan, and the shelves filled up by it."""
    number = next(iter(plans.catalogue().plans["pump"].parts)).number
    counted = {"warehouse": "hq", "number": number, "on_hand": 9, "inbound": 0, "owed": 0}
    with store.transaction():
        stock.put_stock(store, [counted], to_datetime(now_ms()))
        return run_refill(store, plans.catalogue(), to_datetime(now_ms()), "test")
