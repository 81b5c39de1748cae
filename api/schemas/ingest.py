"""Data coming in: who reports, how late, what was rejected and why."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Connection, Time


class Consumer(Answer):
    """How far a consumer of the ingest log is behind."""

    consumer: str
    position: int
    behind: int = Field(description="Commits not yet read.")
    samples: int = Field(description="Samples not yet read.")
    lag_s: float = Field(description="Age of the oldest commit not yet read; 0: none.")
    updated_at: Time


class HealthReport(Answer):
    """Whether the service works."""

    status: Literal["ok", "degraded"] = Field(
        description="`degraded`: a consumer is more than a minute behind."
    )
    store: Literal["reachable"]
    consumers: list[Consumer]
    at: Time


class Beat(Answer):
    """A process that runs, or did."""

    process: str
    instance: str
    pid: int
    address: str | None
    started_at: Time
    beat_at: Time
    age_s: float
    alive: bool = Field(description="Heard within the last 30 seconds.")
    detail: dict[str, Any]


class ReasonCount(Answer):
    """How often something happened."""

    reason: str
    count: int


class RejectionCount(ReasonCount):
    """How often messages were rejected for a reason."""

    waiting: int = Field(description="Of them, those that were not put back.")


class Reporter(Answer):
    """A machine and when it was last heard."""

    serial: str
    product: str
    connection: Connection
    connection_since: Time | None
    last_measured_at: Time | None
    last_received_at: Time | None
    age_s: float | None
    delay_s: float | None = Field(
        description="Between measuring and receiving its newest sample, seconds."
    )
    received: int
    late: int
    rejected: int


class Ingest(Answer):
    """Data coming in, in numbers; samples unless said otherwise."""

    as_of: Time
    messages: int
    received: int
    stored: int
    merged: int
    repeated: int
    rejected: int
    late: int
    unknown_machine: int = Field(
        description="Messages that wait until their machine is registered."
    )
    broker_dropped: int = Field(
        description="Messages that the broker dropped since it is watched; they are lost."
    )
    broker_dropped_at: Time | None = Field(description="When that was last seen to grow.")
    connections: dict[str, int]
    rejected_by_reason: list[RejectionCount]
    bad_values_by_reason: list[ReasonCount]
    consumers: list[Consumer]
    beats: list[Beat]


class BadValues(Answer):
    """Values that were stored as missing."""

    signal: str
    reason: str
    count: int
    last_day: str = Field(description="UTC date of the latest.")


class Ledger(Answer):
    """What came of everything a machine sent, in samples.

    received = stored + merged + repeated + rejected.
    """

    serial: str
    first_measured_at: Time | None
    last_measured_at: Time | None
    last_received_at: Time | None
    status: Literal["online", "offline"] | None
    status_at: Time | None
    messages: int
    received: int
    stored: int
    merged: int
    repeated: int
    rejected: int
    late: int
    bad_values: list[BadValues]
    rejected_by_reason: list[RejectionCount]


class Rejected(Answer):
    """A message that could not be used, kept with its bytes."""

    id: int
    received_at: Time
    serial: str | None = Field(description="Who sent it as the topic says, registered or not.")
    topic: str
    content_type: str | None
    payload_size: int
    payload_base64: str = Field(description="The first 1,024 bytes of what was kept.")
    samples: int
    reason: str
    detail: Bilingual
    replayed_at: Time | None


class Replayed(Answer):
    """What became of putting a rejected message back; counts in samples."""

    id: int
    outcome: Literal["replayed", "rejected"] = Field(
        description="`rejected`: it still cannot be used; reason and detail say why now."
    )
    reason: str | None
    detail: Bilingual | None
    stored: int
    merged: int
    repeated: int = Field(description="Were there already.")
    again: int = Field(description="Rejected anew, as messages of their own.")
