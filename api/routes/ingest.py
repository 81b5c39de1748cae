"""Data coming in: what came of it, who reports, what was rejected."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.auth import Caller, Manager
from api.context import Shared
from api.paging import Cursor, Limit, decode, from_micros, micros, page
from api.parameters import MachineSerial, Reason, RowId, Serial
from api.present.machine import age_s
from api.present.product import bilingual
from api.problems import conflict, not_found, responses
from api.routes.machines import machine_row
from api.schemas.base import Page
from api.schemas.ingest import (
    BadValues,
    Beat,
    Consumer,
    Ingest,
    Ledger,
    ReasonCount,
    Rejected,
    RejectionCount,
    Replayed,
    Reporter,
)
from fleet.clock import now_ms, to_datetime
from ingest.replay import replay
from store import broker_loss, fleet_view, ingest_log, ingest_view
from store.connection import Connection
from store.processes import SILENT_AFTER_S

router = APIRouter(tags=["ingest"], responses=responses("not-signed-in"))

Row = Mapping[str, Any]


def consumers(connection: Connection) -> list[Consumer]:
    """How far each consumer of the ingest log is behind."""
    return [
        Consumer(
            consumer=lag.consumer,
            position=lag.position,
            behind=lag.batches,
            samples=lag.samples,
            lag_s=max(0.0, lag.seconds),
            updated_at=lag.updated_at,
        )
        for lag in ingest_log.lags(connection)
    ]


@router.get("/ingest", operation_id="get_ingest")
def get_ingest(_caller: Caller, shared: Shared) -> Ingest:
    """Data coming in, in numbers; how far consumers are behind; which processes run."""
    now = to_datetime(now_ms())
    with shared.database.transaction() as connection:
        lost = broker_loss.total(connection)
        return Ingest(
            as_of=now,
            broker_dropped=lost.dropped,
            broker_dropped_at=lost.last_at,
            **ingest_view.totals(connection),
            unknown_machine=ingest_view.unknown_machine(connection),
            connections=fleet_view.connections(connection),
            rejected_by_reason=_rejections(ingest_view.rejected_by_reason(connection, None)),
            bad_values_by_reason=_reasons(ingest_view.bad_values_by_reason(connection)),
            consumers=consumers(connection),
            beats=[_beat(row, now) for row in ingest_view.beats(connection)],
        )


@router.get("/ingest/machines", operation_id="list_reporters", responses=responses("not-found"))
def list_reporters(
    _caller: Caller, shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[Reporter]:
    """Machines and when they were last heard, the longest silent first."""
    after = decode(cursor, (int, str))
    place = (from_micros(after[0]) if after[0] >= 0 else None, after[1]) if after else None
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        rows = ingest_view.reporters(connection, place, limit + 1)
    return page(rows, limit, lambda row: _reporter(row, now), _heard)


@router.get(
    "/machines/{serial}/ledger",
    operation_id="get_ledger",
    tags=["machines"],
    responses=responses("not-found"),
)
def get_ledger(serial: Serial, _caller: Caller, shared: Shared) -> Ledger:
    """What came of everything a machine sent: received = stored + merged + repeated + rejected."""
    with shared.database.transaction() as connection:
        machine_id = machine_row(connection, serial)["id"]
        ledger = ingest_view.ledger(connection, machine_id) or _NOTHING
        bad = ingest_view.bad_values(connection, machine_id)
        rejected = ingest_view.rejected_by_reason(connection, machine_id)
    return Ledger(
        serial=serial,
        **ledger,
        bad_values=[BadValues(**{**row, "last_day": row["last_day"].isoformat()}) for row in bad],
        rejected_by_reason=_rejections(rejected),
    )


@router.get("/rejected", operation_id="list_rejected", responses=responses("not-found"))
def list_rejected(
    _caller: Caller,
    shared: Shared,
    reason: Reason = None,
    machine: MachineSerial = None,
    waiting: Annotated[bool, Query(description="Only those that were not put back.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Rejected]:
    """Messages that could not be used, with the reason and their first bytes, newest first."""
    before = decode(cursor, (int,))
    with shared.database.connection() as connection:
        rows = ingest_view.rejected(
            connection,
            before[0] if before else None,
            reason,
            machine,
            limit + 1,
            waiting=waiting,
        )
    return page(rows, limit, _rejected, lambda row: [row["id"]])


@router.post(
    "/rejected/{rejected_id}/replay",
    operation_id="replay_rejected",
    responses=responses("not-allowed", "not-found", "conflict"),
)
def replay_rejected(rejected_id: RowId, _caller: Manager, shared: Shared) -> Replayed:
    """Put a rejected message back, after what was wrong was mended, such as a machine that was
    not registered. Works once: what was put back is a conflict."""
    with shared.database.connection() as connection:
        (done,) = replay(connection, [rejected_id])
    if done.outcome == "unknown":
        raise not_found(
            f"There is no rejected message {rejected_id}.", f"没有被拒绝的消息 {rejected_id}。"
        )
    if done.outcome in ("replayed_before", "incomplete"):
        assert done.detail is not None
        raise conflict(
            f"Message {rejected_id} cannot be put back: {done.detail.en}.",
            f"消息 {rejected_id} 无法重放：{done.detail.zh}。",
        )
    detail = bilingual(done.detail) if done.detail is not None else None
    return Replayed(**{**asdict(done), "detail": detail})


_NOTHING: Row = {
    **dict.fromkeys(
        ("first_measured_at", "last_measured_at", "last_received_at", "status", "status_at")
    ),
    **dict.fromkeys(
        ("messages", "received", "stored", "merged", "repeated", "rejected", "late"), 0
    ),
}


def _reasons(rows: list[ingest_view.Row]) -> list[ReasonCount]:
    return [ReasonCount(**row) for row in rows]


def _rejections(rows: list[ingest_view.Row]) -> list[RejectionCount]:
    return [RejectionCount(**row) for row in rows]


def _beat(row: Row, now: datetime) -> Beat:
    age = age_s(row["beat_at"], now)
    return Beat(**row, age_s=age, alive=age <= SILENT_AFTER_S)


def _reporter(row: Row, now: datetime) -> Reporter:
    measured, received = row["last_measured_at"], row["last_received_at"]
    delay = (received - measured).total_seconds() if measured and received else None
    return Reporter(
        **row,
        age_s=age_s(received, now) if received else None,
        delay_s=max(0.0, delay) if delay is not None else None,
    )


def _heard(row: Row) -> tuple[int, str]:
    heard = row["last_received_at"]
    return (micros(heard) if heard is not None else -1, row["serial"])


def _rejected(row: Row) -> Rejected:
    payload = base64.b64encode(row["payload"]).decode()
    return Rejected(
        **{name: value for name, value in row.items() if name != "payload"},
        payload_base64=payload,
    )
