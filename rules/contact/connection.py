"""Silence is a state of its own: never seen, online, late, offline or parked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fleet.plan import Report
from fleet.rule import Rule

State = Literal["never_seen", "online", "late", "offline", "parked"]

#: A machine is late once it has missed this many reports.
MISSED_REPORTS = 3

_STANDS = {
    "late": ("late", "offline"),
    "offline": ("offline",),
    "never_seen": ("never_seen",),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """What was last heard of a machine; times in milliseconds since 1970 UTC, None for never.

    `heard_at` is the receipt of the last sample, `status` what its connection last said at
    `status_at`, `running` whether its last regime was a running one (None unknown), `known_since`
    the moment it was registered; `usual_ms` how long it usually is silent between two samples, 0
    where not known.
    """

    heard_at: int | None
    status: Literal["online", "offline"] | None
    status_at: int | None
    running: bool | None
    known_since: int
    usual_ms: int = 0


@dataclass(frozen=True, slots=True)
class Connection:
    """The state of a connection and the moment it came to be so."""

    state: State
    since: int


def connection_of(contact: Contact, report: Report, now: int) -> Connection:
    """The machine's connection at `now`.

    A broken connection of a running machine says `offline` through its will; that is lost
    coverage and no goodbye, so such a machine is late and then offline by its silence.
    """
    return _stages(contact, report, now)[-1]


def silence_since(rule: Rule, contact: Contact, report: Report, now: int) -> int | None:
    """Since when a silence rule's alarm stands at `now`; None where it does not."""
    if rule.silence is None:
        return None
    states = _STANDS[rule.silence]
    silent = [one.since for one in _stages(contact, report, now) if one.state in states]
    raised_at = silent[0] + _ms(rule.hold_s or 0) if silent else None
    return raised_at if raised_at is not None and raised_at <= now else None


def _stages(contact: Contact, report: Report, now: int) -> list[Connection]:
    """What the connection has been since the last contact, up to `now`; at least one stage."""
    last = _last_contact(contact)
    if last is None:
        return [Connection("never_seen", contact.known_since)]
    state: State
    if contact.running is not False and not (contact.running is None and _said_goodbye(contact)):
        state, offline = "late", _ms(report.offline_s)
        usual = max(_ms(report.working_s), contact.usual_ms)
        quiet = min(MISSED_REPORTS * usual, offline)
    else:
        state, offline = "parked", _ms(report.parked_s)
        quiet = 0 if _said_goodbye(contact) else min(_ms(MISSED_REPORTS * report.idle_s), offline)
    first = [Connection("online", last)] if quiet > 0 else []
    ahead = [*first, Connection(state, last + quiet), Connection("offline", last + offline)]
    return [ahead[0], *(one for one in ahead[1:] if one.since < now)]


def _last_contact(contact: Contact) -> int | None:
    times = [contact.heard_at, contact.status_at if contact.status is not None else None]
    return max((time for time in times if time is not None), default=None)


def _said_goodbye(contact: Contact) -> bool:
    if contact.status != "offline" or contact.status_at is None:
        return False
    return contact.heard_at is None or contact.status_at >= contact.heard_at


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
