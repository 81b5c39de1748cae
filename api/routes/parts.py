"""Wear parts: what is fitted and how long it lasts, what to order."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Caller, ManagerOrParts
from api.context import Shared
from api.paging import Cursor, Limit, decode, from_micros, micros, page
from api.parameters import MachineSerial, Part, Product, Region, RowId
from api.present import part as present
from api.problems import conflict, not_found, responses
from api.schemas.base import Page
from api.schemas.part import (
    FittedPart,
    LifeOfPart,
    PartAlert,
    PartAlertChange,
    PartAlertStatus,
)
from api.vocabulary import PART_ALERT_STATES
from fleet.clock import now_ms, to_datetime
from store import fleet_view, learned_lives, part_alerts

router = APIRouter(
    prefix="/parts", tags=["parts"], responses=responses("not-signed-in", "not-found")
)


@router.get("/alerts", operation_id="list_part_alerts")
def list_part_alerts(
    _caller: Caller,
    shared: Shared,
    region: Region = None,
    product: Product = None,
    machine: MachineSerial = None,
    status: Annotated[PartAlertStatus | None, Query(description="Only in this state.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PartAlert]:
    """Parts that will be needed, those to be ordered first on top."""
    after = decode(cursor, (int, int))
    place = (from_micros(after[0]), after[1]) if after else None
    filters = {"region": region, "product": product, "serial": machine, "status": status}
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = part_alerts.alerts(connection, filters, place, limit + 1)
    return page(
        rows,
        limit,
        lambda row: present.alert(row, catalogue, now),
        lambda row: [micros(row["order_by"]), row["id"]],
    )


@router.post(
    "/alerts/{alert_id}/status",
    operation_id="change_part_alert",
    responses=responses("not-allowed", "conflict"),
)
def change_part_alert(
    alert_id: RowId, body: PartAlertChange, caller: ManagerOrParts, shared: Shared
) -> PartAlert:
    """Say that the part was ordered, or dismiss the alert with a note that says why."""
    now = now_ms()
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        row = part_alerts.alert(connection, alert_id)
        if row is None:
            raise not_found(
                f"There is no part alert {alert_id}.", f"没有编号为 {alert_id} 的配件预警。"
            )
        changed = part_alerts.change(
            connection,
            alert_id,
            status=body.status,
            actor=caller.actor,
            note=body.note,
            now_ms=now,
        )
        if not changed:
            state, asked = PART_ALERT_STATES[row["status"]], PART_ALERT_STATES[body.status]
            raise conflict(
                f"The part alert is {state.en} already; it cannot become {asked.en}.",
                f"该配件预警状态为“{state.zh}”，不能再改为“{asked.zh}”。",
            )
        row = part_alerts.alert(connection, alert_id)
        assert row is not None
        return present.alert(row, catalogue, to_datetime(now))


@router.get("/fitted", operation_id="list_fitted_parts")
def list_fitted_parts(
    _caller: Caller,
    shared: Shared,
    region: Region = None,
    product: Product = None,
    machine: MachineSerial = None,
    part: Part = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[FittedPart]:
    """Parts on machines with their use and remaining life, those due first (P10) on top."""
    after = decode(cursor, (int, int))
    place = (from_micros(after[0]), after[1]) if after else None
    filters = {"region": region, "product": product, "serial": machine, "part": part}
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = fleet_view.fitted_parts(connection, filters, place, limit + 1)
    return page(
        rows,
        limit,
        lambda row: present.fitted(row, catalogue),
        lambda row: [micros(row["urgent_at"]), row["id"]],
    )


@router.get("/lives", operation_id="list_part_lives")
def list_part_lives(
    _caller: Caller,
    shared: Shared,
    product: Product = None,
    part: Part = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[LifeOfPart]:
    """How long kinds of parts last by what the fleet's replacements say, beside the plan's word;
    kinds of which none has worn out yet are left out."""
    after = decode(cursor, (str, str))
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        place = (after[0], after[1]) if after else None
        rows = learned_lives.learned(connection, product, part, place, limit + 1)
    return page(
        rows,
        limit,
        lambda row: present.life(row, catalogue),
        lambda row: [row["product"], row["part"]],
    )
