"""Rules that a history cannot feed: their silence says nothing."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.sources import History
from rules.backtest.report import is_replayed
from rules.compiled import compile_plan

#: What is not there, in words.
WORDS = {
    "trouble_codes": "trouble codes (--faults gives them)",
    "lessons": "what the fleet taught learned detectors (only a store has that)",
    "peers": "days of the fleet (only a store has them)",
    "services": "services that were done (--services gives them)",
}


def unfed_rules(plans: Sequence[ProductPlan], history: History) -> dict[str, list[str]]:
    """The rules of the first plan that ask for what the history does not have, by what that is.
    Raises IronpulseError where a plan has no other."""
    found = [_of(plan, history) for plan in plans]
    for plan, own in zip(plans, found, strict=True):
        unfed = {rule for rules in own.values() for rule in rules}
        if unfed >= {rule.id for rule in plan.rules if is_replayed(rule)}:
            lacks = ", ".join(WORDS[what] for what in own) or "live data"
            raise IronpulseError(
                f"None of the {len(plan.rules)} rules can be judged without {lacks}."
            )
    return found[0]


def _of(plan: ProductPlan, history: History) -> dict[str, list[str]]:
    compiled = compile_plan(plan)
    ids = [condition.rule.id for condition in compiled.conditions]
    counting = {user for gauge in compiled.gauges.tallies for user in gauge.users}
    serviced = any(who.services for who in history.identities.values())
    asked = {
        "trouble_codes": [] if history.coded else [one.id for one in compiled.fault_rules],
        "lessons": [] if history.lessons else [one.id for one in plan.rules if one.normal],
        "peers": [] if history.peers else [ids[place] for place in sorted(compiled.gauges.peers)],
        "services": [] if serviced else [ids[place] for place in sorted(counting)],
    }
    return {what: rules for what, rules in asked.items() if rules}
