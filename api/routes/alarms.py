"""Alarms: the list, and acknowledging one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Caller, ManagerOrTechnician
from api.context import Shared
from api.paging import Cursor, Limit, decode, from_micros, micros, page
from api.parameters import (
    FromTime,
    MachineSerial,
    Product,
    Region,
    RowId,
    Rule,
    Serial,
    Severity,
    ToTime,
)
from api.present import alarm as present
from api.problems import conflict, not_found, responses
from api.routes.machines import machine_row
from api.routes.suppressions import require_station
from api.schemas.alarm import (
    Alarm,
    AlarmCourse,
    AlarmEvent,
    AlarmHistory,
    AlarmState,
    DetectorStates,
)
from api.schemas.base import Page
from api.vocabulary import ALARM_STATES
from fleet.clock import MS_PER_DAY, now_ms, to_ms
from rules.codec import load
from rules.compiled import compile_plan
from rules.detectors.course import course_of
from rules.detectors.standing import standings
from rules.live.known_before import taught_in
from rules.state import empty_state
from store import alarms, rule_state
from store.reading import read_range

router = APIRouter(tags=["alarms"], responses=responses("not-signed-in", "not-found"))

Live = Annotated[bool | None, Query(description="true: not over yet; false: over.")]
State = Annotated[AlarmState | None, Query(description="Only in this state.")]
COURSE_BEFORE_MS, COURSE_AFTER_MS = 7 * MS_PER_DAY, MS_PER_DAY
OVER: tuple[AlarmState, ...] = ("cleared", "withdrawn")


def _states(live: bool | None, state: AlarmState | None) -> list[AlarmState] | None:
    """The states that both filters allow; None: all."""
    allowed = None if live is None else list(alarms.LIVE if live else OVER)
    if state is None:
        return allowed
    return [state] if allowed is None or state in allowed else []


@router.get("/alarms", operation_id="list_alarms")
def list_alarms(
    _caller: Caller,
    shared: Shared,
    live: Live = None,
    state: State = None,
    severity: Severity = None,
    product: Product = None,
    region: Region = None,
    machine: MachineSerial = None,
    rule: Rule = None,
    suppressed: Annotated[
        bool | None, Query(description="true: those that page nobody; false: the others.")
    ] = None,
    flapping: Annotated[
        bool | None, Query(description="true: those that come and go; false: the others.")
    ] = None,
    since: FromTime = None,
    until: ToTime = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Alarm]:
    """Alarms, the latest first. `severity` is the least one; `from` and `to` bound the time at
    which they were raised."""
    after = decode(cursor, (int, int))
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = alarms.list_alarms(
            connection,
            serial=machine,
            product=product,
            region=region,
            rule=rule,
            states=_states(live, state),
            severity=severity or 1,
            suppressed=suppressed,
            flapping=flapping,
            since=since,
            until=until,
            after=(from_micros(after[0]), after[1]) if after else None,
            limit=limit + 1,
        )
    return page(
        rows,
        limit,
        lambda row: present.alarm(row, catalogue),
        lambda row: [micros(row["raised_at"]), row["id"]],
    )


@router.get("/machines/{serial}/alarms", operation_id="list_machine_alarms")
def list_machine_alarms(
    serial: Serial,
    caller: Caller,
    shared: Shared,
    live: Live = None,
    since: FromTime = None,
    until: ToTime = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Alarm]:
    """Alarms of one machine, the latest first."""
    with shared.database.connection() as connection:
        machine_row(connection, serial)
    return list_alarms(
        caller,
        shared,
        live=live,
        machine=serial,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )


@router.get("/alarms/{alarm_id}", operation_id="get_alarm")
def get_alarm(alarm_id: RowId, _caller: Caller, shared: Shared) -> Alarm:
    """One alarm."""
    with shared.database.connection() as connection:
        row = alarms.get_alarm(connection, alarm_id)
        if row is None:
            raise not_found(f"There is no alarm {alarm_id}.", f"没有编号为 {alarm_id} 的报警。")
        return present.alarm(row, shared.catalogue(connection))


@router.get("/alarms/{alarm_id}/history", operation_id="get_alarm_history")
def get_alarm_history(alarm_id: RowId, _caller: Caller, shared: Shared) -> AlarmHistory:
    """Every transition of an alarm, with who and when."""
    with shared.database.connection() as connection:
        if alarms.get_alarm(connection, alarm_id) is None:
            raise not_found(f"There is no alarm {alarm_id}.", f"没有编号为 {alarm_id} 的报警。")
        rows = alarms.history(connection, alarm_id)
    return AlarmHistory(events=[AlarmEvent(**row) for row in rows])


@router.get("/alarms/{alarm_id}/course", operation_id="get_alarm_course")
def get_alarm_course(alarm_id: RowId, _caller: Caller, shared: Shared) -> AlarmCourse:
    """What was expected of the signals that carry a learned detector's finding, and what was seen,
    from a week before the alarm to a day behind it."""
    with shared.database.connection() as connection:
        row = alarms.get_alarm(connection, alarm_id)
        if row is None:
            raise not_found(f"There is no alarm {alarm_id}.", f"没有编号为 {alarm_id} 的报警。")
        plan = shared.catalogue(connection).plans.get(row["product"])
        learned = row["evidence"].get("learned")
        if plan is None or learned is None or not learned.get("signals"):
            return AlarmCourse(times=[], signals=[])
        machine = machine_row(connection, row["serial"])
        raised_ms = to_ms(row["raised_at"])
        samples = read_range(
            connection, plan, [machine["id"]], raised_ms - COURSE_BEFORE_MS,
            raised_ms + COURSE_AFTER_MS,
        )  # fmt: skip
        taught = taught_in(connection, plan.product)
    found = course_of(compile_plan(plan), taught, machine["model"], learned, samples)
    return present.course(found)


@router.get("/machines/{serial}/detectors", operation_id="get_machine_detectors")
def get_machine_detectors(serial: Serial, _caller: Caller, shared: Shared) -> DetectorStates:
    """The learned detectors of a machine: which judge it, which still learn, which have no lesson
    yet."""
    with shared.database.connection() as connection:
        machine = machine_row(connection, serial)
        plan = shared.catalogue(connection).plans.get(machine["product"])
        if plan is None:
            return DetectorStates(as_of=None, detectors=[])
        newest = rule_state.newest_checkpoints(connection, [machine["id"]]).get(machine["id"])
        taught = taught_in(connection, plan.product)
    compiled = compile_plan(plan)
    state = empty_state(compiled, [machine["id"]])
    if newest is not None:
        state = load(compiled, machine["id"], newest.state).state
    found = standings(compiled, taught, machine["model"], state, now_ms())
    return present.detectors(plan, None if newest is None else newest.as_of, found)


@router.post(
    "/alarms/{alarm_id}/acknowledge",
    operation_id="acknowledge_alarm",
    responses=responses("not-allowed", "conflict"),
)
def acknowledge_alarm(alarm_id: RowId, caller: ManagerOrTechnician, shared: Shared) -> Alarm:
    """Say that somebody has seen the alarm. One whose condition is gone is over with that."""
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        row = alarms.get_alarm(connection, alarm_id)
        if row is None:
            raise not_found(f"There is no alarm {alarm_id}.", f"没有编号为 {alarm_id} 的报警。")
        require_station(caller, connection, row["serial"])
        alarms.act_as(connection, caller.actor)
        if not alarms.acknowledge(connection, alarm_id, caller.actor, now_ms()):
            state = ALARM_STATES[row["state"]]
            raise conflict(
                f"The alarm is {state.en}; there is nothing to acknowledge.",
                f"该报警状态为“{state.zh}”，无需确认。",
            )
        row = alarms.get_alarm(connection, alarm_id)
        assert row is not None
        return present.alarm(row, catalogue)
