"""What is known of faults that were there, and how a rule set did beside it. Pure.

An alarm is confirmed when it was raised during a known fault that its rule points at, and beside
it when another fault was there at the time: nobody would have driven out for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

from fleet import clock
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.rule import Rule
from rules.backtest.course import Alarm

#: Where nobody knows when a fault began, alarms up to this long before its end may be of it.
FORESIGHT_MS = 30 * MS_PER_DAY

#: Finding codes of a fault that was there, and of none.
REAL = ("confirmed", "wear_confirmed", "sensor_fault")
NONE = ("no_fault_found", "operating_error")

Match = Literal["confirmed", "beside", "false", "unknown"]


@dataclass(frozen=True, slots=True)
class KnownFault:
    """A fault of a machine from `begins` to `ends`, milliseconds since 1970 UTC.

    `failed` is when the machine failed of it or somebody found it, `detectable` when it first
    could be seen, None where not known. `real` is False where somebody looked and there was none;
    `due` says whether a rule ought to have found it. It is of its failure `modes`, and of the
    `rules` that led to it.
    """

    machine_id: int
    modes: tuple[str, ...]
    begins: int
    ends: int
    failed: int | None = None
    detectable: int | None = None
    real: bool = True
    due: bool = True
    rules: tuple[str, ...] = ()

    def is_of(self, rule: Rule) -> bool:
        """Whether the rule points at this fault."""
        return rule.id in self.rules or bool(set(self.modes) & set(rule.failure_modes))


@dataclass(frozen=True, slots=True)
class Score:
    """Alarms and faults of one rule, or of all together: `alarms` confirmed, beside and false, and
    unknown where history is not known whole; faults that were `found` and `missed`; hours from
    the first alarm to the failure of those found, and these as a share of the hours there were."""

    confirmed: int
    beside: int
    false: int
    unknown: int
    found: int
    missed: int
    lead_h: tuple[float, ...]
    lead_share: tuple[float, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "confirmed": self.confirmed,
            "beside": self.beside,
            "false": self.false,
            "unknown": self.unknown,
            "faults_found": self.found,
            "faults_missed": self.missed,
            "lead_h": _middle(self.lead_h),
            "lead_share": _middle(self.lead_share),
        }


def known_within(faults: Iterable[KnownFault], since: int, until: int) -> list[KnownFault]:
    """The faults that were there in [since, until). One that goes on after that may be found
    later: it is nobody's to have found."""
    return [
        replace(fault, due=fault.due and fault.ends < until)
        for fault in faults
        if fault.begins < until and fault.ends >= since
    ]


def score(
    rules: Sequence[Rule], alarms: Iterable[Alarm], faults: Sequence[KnownFault], *, whole: bool
) -> Score:
    """How `rules` did together. `whole` says that all faults are known, so that an alarm of no
    known fault is false; else nobody knows."""
    by_id = {rule.id: rule for rule in rules}
    by_machine: dict[int, list[KnownFault]] = {}
    for fault in faults:
        by_machine.setdefault(fault.machine_id, []).append(fault)
    counts: dict[Match, int] = dict.fromkeys(("confirmed", "beside", "false", "unknown"), 0)
    first: dict[int, int] = {}
    for alarm in alarms:
        if alarm.rule not in by_id:
            continue
        near = [f for f in by_machine.get(alarm.machine_id, ()) if _during(alarm, f)]
        counts[_match(by_id[alarm.rule], near, whole)] += 1
        for fault in near:
            if fault.real and fault.is_of(by_id[alarm.rule]):
                first[id(fault)] = min(alarm.raised_at, first.get(id(fault), alarm.raised_at))
    aimed = [f for f in faults if f.real and any(f.is_of(rule) for rule in rules)]
    missed = [f for f in aimed if f.due and id(f) not in first]
    found = [f for f in aimed if id(f) in first]
    return Score(
        counts["confirmed"], counts["beside"], counts["false"], counts["unknown"],
        len(found), len(missed), *_leads([(f, first[id(f)]) for f in found]),
    )  # fmt: skip


def _during(alarm: Alarm, fault: KnownFault) -> bool:
    return fault.begins <= alarm.raised_at <= fault.ends


def _match(rule: Rule, near: Sequence[KnownFault], whole: bool) -> Match:
    if any(fault.real and fault.is_of(rule) for fault in near):
        return "confirmed"
    if any(not fault.real and fault.is_of(rule) for fault in near):
        return "false"
    if any(fault.real for fault in near):
        return "beside"
    return "false" if whole else "unknown"


def _leads(
    found: Sequence[tuple[KnownFault, int]],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    hours, shares = [], []
    for fault, at in found:
        if fault.failed is None:
            continue
        hours.append((fault.failed - at) / MS_PER_HOUR)
        if fault.detectable is not None and fault.detectable < fault.failed:
            shares.append((fault.failed - at) / (fault.failed - fault.detectable))
    return tuple(hours), tuple(shares)


def _middle(values: Sequence[float]) -> dict[str, float | int] | None:
    if not values:
        return None
    return {
        "n": len(values),
        "least": round(min(values), 3),
        "median": round(median(values), 3),
        "most": round(max(values), 3),
    }


def faults_found(items: Iterable[Mapping[str, Any]]) -> list[KnownFault]:
    """What technicians found on finished tickets, of rows of `store.tickets.found_items`."""
    return [_found(item) for item in items if item["finding_code"] in (*REAL, *NONE)]


def _found(item: Mapping[str, Any]) -> KnownFault:
    happened, seen = clock.to_ms(item["happened_at"]), clock.to_ms(item["seen_at"])
    real = item["finding_code"] in REAL
    modes = tuple(item["failure_modes"])
    begins = happened - FORESIGHT_MS if real else happened
    return KnownFault(
        item["machine_id"], modes, begins, max(seen, happened), seen, None, real, real,
        (item["source"],),
    )  # fmt: skip
