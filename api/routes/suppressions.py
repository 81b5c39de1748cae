"""Silencing alarms: shelving one, taking one out of service, maintenance mode."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Caller, ManagerOrTechnician
from api.context import Shared
from api.identity import Identity
from api.paging import Cursor, Limit, decode, page
from api.parameters import MachineSerial, RowId, Serial
from api.present import alarm as present
from api.problems import ProblemException, conflict, not_found, responses
from api.routes.machines import machine_row
from api.schemas.alarm import Alarm
from api.schemas.base import Page
from api.schemas.suppression import Maintenance, OutOfService, Shelve, Suppression
from fleet.clock import now_ms, to_ms
from fleet.text import Text
from store import alarms, suppressions
from store.connection import Connection
from store.suppressions import Kind

router = APIRouter(tags=["alarms"], responses=responses("not-signed-in", "not-found"))
_CHANGES = responses("not-allowed", "conflict")

#: Nothing is put aside for longer; an alarm that is wrong for longer is out of service.
LONGEST_MS = 400 * 86_400_000


def require_station(caller: Identity, connection: Connection, serial: str) -> None:
    """A technician handles the alarms of machines of the own station; 403 otherwise."""
    if caller.kind == "session" and caller.role == "technician":
        station = machine_row(connection, serial)["station"]
        if caller.station != station:
            raise ProblemException(
                "not-allowed",
                Text(
                    en=f"{serial} belongs to the station {station}; its technicians and the "
                    "managers handle its alarms.",
                    zh=f"设备 {serial} 属于服务站 {station}，其报警由该站工程师或服务经理处理。",
                ),
            )


@router.post("/alarms/{alarm_id}/shelve", operation_id="shelve_alarm", responses=_CHANGES)
def shelve_alarm(
    alarm_id: RowId, body: Shelve, caller: ManagerOrTechnician, shared: Shared
) -> Alarm:
    """Put an alarm aside until a moment: it pages nobody, also when it is raised again, and comes
    back by itself."""
    return _begin(alarm_id, "shelved", body.until, body.reason, caller, shared)


@router.post("/alarms/{alarm_id}/unshelve", operation_id="unshelve_alarm", responses=_CHANGES)
def unshelve_alarm(alarm_id: RowId, caller: ManagerOrTechnician, shared: Shared) -> Alarm:
    """Take a shelved alarm back at once."""
    return _end(alarm_id, "shelved", caller, shared)


@router.post(
    "/alarms/{alarm_id}/out-of-service", operation_id="take_out_of_service", responses=_CHANGES
)
def take_out_of_service(
    alarm_id: RowId, body: OutOfService, caller: ManagerOrTechnician, shared: Shared
) -> Alarm:
    """Take this alarm of this machine out of service until somebody returns it: its sensor is
    broken, its limit wrong."""
    return _begin(alarm_id, "out_of_service", None, body.reason, caller, shared)


@router.post(
    "/alarms/{alarm_id}/return-to-service", operation_id="return_to_service", responses=_CHANGES
)
def return_to_service(alarm_id: RowId, caller: ManagerOrTechnician, shared: Shared) -> Alarm:
    """Return an alarm to service."""
    return _end(alarm_id, "out_of_service", caller, shared)


@router.post("/machines/{serial}/maintenance", operation_id="begin_maintenance", responses=_CHANGES)
def begin_maintenance(
    serial: Serial, body: Maintenance, caller: ManagerOrTechnician, shared: Shared
) -> Suppression:
    """Maintenance mode of a machine or of a component: its alarms are recorded, page nobody and
    make no tickets. What still stands when it ends is raised then."""
    now = now_ms()
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        row = machine_row(connection, serial)
        require_station(caller, connection, serial)
        if row["retired_at"] is not None:
            raise conflict(
                f"{serial} is retired: it raises no alarms.",
                f"设备 {serial} 已退役，不再产生报警。",
            )
        plan = catalogue.plans[row["product"]]
        if body.component is not None and body.component not in plan.component:
            raise not_found(
                f"{plan.name.en} has no component {body.component}; there are "
                f"{', '.join(plan.component)}.",
                f"{plan.name.zh}没有部件 {body.component}，可选：{', '.join(plan.component)}。",
            )
        made = suppressions.begin(
            connection, "maintenance", row["id"], body.component, None,
            until_ms=_until(body.until, now), reason=body.reason, who=caller.actor, now_ms=now,
        )  # fmt: skip
        alarms.act_as(connection, caller.actor)
        suppressions.apply(connection, now, machine_id=row["id"])
        (found,) = suppressions.list_suppressions(connection, now, suppression_id=made, limit=1)
        return present.suppression(found, catalogue)


@router.post(
    "/suppressions/{suppression_id}/end", operation_id="end_suppression", responses=_CHANGES
)
def end_suppression(
    suppression_id: RowId, caller: ManagerOrTechnician, shared: Shared
) -> Suppression:
    """End it at once. Alarms that still stand are raised within seconds."""
    now = now_ms()
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        found = suppressions.list_suppressions(
            connection, now, suppression_id=suppression_id, limit=1
        )
        if not found:
            raise not_found(
                f"There is no suppression {suppression_id}.",
                f"没有编号为 {suppression_id} 的抑制。",
            )
        serial = found[0]["serial"]
        require_station(caller, connection, serial)
        if not suppressions.end(connection, suppression_id, caller.actor, now):
            raise conflict("It has ended already.", "该抑制已结束。")
        alarms.act_as(connection, caller.actor)
        suppressions.apply(connection, now, machine_id=machine_row(connection, serial)["id"])
        (ended,) = suppressions.list_suppressions(
            connection, now, suppression_id=suppression_id, limit=1
        )
        return present.suppression(ended, catalogue)


@router.get("/suppressions", operation_id="list_suppressions")
def list_suppressions(
    _caller: Caller,
    shared: Shared,
    machine: MachineSerial = None,
    running: Annotated[bool, Query(description="true: only those that run now.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Suppression]:
    """Who silenced what, until when and why; the latest first."""
    after = decode(cursor, (int,))
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = suppressions.list_suppressions(
            connection,
            now_ms(),
            serial=machine,
            running=running,
            after=after[0] if after else None,
            limit=limit + 1,
        )
    return page(
        rows, limit, lambda row: present.suppression(row, catalogue), lambda row: [row["id"]]
    )


def _until(moment: datetime, now: int) -> int:
    until = to_ms(moment)
    if not now < until <= now + LONGEST_MS:
        raise conflict(
            "`until` lies in the past or more than 400 days ahead; give a moment between.",
            "截止时间早于当前时间或超过 400 天，请重新填写。",
        )
    return until


def _begin(
    alarm_id: int,
    kind: Kind,
    until: datetime | None,
    reason: str,
    caller: Identity,
    shared: Shared,
) -> Alarm:
    now = now_ms()
    with shared.database.transaction() as connection:
        row = _alarm(connection, alarm_id)
        require_station(caller, connection, row["serial"])
        suppressions.begin(
            connection, kind, row["machine_id"], row["component"], row["rule"],
            until_ms=None if until is None else _until(until, now),
            reason=reason, who=caller.actor, now_ms=now,
        )  # fmt: skip
        return _applied(connection, row, caller, shared, now)


def _end(alarm_id: int, kind: Kind, caller: Identity, shared: Shared) -> Alarm:
    now = now_ms()
    with shared.database.transaction() as connection:
        row = _alarm(connection, alarm_id)
        require_station(caller, connection, row["serial"])
        if not suppressions.end_for_alarm(connection, alarm_id, kind, caller.actor, now):
            words = ("shelved", "搁置") if kind == "shelved" else ("out of service", "停用")
            raise conflict(f"The alarm is not {words[0]}.", f"该报警未处于{words[1]}状态。")
        return _applied(connection, row, caller, shared, now)


def _alarm(connection: Connection, alarm_id: int) -> alarms.Row:
    row = alarms.get_alarm(connection, alarm_id)
    if row is None:
        raise not_found(f"There is no alarm {alarm_id}.", f"没有编号为 {alarm_id} 的报警。")
    return row


def _applied(
    connection: Connection, row: alarms.Row, caller: Identity, shared: Shared, now: int
) -> Alarm:
    alarms.act_as(connection, caller.actor)
    suppressions.apply(connection, now, machine_id=row["machine_id"])
    return present.alarm(_alarm(connection, row["id"]), shared.catalogue(connection))
