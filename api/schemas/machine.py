"""Machines: where they are, how they are, what they measured."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from api.schemas.alarm import Alarm
from api.schemas.base import Answer, Bilingual, Connection, Health, Named, Time, Value
from api.schemas.part import FittedPart
from api.schemas.ticket import TicketSummary


class Position(Answer):
    """Where a machine is."""

    lat: float
    lon: float
    source: Literal["gps", "site"] = Field(
        description="`gps`: its last reading; `site`: where it is registered."
    )
    at: Time | None = Field(description="Time of the GPS reading; null for the registered site.")


class Since(Answer):
    """A state and since when it holds."""

    id: str
    name: Bilingual
    since: Time | None


class MachineSummary(Answer):
    """A machine in the list."""

    serial: str
    product: Named
    model: Named
    customer: Named
    station: Named
    region: Named
    tier: Named
    site: Bilingual
    position: Position
    health: Health
    health_index: int | None = Field(
        description="100 minus 10 for each standing warning, 30 for each alarm, 60 for each "
        "stop, not below 0; null while the health is unknown."
    )
    connection: Connection
    connection_since: Time | None
    regime: Since | None
    last_measured_at: Time | None
    last_measured_age_s: float | None
    live_alarms: int
    open_tickets: int
    retired_at: Time | None = Field(
        description="When it left the fleet; null for a machine in service. Its history stays."
    )


class SignalNow(Answer):
    """The last value of a signal; `value` is null when it was never measured."""

    key: str
    name: Bilingual
    component: str
    kind: Literal["gauge", "counter", "enum", "flag"]
    headline: bool
    unit: str | None
    value: float | None
    text: Bilingual | None = Field(description="The value of an enumeration, in words.")
    at: Time | None
    age_s: float | None
    grade: Literal["normal", "warn", "alarm", "unknown"] = Field(
        description="Against the plan's limits; `unknown` also when the value is too old."
    )


class FaultNow(Answer):
    """A trouble code that is active now."""

    key: str
    spn: int | None
    fmi: int | None
    code: str | None
    occurrences: int | None = Field(description="As the control unit counts them.")
    source_address: int | None = Field(description="The control unit on the machine's bus.")
    lamp: Literal["stop", "warning", "mil", "protect"] | None
    since: Time = Field(description="From when it has been active.")
    spn_text: Bilingual | None
    fmi_text: Bilingual | None


class InspectionDue(Answer):
    """When the machine is best looked at next, and why then."""

    due_at: Time
    reason: Bilingual
    evidence: dict[str, Any] = Field(
        description="What a look then prevents, in visits; the parts it is for; what the fixed "
        "calendar of months 1, 3, 6, 12 would have said."
    )
    as_of: Time


class ServiceDue(Answer):
    """When a scheduled service is due."""

    service: str
    name: Bilingual
    hours: float = Field(description="Operating hours at `as_of`.")
    due_hours: float = Field(description="Reading of the hour meter at which it is due.")
    hours_left: float = Field(description="Negative: overdue.")
    due_at: Time | None = Field(
        description="By recent use or by the calendar, whichever comes first; null: no use."
    )
    since: Time = Field(description="When this period began: last done, or first seen.")
    announced: bool = Field(description="Within the lead time of the service.")
    as_of: Time


class Machine(MachineSummary):
    """One machine with everything known of it now."""

    commissioned_on: date
    registered_at: Time
    hours: Value | None = Field(description="Operating hours.")
    signals: list[SignalNow]
    faults: list[FaultNow]
    alarms: list[Alarm] = Field(description="Live alarms, the worst first.")
    tickets: list[TicketSummary] = Field(description="Open tickets.")
    parts: list[FittedPart] = Field(description="Fitted parts, those due first (P10) on top.")
    services: list[ServiceDue]
    inspection: InspectionDue | None = Field(description="null: not assessed yet.")


class Series(Answer):
    """One signal over time: mean, least and greatest value of each step; null: not known."""

    unit: str | None
    avg: list[float | None]
    min: list[float | None]
    max: list[float | None]


class Telemetry(Answer):
    """Signals of a machine as columns; every list is as long as `times`.

    A value holds until the next one, but no longer than a gap that counts as uninterrupted.
    """

    serial: str
    step_s: float = Field(description="Width of a step, seconds; a time is a step's beginning.")
    times: list[Time]
    signals: dict[str, Series]


class RegimeBand(Answer):
    """A span of time in one regime."""

    regime: str
    begin: Time
    end: Time


class RegimeBands(Answer):
    """What the machine was doing, in order; where it is not known there is no band."""

    serial: str
    step_s: float
    bands: list[RegimeBand]
