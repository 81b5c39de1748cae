"""What a backtest says: per rule and together, and the difference between two rule sets. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from fleet import clock
from fleet.plan import ProductPlan
from fleet.rule import Rule
from fleet.service import ServiceTier
from rules.alarms.quiet import FOREVER
from rules.backtest.course import Alarm
from rules.backtest.known_faults import KnownFault, Score, score
from rules.backtest.visits import Decided, visits
from store.suppressions import Hold

MINUTES_PER_HOUR = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was replayed: machines (id -> serial) with the service tier of each, and what is known
    of their faults, None where nothing is; `whole` where that is all there were. `holds` is what
    people silenced, by machine, and `end` the end of what is asked (ms)."""

    serials: Mapping[int, str]
    tiers: Mapping[int, ServiceTier]
    faults: Sequence[KnownFault] | None = None
    whole: bool = False
    holds: Mapping[int, Sequence[Hold]] = field(default_factory=dict)
    end: int = FOREVER


@dataclass(frozen=True, slots=True)
class Report:
    """One rule set on history: every alarm with what it would have become, and the scores by rule
    (the key "" for all together)."""

    plan: ProductPlan
    asked: Asked
    samples: int
    decided: tuple[Decided, ...]
    scores: Mapping[str, Score]

    def as_json(self) -> dict[str, Any]:
        """The whole report. The same history gives the same bytes."""
        return {
            "product": self.plan.product,
            "plan_version": self.plan.version,
            "machines": len(self.asked.serials),
            "samples": self.samples,
            "total": self._counts("", self.decided),
            "rules": [self._rule(rule) for rule in self.plan.rules],
            "alarms": [self._alarm(one) for one in self.decided],
        }

    def _rule(self, rule: Rule) -> dict[str, Any]:
        own = [one for one in self.decided if one.alarm.rule == rule.id]
        return {
            "rule": rule.id,
            "name": rule.name.model_dump(),
            "severity": rule.severity,
            "replayed": is_replayed(rule),
            **self._counts(rule.id, own),
        }

    def _counts(self, key: str, decided: Sequence[Decided]) -> dict[str, Any]:
        outcomes = Counter(one.outcome for one in decided)
        hours = fsum(one.minutes for one in decided) / MINUTES_PER_HOUR
        counts: dict[str, Any] = {
            "alarms": len(decided),
            "standing": sum(one.alarm.cleared_at is None for one in decided),
            "machines": len({one.alarm.machine_id for one in decided}),
            "tickets": outcomes["opened"],
            "joined": outcomes["merged"] + outcomes["raised"],
            "attached": outcomes["attached"],
            "again": outcomes["again"],
            "recorded": outcomes["recorded"],
            "suppressed": outcomes["suppressed"],
            "technician_hours": round(hours, 2),
        }
        if key in self.scores:
            counts["known"] = self.scores[key].as_json()
        return counts

    def _alarm(self, one: Decided) -> dict[str, Any]:
        alarm = one.alarm
        return {
            **told(self, alarm),
            "regime": alarm.regime,
            "values": {key: alarm.values[key] for key in sorted(alarm.values)},
            "outcome": one.outcome,
            "visit": one.visit,
            "minutes": round(one.minutes, 2),
            "silenced": None if one.hold is None else _silenced(one.hold),
        }


def is_replayed(rule: Rule) -> bool:
    """Whether history can say anything of the rule: not of one that goes by what arrives, and
    when."""
    return rule.silence != "never_seen" and not rule.clock


def report(plan: ProductPlan, asked: Asked, samples: int, alarms: Sequence[Alarm]) -> Report:
    """What the alarms of a rule set would have meant."""
    by_machine: dict[int, list[Alarm]] = {}
    for alarm in alarms:
        by_machine.setdefault(alarm.machine_id, []).append(alarm)
    decided = [
        one
        for machine in sorted(by_machine, key=lambda machine: asked.serials[machine])
        for one in visits(
            plan, asked.tiers[machine], by_machine[machine], asked.holds.get(machine, ()), asked.end
        )
    ]
    scores = {}
    if asked.faults is not None:
        sets = {"": list(plan.rules), **{rule.id: [rule] for rule in plan.rules}}
        for key, rules in sets.items():
            scores[key] = score(rules, alarms, asked.faults, whole=asked.whole)
    return Report(plan, asked, samples, tuple(decided), scores)


def _silenced(hold: Hold) -> dict[str, str]:
    return {"kind": hold.kind, "by": hold.set_by, "reason": hold.reason}


def told(own: Report, alarm: Alarm) -> dict[str, Any]:
    """An alarm in words that name it."""
    over = alarm.cleared_at
    return {
        "machine": own.asked.serials[alarm.machine_id],
        "rule": alarm.rule,
        "component": alarm.component,
        "raised_at": clock.to_datetime(alarm.raised_at).isoformat(),
        "cleared_at": None if over is None else clock.to_datetime(over).isoformat(),
    }


#: Counts that a difference shows side by side.
COMPARED = (
    "alarms", "machines", "tickets", "joined", "attached", "again", "recorded", "suppressed",
    "technician_hours",
)  # fmt: skip


def difference(here: Report, there: Report) -> list[dict[str, Any]]:
    """Rules that differ in what they did, `here` against `there`: the counts of both, and the
    alarms that only one of them raised."""
    found = []
    for rule in dict.fromkeys([*here.plan.rule, *there.plan.rule]):
        own, other = _alarms(here, rule), _alarms(there, rule)
        sides = [_side(each, rule) for each in (here, there)]
        if own.keys() == other.keys() and sides[0] == sides[1]:
            continue
        found.append(
            {
                "rule": rule,
                "here": sides[0],
                "against": sides[1],
                "only_here": [told(here, own[key]) for key in sorted(own.keys() - other.keys())],
                "only_against": [
                    told(there, other[key]) for key in sorted(other.keys() - own.keys())
                ],
            }
        )
    return found


def _alarms(of: Report, rule: str) -> dict[tuple[str, int, str], Alarm]:
    own = [one.alarm for one in of.decided if one.alarm.rule == rule]
    return {(of.asked.serials[one.machine_id], one.raised_at, one.component): one for one in own}


def _side(of: Report, rule: str) -> dict[str, Any] | None:
    """The counts of a rule, None where the rule set does not have it."""
    if rule not in of.plan.rule:
        return None
    counts = of._rule(of.plan.rule[rule])
    known = {"known": counts["known"]} if "known" in counts else {}
    return {name: counts[name] for name in COMPARED} | known
