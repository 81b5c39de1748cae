"""Which failure modes of the plan fit what a detector saw, and whether it is the sensor's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.failure import FailureMode, Symptom
from fleet.plan import ProductPlan
from fleet.rule import Rule
from rules.detectors.joint import Contribution
from rules.detectors.sensor import BOTH_WAYS, FAR

#: A mode that explains less of a finding than this is not named.
NAMED = 0.2
MOST_NAMED = 5
#: A finding that rests on one signal for so much may be its sensor's.
ALONE = 0.7
#: A jump into another unit is at least so many spreads, and such a share of the value.
LARGE = 0.3
#: Deviations below this, in spreads, say nothing.
_SILENT = 1.0
#: What a reading in another unit may be off, as a share of the change it would explain.
_UNIT_FIT = 0.08


@dataclass(frozen=True, slots=True)
class Causes:
    """Failure modes with how much of the finding each explains (0 to 1), the likeliest first;
    `sensor` is the signal whose sensor is at fault, and `unit` the conversion it jumped by."""

    modes: tuple[tuple[str, float], ...]
    sensor: str | None = None
    unit: str | None = None


def causes_of(
    plan: ProductPlan,
    rule: Rule,
    away: Mapping[str, float],
    told: Sequence[Contribution],
    levels: Mapping[str, tuple[float, float]],
) -> Causes:
    """Rank the modes by `away`, features (`~` before those that fluctuate) to how far they are
    out, in spreads with their sign; `told` the contributions, the largest first; `levels` what
    each signal is in the latest stretch, and was to be by this machine's past."""
    for name in sorted(levels, key=lambda name: -abs(away[name]))[:1]:
        unit = unit_jump(plan, name, *levels[name]) if abs(away[name]) >= FAR else None
        if unit is not None:
            return Causes((), name, unit)
    modes = ranked(plan, rule, away)
    first = told[0] if told else None
    if not modes and first is not None and first.share >= ALONE and first.signal in levels:
        return Causes((), first.signal)
    return Causes(modes)


def ranked(
    plan: ProductPlan, rule: Rule, away: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    """The modes that could show in the rule's regimes, by how much of the pattern each explains
    and how much of what it should show is there."""
    out = {name: value for name, value in away.items() if abs(value) >= _SILENT}
    total = sum(value**2 for value in out.values())
    if total == 0:
        return ()
    regimes = rule.regimes if isinstance(rule.regimes, tuple) else ()
    wanted = set(rule.failure_modes)
    found = []
    for mode in plan.failure_modes:
        if wanted and mode.id not in wanted:
            continue
        if mode.regimes and not set(mode.regimes) & set(regimes):
            continue
        fit = _fit(mode, out, away, total)
        if fit >= NAMED:
            found.append((mode.id, round(fit, 3)))
    found.sort(key=lambda one: (-one[1], -(plan.failure_mode[one[0]].base_rate or 0.0)))
    return tuple(found[:MOST_NAMED])


def _fit(
    mode: FailureMode, out: Mapping[str, float], away: Mapping[str, float], total: float
) -> float:
    explained: dict[str, float] = {}
    shown = expected = 0
    for symptom in mode.signature:
        feature, sign = _shown_by(symptom, away)
        if feature not in away:
            continue
        expected += 1
        value = out.get(feature, 0.0)
        if sign is not None and value * sign < 0:
            explained[feature] = -(value**2)
        elif value:
            explained[feature] = value**2
            shown += 1
    if not shown:
        return 0.0
    return max(0.0, sum(explained.values()) / total) * float((shown / expected) ** 0.5)


def _shown_by(symptom: Symptom, away: Mapping[str, float]) -> tuple[str, float | None]:
    """The feature in which a symptom shows, and whether it rises (1) or falls (-1), None for
    either: what is stuck fluctuates less, where that is judged."""
    fluctuation = f"~{symptom.signal}"
    if symptom.direction == "noisy":
        return fluctuation, 1.0
    if symptom.direction == "stuck" and fluctuation in away:
        return fluctuation, -1.0
    return symptom.signal, {"up": 1.0, "down": -1.0}.get(symptom.direction)


def unit_jump(plan: ProductPlan, key: str, seen: float, expected: float) -> str | None:
    """The conversion by which a value is what it should be, read in another unit."""
    unit, jump = plan.signal[key].unit, abs(seen - expected)
    for name, (factor, offset) in BOTH_WAYS.items():
        converted = expected * factor + offset
        large = abs(converted - expected) >= LARGE * max(abs(expected), 1e-9)
        if unit in name.split(" as ") and large and abs(seen - converted) <= _UNIT_FIT * jump:
            return name
    return None
