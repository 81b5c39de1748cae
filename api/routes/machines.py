"""Machines: the list, and everything known of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Caller
from api.context import Shared
from api.identity import Identity
from api.paging import Cursor, Limit, decode, page
from api.parameters import Product, Region, SearchText, Serial, Station
from api.present import alarm as present_alarm
from api.present import machine as present
from api.present import part as present_part
from api.present import ticket as present_ticket
from api.problems import not_found, responses
from api.routes.tickets import view_of
from api.schemas.base import Health, Page
from api.schemas.machine import InspectionDue, Machine, MachineSummary
from fleet.clock import now_ms, to_datetime
from store import alarms, fleet_view, inspections, tickets
from store.connection import Connection

MOST_TICKETS = 50
MOST_ALARMS = 200
MOST_PARTS = 500

router = APIRouter(
    prefix="/machines", tags=["machines"], responses=responses("not-signed-in", "not-found")
)


def machine_row(connection: Connection, serial: str) -> fleet_view.Row:
    """The machine of that serial number; 404 where there is none."""
    row = fleet_view.machine(connection, serial)
    if row is None:
        raise not_found(f"There is no machine {serial}.", f"没有序列号为 {serial} 的设备。")
    return row


@router.get("", operation_id="list_machines")
def list_machines(
    _caller: Caller,
    shared: Shared,
    product: Product = None,
    region: Region = None,
    station: Station = None,
    health: Annotated[Health | None, Query(description="Only of this health.")] = None,
    text: SearchText = None,
    retired: Annotated[
        bool, Query(description="true: those that left the fleet, in place of those in service.")
    ] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[MachineSummary]:
    """Machines in service, by serial number. `text` finds a part of serial number, model,
    customer or site."""
    after = decode(cursor, (str,))
    filters = {
        "product": product,
        "region": region,
        "station": station,
        "health": health,
        "text": text or None,
    }
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        catalogue = shared.catalogue(connection)
        rows = fleet_view.machines(
            connection, filters, after[0] if after else None, limit + 1, retired=retired
        )
    return page(
        rows, limit, lambda row: present.summary(row, catalogue, now), lambda row: [row["serial"]]
    )


@router.get("/{serial}", operation_id="get_machine")
def get_machine(serial: Serial, caller: Caller, shared: Shared) -> Machine:
    """One machine: where it is, how it is, its last values, alarms, tickets, parts, services.

    Of its open tickets those that the caller would see in the queue; the parts team sees none. A
    retired machine has its last values and its history, and nothing that is still to come.
    """
    now = to_datetime(now_ms())
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        row = machine_row(connection, serial)
        plan = shared.plan(connection, row["product"])
        live = alarms.list_alarms(connection, serial=serial, states=alarms.LIVE, limit=MOST_ALARMS)
        open_tickets = _open_tickets(connection, serial, caller)
        parts = fleet_view.fitted_parts(connection, {"serial": serial}, None, MOST_PARTS)
        in_service = row["retired_at"] is None
        services = fleet_view.services_due(connection, row["id"]) if in_service else []
        inspection = inspections.of_machine(connection, row["id"]) if in_service else None
    worst_first = sorted(live, key=lambda a: (-a["severity"], a["raised_at"]))
    return Machine(
        **present.summary_fields(row, catalogue, now),
        commissioned_on=row["commissioned_on"],
        registered_at=row["registered_at"],
        hours=present.hours(row, plan, now),
        signals=present.signals(row, plan, now),
        faults=present.faults(row, catalogue),
        alarms=[present_alarm.alarm(alarm, catalogue) for alarm in worst_first],
        tickets=[present_ticket.summary(ticket, catalogue, now) for ticket in open_tickets],
        parts=[present_part.fitted(part, catalogue) for part in parts],
        services=[present.service_due(service, plan) for service in services],
        inspection=InspectionDue(**inspection) if inspection else None,
    )


def _open_tickets(connection: Connection, serial: str, caller: Identity) -> list[tickets.Row]:
    if caller.role == "parts":
        return []
    filters = {"serial": serial, "open": True, **view_of(caller)}
    return tickets.queue(connection, filters, None, MOST_TICKETS)
