"""Needs that are announced: fitted parts that wear, services that fall due, machines to be sold.

A need is one possible demand of some pieces at one place, with a chance by coming month. The
demand of a place in a month is the sum over its needs, computed exactly (fleet.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from fleet.batch import FloatColumn, IntColumn
from predict.demand.fleet import numbers_replaced, together, trimmed

#: Spread of the log of the time to a service: use differs from what was expected.
SERVICE_SPREAD = 0.2
#: What all machines share, a busier or a slower year, as factors on use; equally likely.
BUSY_YEARS = (0.84, 0.93, 1.0, 1.07, 1.18)

#: A service that is due so many times beyond the horizon will not come within it (1 in 200,000).
_FAR = 2.4
#: Numbers of pieces that are together less likely than this are left out.
_TAIL = 1e-12
#: A second life is left out where its end within the horizon is less likely than this.
_SECOND_LIFE = 1e-3

Lasts = Callable[[FloatColumn, FloatColumn], FloatColumn]
"""Chance (n,) that parts used so far (n,) wear out within more use (n,)."""


@dataclass(frozen=True, slots=True)
class Needs:
    """n needs: the `place` of each by number, its `quantity` of pieces, and the chance of it in
    each scenario and coming month, (scenarios, n, months)."""

    place: IntColumn
    quantity: IntColumn
    chance: FloatColumn

    def at(self, place: int) -> Needs:
        """Those of one place."""
        return self.where(self.place == place)

    def where(self, chosen: np.ndarray) -> Needs:
        """The chosen ones, by mask or number."""
        return Needs(self.place[chosen], self.quantity[chosen], self.chance[:, chosen])


def worn(
    fail_within: Lasts,
    used: FloatColumn,
    ahead: FloatColumn,
    busy: Sequence[float] = BUSY_YEARS,
    beyond: FloatColumn | None = None,
) -> FloatColumn:
    """Chance (scenarios, n, months) that each part is worn out in each coming month, `used` (n,)
    so far and with the use `ahead` (n, months). `beyond` (n, months) is the cumulative hazard by
    the end of each month that something else than use adds: condition, alarms, age (inf: gone).

    A part fitted in the meantime wears as well: within the horizon the second life counts too.
    """
    more = np.zeros(ahead.shape) if beyond is None else beyond
    return np.stack([_renewals(fail_within, used, ahead * factor, more) for factor in busy])


def _renewals(
    fail_within: Lasts, used: FloatColumn, ahead: FloatColumn, beyond: FloatColumn
) -> FloatColumn:
    months = ahead.shape[1]
    reached = np.cumsum(ahead, axis=1)
    gone = np.stack([fail_within(used, more) for more in reached.T], axis=1)
    if beyond.any():
        with np.errstate(divide="ignore"):
            hazard = np.maximum(beyond - np.log1p(-np.minimum(gone, 1.0)), 0.0)
        gone = np.maximum.accumulate(-np.expm1(-hazard), axis=1)
    chance = np.diff(gone, axis=1, prepend=0.0)
    fresh = np.zeros(len(used))
    if len(used) == 0 or fail_within(fresh, reached[:, -1]).max() < _SECOND_LIFE:
        return np.clip(chance, 0.0, 1.0)
    for fitted in range(months - 1):
        # Fitted in the middle of the month, on the mean.
        since = reached - reached[:, [fitted]] + 0.5 * ahead[:, [fitted]]
        later = np.stack([fail_within(fresh, more) for more in since[:, fitted:].T], axis=1)
        chance[:, fitted + 1 :] += chance[:, [fitted]] * np.diff(later, axis=1)
    return np.clip(chance, 0.0, 1.0)


def due(in_months: FloatColumn, every_months: FloatColumn, months: int) -> FloatColumn:
    """Chance (n, months) that a service due `in_months` (n,), and again every so many months (inf:
    never again), falls into each coming month; the times are lognormal about what is expected."""
    edges = np.arange(months + 1, dtype=np.float64)
    chance = np.zeros((len(in_months), months))
    at = np.maximum(in_months, 0.02)
    while (at < months * _FAR).any():
        with np.errstate(divide="ignore"):
            z = (np.log(edges)[None, :] - np.log(at)[:, None]) / SERVICE_SPREAD
        chance += np.diff(ndtr(z), axis=1)
        at = at + every_months
    return np.clip(chance, 0.0, 1.0)


def distribution(needs: Needs, month: int) -> list[FloatColumn]:
    """Distribution of pieces in a coming month (from 0) in each scenario."""
    chances = needs.chance[:, :, month]
    asks = chances.any(axis=0)
    kinds = []
    for each in np.unique(needs.quantity[asks]):
        chosen = chances[:, asks & (needs.quantity == each)]
        numbers = [trimmed(pmf, _TAIL) for pmf in numbers_replaced(chosen)]
        kinds.append([stretched(pmf, int(each)) for pmf in numbers])
    return [together(pmfs) for pmfs in zip(*kinds, strict=True)] or [np.ones(1)] * len(chances)


def stretched(pmf: FloatColumn, quantity: int) -> FloatColumn:
    """Distribution of pieces where every event takes `quantity` of them."""
    if quantity == 1:
        return pmf
    pieces = np.zeros((len(pmf) - 1) * quantity + 1)
    pieces[::quantity] = pmf
    return pieces


def of_quantiles(levels: FloatColumn, values: FloatColumn, fineness: int = 400) -> FloatColumn:
    """Distribution of whole pieces whose quantiles at `levels` (k,), rising, are `values` (k,)."""
    shares = (np.arange(fineness) + 0.5) / fineness
    knots = np.concatenate([[0.0], np.maximum.accumulate(values), [values.max()]])
    at = np.interp(shares, np.concatenate([[0.0], levels, [1.0]]), knots)
    pieces = np.bincount(np.round(at).astype(np.intp))
    return np.asarray(pieces / fineness)


def mixed(scenarios: Sequence[FloatColumn]) -> FloatColumn:
    """Distribution over equally likely scenarios."""
    size = max(len(pmf) for pmf in scenarios)
    if size == 1:
        return scenarios[0]
    total = np.zeros(size)
    for pmf in scenarios:
        total[: len(pmf)] += pmf
    return total / len(scenarios)
