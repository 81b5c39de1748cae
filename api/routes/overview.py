"""The fleet at a glance."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from api.auth import Caller
from api.context import Shared
from api.present import overview as present
from api.present.product import bilingual
from api.problems import responses
from api.schemas.base import Bilingual
from api.schemas.overview import Freshness, Overview, PartsDue
from fleet.clock import now_ms, to_datetime
from store import broker_loss, fleet_view

PROMISES = 20
#: Of each kind.
DECISIONS = 10
ORDER_SOON = timedelta(days=7)
REPORTING = timedelta(minutes=15)
LOSS = timedelta(days=1)

router = APIRouter(prefix="/overview", tags=["overview"], responses=responses("not-signed-in"))


@router.get("", operation_id="get_overview")
def get_overview(_caller: Caller, shared: Shared) -> Overview:
    """What is wrong, what will be, are promises kept, and what needs a decision now."""
    now = to_datetime(now_ms())
    with shared.database.transaction() as connection:
        catalogue = shared.catalogue(connection)
        groups = fleet_view.health_groups(connection)
        tickets = present.priorities(fleet_view.open_tickets(connection, now))
        promises = fleet_view.promises(connection, PROMISES)
        soon = now + ORDER_SOON
        decisions = fleet_view.decisions(connection, now, soon, DECISIONS)
        parts = PartsDue(**fleet_view.parts_due(connection, soon))
        alarms = {str(r["severity"]): r["alarms"] for r in fleet_view.standing_alarms(connection)}
        fresh = fleet_view.freshness(connection, now - REPORTING)
        connections = fleet_view.connections(connection)
        lost = broker_loss.total(connection, now - LOSS)
        regions = {r["id"]: Bilingual(**r["name"]) for r in fleet_view.regions(connection)}
    products = {plan.product: bilingual(plan.name) for plan in catalogue.plans.values()}
    newest = fresh["newest_measured_at"]
    return Overview(
        as_of=now,
        machines=sum(row["machines"] for row in groups),
        health=present.health_counts(groups),
        health_index=present.health_index(groups),
        regions=present.groups(groups, "region", regions),
        products=present.groups(groups, "product", products),
        tickets=tickets,
        promises=[present.promise(row, now) for row in promises],
        promises_broken=sum(count.overdue for count in tickets),
        decisions=[present.decision(rank, row, catalogue) for rank, row in enumerate(decisions, 1)],
        parts=parts,
        live_alarms=alarms,
        broker_dropped=lost.dropped,
        freshness=Freshness(
            newest_measured_at=newest,
            newest_received_at=fresh["newest_received_at"],
            age_s=(now - newest).total_seconds() if newest is not None else None,
            reporting=fresh["reporting"],
            connections=connections,
        ),
    )
