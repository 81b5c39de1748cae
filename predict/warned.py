"""What an alarm of a part's failure mode says of the rest of the part's life (Bayes).

A plan states how many operating hours pass from a mode's first symptom to the failure. So an alarm
makes lives likely that end that long after it; how likely it makes the others is the rate of alarms
that mean nothing. On a young part an alarm is therefore hardly believed, on an old one it is; of
several places that it may be about, each explains part of it away for the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import to_ms
from fleet.plan import ProductPlan
from fleet.wear import WearPart
from predict.condition import possible, quantiles_of
from predict.pace import Ahead
from store.wear import Row

#: Alarms of a mode that no part's wear is behind: one in so many operating hours.
FALSE_EVERY_H = 2_000.0
#: Quantile of the standard normal below which nine tenths lie: a lead time holds 80 % in its span.
_NINE_TENTHS = 1.2816
#: A lead time that may be nothing is at least this share of its longest.
_SHORTEST = 0.05


@dataclass(frozen=True, slots=True)
class Forewarning:
    """An alarm about n parts of one machine: how many operating hours ago, `lead_h` (from, to)
    hours from first symptom to failure, and the `share` of its causes that the mode is."""

    hours_ago: float
    lead_h: tuple[float, float]
    share: float = 1.0


def forewarned(
    left: FloatColumn,
    per_hour: FloatColumn,
    group: Sequence[int],
    warned: Mapping[int, Forewarning],
) -> FloatColumn:
    """Remaining use (n, levels), `left` as believed before, of parts used `per_hour` (n,) operating
    hour; the parts of `group` g (n,) share the alarm `warned[g]`."""
    rows = [n for n, g in enumerate(group) if g in warned and per_hour[n] > 0]
    if not rows:
        return left
    grid, prior = possible(left[rows])
    fits = np.empty_like(prior)
    for place, row in enumerate(rows):
        warning = warned[group[row]]
        hours = warning.hours_ago + grid[place] / per_hour[row]
        fits[place] = warning.share * _density(hours, warning.lead_h)
    meant = (prior * fits).sum(axis=1)
    owner = np.array([group[row] for row in rows])
    others = np.array([meant[owner == g].sum() for g in owner]) - meant
    weighed = prior * (fits + others[:, None] + 1 / FALSE_EVERY_H)
    found = left.copy()
    found[rows] = quantiles_of(grid, weighed / weighed.sum(axis=1, keepdims=True))
    return found


def with_alarms(
    plan: ProductPlan,
    part: WearPart,
    fitted: Sequence[Row],
    left: FloatColumn,
    alarms: Mapping[int, Sequence[Row]],
    ahead: tuple[Ahead, Ahead],
    known: Sequence[dict[str, Any] | None],
) -> tuple[FloatColumn, list[dict[str, Any] | None]]:
    """Remaining use (n, levels) of fitted parts with the alarms of their machines since they were
    fitted, and what people are told of it. `ahead` is the coming use of the parts, and their
    machines' hours; what a part shows itself (`known`) says more than an alarm about it."""
    use, hours = ahead
    per_hour = np.divide(use.rate, hours.rate, out=np.zeros(len(fitted)), where=hours.rate > 0)
    warned: dict[int, Forewarning] = {}
    told = list(known)
    group = []
    for place, row in enumerate(fitted):
        found = None if known[place] else _newest(plan, part, row, alarms)
        group.append(row["machine_id"] if found else -1)
        if found:
            alarm, mode, share = found
            lead = plan.failure_mode[mode].lead_h
            assert lead is not None
            ago = float(hours.rate[place] * hours.activity_since(place, to_ms(alarm["raised_at"])))
            warned[row["machine_id"]] = Forewarning(ago, lead, share)
            told[place] = {"alarm": alarm["id"], "rule": alarm["rule"], "mode": mode}
    after = forewarned(left, per_hour, group, warned)
    middle = left.shape[1] // 2
    for place, each in enumerate(told):
        if each is not None and "alarm" in each:
            each["p50_before"] = float(left[place, middle])
    return after, told


def by_machine(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Rows of alarms by machine, in their order."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["machine_id"], []).append(row)
    return found


def _newest(
    plan: ProductPlan, part: WearPart, row: Row, alarms: Mapping[int, Sequence[Row]]
) -> tuple[Row, str, float] | None:
    """The newest alarm since the part was fitted that names a mode of it with a lead time, the
    mode, and its share among the modes named."""
    for alarm in alarms.get(row["machine_id"], ()):
        rule = plan.rule.get(alarm["rule"])
        if rule is None or alarm["raised_at"] < row["fitted_at"]:
            continue
        modes = alarm["modes"] or rule.failure_modes
        for mode in modes:
            stated = plan.failure_mode.get(mode)
            if mode in part.failure_modes and stated is not None and stated.lead_h is not None:
                return alarm, mode, 1 / len(modes)
    return None


def _density(hours: FloatColumn, lead_h: tuple[float, float]) -> FloatColumn:
    """Lognormal density per hour at `hours`, with 80 % in the lead time's span."""
    short, long = np.log([max(lead_h[0], _SHORTEST * lead_h[1], 1e-3), max(lead_h[1], 2e-3)])
    sigma = max((long - short) / (2 * _NINE_TENTHS), 0.1)
    at = np.maximum(hours, 1e-9)
    z = (np.log(at) - (short + long) / 2) / sigma
    return np.asarray(np.exp(-0.5 * z**2) / (at * sigma * np.sqrt(2 * np.pi)))
