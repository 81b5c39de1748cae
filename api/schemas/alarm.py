"""Alarms."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Bilingual, Time

AlarmState = Literal["active", "acknowledged", "returned", "cleared", "withdrawn"]


AlarmSuppression = Literal["shelved", "maintenance", "out_of_service", "ticket", "recurrence"]
AlarmEventKind = Literal[
    "raised",
    "came_again",
    "raised_anew",
    "returned",
    "acknowledged",
    "cleared",
    "withdrawn",
    "suppressed",
    "released",
    "flapping",
    "steady",
]


class AlarmEvent(Answer):
    """One transition of an alarm."""

    at: Time = Field(description="Event time where the machine's data decided.")
    noted_at: Time
    kind: AlarmEventKind
    actor: str
    detail: AlarmSuppression | None = Field(description="What suppressed it.")


class AlarmHistory(Answer):
    """All that happened to an alarm, in order."""

    events: list[AlarmEvent]


class RaisedBy(Answer):
    """Which version of its rule raised an alarm."""

    rule_version: int | None = Field(
        description="Version of the rule that raised it; null where none was noted."
    )
    rule_version_since: Time | None = Field(description="When that version was first loaded.")
    rule_version_today: int | None = Field(
        description="Version of the rule that judges today; null: the rule is gone."
    )


class Alarm(RaisedBy):
    """One alarm of one machine (states after ISA-18.2)."""

    id: int
    serial: str
    product: str
    component: str
    component_name: Bilingual
    rule: str
    name: Bilingual
    advice: Bilingual | None
    severity: int = Field(ge=1, le=4)
    state: AlarmState
    raised_at: Time = Field(description="Time of measurement at which it began.")
    returned_at: Time | None
    detected_at: Time
    acknowledged_at: Time | None
    acknowledged_by: str | None
    cleared_at: Time | None
    occurrences: int
    suppression: AlarmSuppression | None = Field(
        description="Why it pages nobody: silenced by somebody, attached to an open ticket, or "
        "back too soon after it was cleared."
    )
    flapping: bool = Field(description="It comes and goes, and is held as one.")
    late: bool = Field(description="True: seen in data that arrived late.")
    evidence: dict[str, Any] = Field(
        description="What was measured against which limit, over which window, in which regime."
    )
    plan_version: str
    shows: list[str] = Field(description="Signals worth drawing beside it.")
    ticket: str | None = Field(description="Number of the ticket it became part of.")


class SignalCourse(Answer):
    """A signal that carries a learned detector's finding, stretch by stretch."""

    signal: str
    fluctuation: bool = Field(description="True: how much it fluctuates within a stretch.")
    share: float = Field(description="Of the finding.")
    seen: list[float | None]
    expected: list[float | None] = Field(
        description="What the operating point and this machine's own past let one expect; null "
        "where machines were never seen at such an operating point."
    )


class AlarmCourse(Answer):
    """Expected and seen around a finding of a learned detector."""

    times: list[Time] = Field(description="The ends of the stretches.")
    signals: list[SignalCourse] = Field(
        description="Those that carry most, the largest share first; none where the alarm is not "
        "a learned detector's or what it had learned is not kept."
    )


class DetectorState(Answer):
    """Where a learned detector stands on a machine."""

    rule: str
    name: Bilingual
    state: Literal["untaught", "learning", "judging", "alarmed"] = Field(
        description="untaught: its fleet is not known for long enough; learning: the machine is "
        "learned and not judged, at its beginning, after an alarm or after a repair."
    )
    left_h: float = Field(description="Hours of work in the rule's regimes until it judges.")
    own_h: float = Field(description="Hours of such work that it knows of this machine.")
    machines: int = Field(description="Machines of the fleet that it was taught by.")
    without: list[str] = Field(description="Signals it goes without: their sensors are at fault.")


class DetectorStates(Answer):
    """The learned detectors of a machine, as of its last checkpoint."""

    as_of: Time | None = Field(description="null: nothing was heard of the machine yet.")
    detectors: list[DetectorState]
