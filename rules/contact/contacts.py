"""Whose connection has to be looked at: of a whole fleet, as columns. Pure.

A tick asks this of tens of thousands of machines every two seconds, and nearly always the answer is
none. It is rules.contact.connection over columns; who is named here is then looked at one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from fleet.batch import IntColumn
from fleet.plan import ProductPlan
from fleet.rule import Rule
from rules.contact.connection import MISSED_REPORTS
from store.rule_state import NO_TIME, Contacts

Mask = NDArray[np.bool_]


class Silences:
    """The connections of machines of one product at `now` (ms since 1970 UTC)."""

    def __init__(self, contacts: Contacts, plan: ProductPlan, now: int) -> None:
        report, self._now = plan.report, now
        working = [regime.id for regime in plan.regimes if regime.running]
        resting = [regime.id for regime in plan.regimes if not regime.running]
        said_goodbye = contacts.status == "offline"
        said_goodbye &= contacts.status_at >= np.maximum(contacts.heard_at, NO_TIME + 1)
        unknown = ~np.isin(contacts.regime, [*working, *resting])
        self._moving = ~np.isin(contacts.regime, resting) & ~(unknown & said_goodbye)
        offline_ms = np.where(self._moving, _ms(report.offline_s), _ms(report.parked_s))
        usual_ms = np.where(self._moving, _ms(report.working_s), _ms(report.idle_s))
        missed_ms = np.minimum(MISSED_REPORTS * usual_ms, offline_ms)
        self._quiet_ms = np.where(~self._moving & said_goodbye, 0, missed_ms)
        spoke_at = np.where(contacts.status == "", NO_TIME, contacts.status_at)
        last = np.maximum(contacts.heard_at, spoke_at)
        self._never, self._registered_at = last == NO_TIME, contacts.registered_at
        self._quiet_at, self._offline_at = last + self._quiet_ms, last + offline_ms
        self._quiet = (self._quiet_ms == 0) | (self._quiet_at < now)
        self._offline = self._offline_at < now

    def states(self) -> NDArray[np.str_]:
        """The state of each connection."""
        resting = np.where(self._moving, "late", "parked")
        seen = np.where(self._offline, "offline", np.where(self._quiet, resting, "online"))
        return np.where(self._never, "never_seen", seen)

    def stands(self, rule: Rule) -> Mask:
        """Where the alarm of a silence rule stands."""
        raised = self._now - _ms(rule.hold_s or 0)
        if rule.silence == "never_seen":
            return np.asarray(self._never & (self._registered_at <= raised))
        offline = self._offline & (self._offline_at <= raised)
        if rule.silence == "late":
            late = self._moving & self._quiet & (self._quiet_at <= raised)
            return np.asarray(~self._never & (late | offline))
        return np.asarray(~self._never & offline)


def to_look_at(
    contacts: Contacts,
    plans: Mapping[str, ProductPlan],
    standing: Collection[tuple[int, str]],
    now: int,
    *,
    listening: bool,
) -> IntColumn:
    """Places of the machines whose connection is another than was written, or on which an alarm of
    silence begins or ends; `standing` are those that stand, by machine and rule. Without
    `listening` only signs of life count."""
    found = np.zeros(len(contacts), bool)
    for product, plan in plans.items():
        own = np.flatnonzero(contacts.product == product)
        if len(own) == 0:
            continue
        here = contacts.take(own)
        silences = Silences(here, plan, now)
        states = silences.states()
        moved = states != here.connection
        for rule in plan.rules:
            if rule.silence is not None:
                known = [machine for machine, name in standing if name == rule.id]
                moved |= silences.stands(rule) != np.isin(here.machine_id, known)
        found[own] = moved if listening else moved & (states == "online")
    return np.flatnonzero(found).astype(np.int64)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
