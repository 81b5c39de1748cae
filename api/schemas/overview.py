"""The fleet at a glance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Health, Named, Time


class HealthCounts(Answer):
    """Machines by health."""

    stop: int
    alarm: int
    warning: int
    ok: int
    unknown: int


class GroupHealth(Answer):
    """Machines of one region or product by health."""

    id: str
    name: Bilingual
    machines: int
    health: HealthCounts
    health_index: int | None = Field(description="Mean over the machines whose health is known.")


class PriorityCount(Answer):
    """Open tickets of one priority."""

    priority: int
    open: int
    unassigned: int
    overdue: int


class Promise(Answer):
    """An open ticket and the time until which somebody is to be on site."""

    number: str
    serial: str
    title: Bilingual
    status: str
    priority: int
    station: Named
    assignee: str | None
    target_at: Time
    left_s: float = Field(description="Seconds left; negative: broken.")


class Decision(Answer):
    """What needs a decision now, the most pressing first."""

    rank: int
    kind: Literal[
        "promise_broken",
        "stopped_without_ticket",
        "stopped_after_visit",
        "unassigned",
        "unacknowledged",
        "order_part",
    ]
    serial: str
    product: Named
    region: Named
    health: Health
    reason: Bilingual
    subject: Bilingual = Field(description="The ticket's title, or the name of the rule or part.")
    since: Time
    ticket: str | None
    alarm_id: int | None
    part_alert_id: int | None
    machines: int = Field(description="Machines that it is about; told by the first of them.")
    quantity: int | None = Field(description="Pieces, where a part is to be ordered.")
    of_kind: int = Field(description="How many decisions of this kind wait in all.")


class PartsDue(Answer):
    """Wear-part alerts in a few numbers."""

    open: int
    order_now: int = Field(description="Open and to be ordered within seven days, or late.")
    ordered: int


class Freshness(Answer):
    """How fresh the fleet's data are."""

    newest_measured_at: Time | None
    newest_received_at: Time | None
    age_s: float | None = Field(description="Seconds since the newest measurement.")
    reporting: int = Field(description="Machines heard in the last 15 minutes.")
    connections: dict[str, int] = Field(description="Machines by connection state.")


class Overview(Answer):
    """The fleet at a glance: what is wrong, what will be, are promises kept."""

    as_of: Time
    machines: int
    health: HealthCounts
    health_index: int | None
    regions: list[GroupHealth]
    products: list[GroupHealth]
    tickets: list[PriorityCount]
    promises: list[Promise] = Field(description="The next twenty, the earliest first.")
    promises_broken: int
    decisions: list[Decision] = Field(description="At most ten of each kind.")
    parts: PartsDue
    live_alarms: dict[str, int] = Field(description="Severity -> standing alarms.")
    broker_dropped: int = Field(
        description="Messages that the broker dropped in the last 24 hours; they are lost."
    )
    freshness: Freshness
