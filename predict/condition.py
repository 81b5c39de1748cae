"""What a part shows of its wear sharpens what is left of its life (Bayes).

Wear shows late: from some share of its life on the indicator leaves its normal value, slowly first,
and reaches its limit when the part is worn out. Every possible life predicts a course of the
indicator by now; how well that agrees with what was seen weighs it. An indicator that still stands
at its normal value says something too: the end is not near. What is normal for one machine, how
scattered its values are and when wear begins to show are uncertain and summed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.wear import Condition
from predict.outlook import LEVELS, share_below

#: Days with an indicator count together, so that neighbours that share a cause count once.
BLOCKS = 10
_LEAST_DAYS = 3
#: Machines' normal values, and their scatter at least, as shares of normal to limit.
_MACHINES_DIFFER, _LEAST_SCATTER = 0.1, 0.04
#: One machine in twenty stands elsewhere altogether: another cause, a sensor that is off.
_ELSEWHERE, _ELSEWHERE_DIFFERS = 0.05, 0.5
#: Wear may take another course: so much stays believed as before.
_OTHERWISE = 0.05
_GRID = 240
_POWERS = (1.0, 2.0, 3.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one fitted part has shown: use (k,) of the part and mean value (k,) of days with
    samples, in order."""

    used: FloatColumn
    value: FloatColumn


def sharpened(
    condition: Condition,
    used: FloatColumn,
    left: FloatColumn,
    shown: Sequence[Shown | None],
    sharing: IntColumn,
) -> FloatColumn:
    """Remaining use (n, levels) of parts used so far, `left` as believed before.

    Parts with the same number in `sharing` (n,) stand on one machine and share the indicator: the
    one whose course fits better is believed to cause it.
    """
    known = [n for n, each in enumerate(shown) if each and len(each.value) >= _LEAST_DAYS]
    if not known:
        return left
    found = left.copy()
    grid, prior = possible(left[known])
    evidence, after = np.empty(len(known)), np.empty_like(prior)
    for place, row in enumerate(known):
        each = shown[row]
        assert each is not None
        log_fit = _log_fit(condition, each, used[row] + grid[place])
        top = float(log_fit.max())
        weighed = prior[place] * np.exp(log_fit - top)
        total = float(weighed.sum())
        evidence[place] = top + np.log(max(total, 1e-300))
        after[place] = weighed / max(total, 1e-300)
    believed = (1 - _OTHERWISE) * _responsible(evidence, sharing[known])
    mixed = believed[:, None] * after + (1 - believed)[:, None] * prior
    found[known] = quantiles_of(grid, mixed)
    return found


def possible(left: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
    """Possible remaining use (n, grid), closer near the end, and how probable each is."""
    far = np.maximum(2 * left[:, -1], 1e-6)
    edges = far[:, None] * np.concatenate([[0.0], np.geomspace(1e-4, 1.0, _GRID)])
    mass = np.diff(share_below(left, edges), axis=1)
    middle = (edges[:, 1:] + edges[:, :-1]) / 2
    return middle, np.maximum(mass, 1e-15) / np.maximum(mass, 1e-15).sum(axis=1, keepdims=True)


def _log_fit(condition: Condition, shown: Shown, life: FloatColumn) -> FloatColumn:
    """Log likelihood (grid,) of what was shown under each life, up to a constant."""
    usual = _log_fit_about(condition, shown, life, _MACHINES_DIFFER)
    elsewhere = _log_fit_about(condition, shown, life, _ELSEWHERE_DIFFERS)
    mixed = np.logaddexp(np.log(1 - _ELSEWHERE) + usual, np.log(_ELSEWHERE) + elsewhere)
    return np.asarray(mixed)


def _log_fit_about(
    condition: Condition, shown: Shown, life: FloatColumn, differ: float
) -> FloatColumn:
    """The same of a machine whose normal value differs so much (sigma) from the plan's."""
    at, value = _blocks(shown)
    span = condition.limit - condition.new
    y = (value - condition.new) / span
    scatter = max(_LEAST_SCATTER, _scatter(shown.value) / abs(span))
    k, own, noise = len(y), differ**2, scatter**2
    fits = []
    lead = 1.0 - condition.shows_from
    for begins in (1.0 - 1.6 * lead, 1.0 - lead, 1.0 - 0.6 * lead):
        begins = max(begins, 0.0)
        grown = np.clip((at[None, :] / life[:, None] - begins) / (1.0 - begins), 0.0, 1.2)
        for power in _POWERS:
            off = y[None, :] - grown**power
            # The machine's own normal value is normal about the plan's, and integrated out.
            common = own * off.sum(axis=1) ** 2 / (noise + k * own)
            fits.append(-0.5 * ((off**2).sum(axis=1) - common) / noise)
    return np.asarray(np.logaddexp.reduce(fits, axis=0) - 0.5 * np.log1p(k * own / noise))


def _blocks(shown: Shown) -> tuple[FloatColumn, FloatColumn]:
    pieces = np.array_split(np.arange(len(shown.value)), min(BLOCKS, len(shown.value)))
    at = [float(shown.used[piece].mean()) for piece in pieces]
    return np.array(at), np.array([float(np.median(shown.value[piece])) for piece in pieces])


def _scatter(value: FloatColumn) -> float:
    """Scatter of neighbouring days, robust against a few wild ones."""
    steps = np.abs(np.diff(value))
    return float(np.median(steps) * 1.4826 / np.sqrt(2))


def _responsible(evidence: FloatColumn, sharing: IntColumn) -> FloatColumn:
    """How probable (n,) it is that each part is the one of its machine that shows."""
    _, group = np.unique(sharing, return_inverse=True)
    top = np.full(group.max() + 1, -np.inf)
    np.maximum.at(top, group, evidence)
    weight = np.exp(evidence - top[group])
    return np.asarray(weight / np.bincount(group, weight)[group])


def quantiles_of(grid: FloatColumn, mass: FloatColumn) -> FloatColumn:
    """Remaining use (n, levels) of distributions (n, grid)."""
    reached = np.cumsum(mass, axis=1)
    found = [
        np.interp(LEVELS, np.concatenate([[0.0], r / r[-1]]), np.concatenate([[0.0], g]))
        for g, r in zip(grid, reached, strict=True)
    ]
    return np.array(found).reshape(len(grid), len(LEVELS))
