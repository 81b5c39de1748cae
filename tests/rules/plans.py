"""A plan for tests of the engine: two regimes, rules of every kind, overrides."""

from __future__ import annotations

from typing import Any

from fleet.plan import ProductPlan
from rules.compiled import CompiledPlan, compile_plan
from rules.condition import Identity
from tests import small

TEXT = small.NAME


def rule(identity: str, **given: Any) -> dict[str, Any]:
    """A rule with a `when`, unless `given` says otherwise."""
    kind = {} if {"faults", "silence", "normal", "sensors", "clock"} & set(given) else CONDITION
    base = {"id": identity, "name": TEXT, "component": "body", "severity": 3, "advice": TEXT}
    return {**base, **kind, **given}


CONDITION = {
    "when": "oil_temp_c > limit",
    "regimes": ["working"],
    "hold_s": 20,
    "clear": "oil_temp_c < limit - 5",
    "clear_hold_s": 10,
    "params": {"limit": 85},
}
REGIMES = [
    {"id": "working", "name": TEXT, "when": "eng_speed_rpm > 1000", "running": True,
     "color": "#00ff00"},
    {"id": "off", "name": TEXT, "when": "eng_speed_rpm <= 1000", "running": False,
     "color": "#000000"},
]  # fmt: skip
RULES = [
    rule("hot"),
    rule(
        "hot_anywhere",
        regimes="any",
        hold_s=0,
        clear_hold_s=0,
        overrides=[
            {"region": "south", "params": {"limit": 88}},
            {"model": "P20", "params": {"limit": 90}},
            {"machine": "P-2", "params": {"limit": 80}},
        ],
    ),
    rule("mean", when='avg(oil_temp_c, "40s") > 86', clear='high(oil_temp_c, "30s") < 84',
         hold_s=0, clear_hold_s=0, params={}),
    rule("often", when='count(filter_sw == 1, "60s") >= 2', regimes="any", hold_s=10,
         clear="filter_sw == 0", clear_hold_s=30, params={}),
    rule("falling", when='rate(fuel_pct, "60s") < -3 and eng_speed_rpm <= 1000', regimes="any",
         hold_s=0, clear='delta(fuel_pct, "30s") >= 0', clear_hold_s=5, params={}),
    rule("code", faults={"spn": [110], "fmi": [0]}, severity=4),
    rule("red_lamp", faults={"lamp": ["stop"]}, severity=4, hold_s=30),
    rule("other_codes", faults={"unmatched": True}, severity=2),
    rule("silent", silence="offline"),
]  # fmt: skip


def plan(**changed: Any) -> ProductPlan:
    """The small product with regimes and rules; `max_gap_s` is 60, signals report every 10 s."""
    return small.product_plan(**{"regimes": REGIMES, "rules": RULES, **changed})


def compiled(**changed: Any) -> CompiledPlan:
    return compile_plan(plan(**changed))


#: Machines 1 to 3 as their overrides see them.
IDENTITIES = {
    1: Identity("P-1", "P20", "south"),
    2: Identity("P-2", "P20", "south"),
    3: Identity("P-3", "P10", "north"),
}
