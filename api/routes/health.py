"""Whether the service works."""

from __future__ import annotations

from fastapi import APIRouter

from api.context import Shared
from api.routes.ingest import consumers
from api.schemas.ingest import HealthReport
from fleet.clock import now_ms, to_datetime

#: A consumer that is further behind than this needs somebody's eye, seconds.
BEHIND_S = 60.0

router = APIRouter(prefix="/health", tags=["health"])


@router.get("", operation_id="get_health")
def get_health(shared: Shared) -> HealthReport:
    """200 when the store answers, 503 when not. Needs no sign-in."""
    now = to_datetime(now_ms())
    with shared.database.connection() as connection:
        found = consumers(connection)
    behind = any(consumer.lag_s > BEHIND_S for consumer in found)
    return HealthReport(
        status="degraded" if behind else "ok", store="reachable", consumers=found, at=now
    )
