"""Classes of articles: by what a year's use is worth (A, B, C) and by what a failure stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fleet.plan import ProductPlan
from fleet.stocking import Stocking
from fleet.wear import WearPart

ValueClass = Literal["A", "B", "C"]
Criticality = Literal["stop", "alarm", "other"]

_BY_SEVERITY: dict[int, Criticality] = {4: "stop", 3: "alarm"}


def value_classes(year_value: Mapping[str, float], stocking: Stocking) -> dict[str, ValueClass]:
    """Class of each article by the yuan it is used for in a year: those that make up the first
    share of all value are A, the next B, the rest C."""
    total = sum(year_value.values())
    classes: dict[str, ValueClass] = {}
    reached = 0.0
    for number, value in sorted(year_value.items(), key=lambda each: (-each[1], each[0])):
        share = reached / total if total else 1.0
        classes[number] = (
            "A" if share < stocking.a_share else "B" if share < stocking.b_share else "C"
        )
        reached += value
    return classes


def criticality(plan: ProductPlan, part: WearPart) -> Criticality:
    """What the worst failure that the part leads to does: stops the machine, alarms, or less."""
    severities = [plan.failure_mode[mode].severity for mode in part.failure_modes]
    return _BY_SEVERITY.get(max(severities, default=1), "other")
