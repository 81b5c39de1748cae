"""How many kinds of parts would lie between two shares by chance alone: the test beside a count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

from fleet.batch import FloatColumn
from predict.fleet_life import BelievedLife

AIM = (0.76, 0.84)
Band = tuple[float, float]


def inside_by_chance(judged: int, covered: float, band: Band = AIM) -> float:
    """The chance that of `judged` parts, each inside its interval with the chance `covered`, the
    share inside lies in the band."""
    first, last = np.ceil(band[0] * judged - 1e-9), np.floor(band[1] * judged + 1e-9)
    return float(binom.cdf(last, judged, covered) - binom.cdf(first - 1, judged, covered))


def inside_by_belief(
    model: BelievedLife, used: FloatColumn, low: FloatColumn, high: FloatColumn
) -> float:
    """The same where all parts share the error of one life: over all lives that the model itself
    holds for probable. `used`, `low` and `high` (n,) are uses so far and the ends of the interval
    of remaining use, as on a machine like most."""
    shares = np.zeros(len(used))
    locations, spreads, weights = model.belief.probable()
    log_survival = model.belief.family.log_survival
    found = []
    for location, spread in zip(locations, spreads, strict=True):
        at = [log_survival(_z(used + more, location, spread)) for more in (0.0, low, high)]
        shares = np.exp(at[1] - at[0]) - np.exp(at[2] - at[0])
        found.append(inside_by_chance(len(used), float(np.clip(shares.mean(), 0.0, 1.0))))
    return float(np.array(found) @ weights)


def held(shares: Sequence[float], band: Band = AIM) -> int:
    """How many shares lie in the band."""
    return sum(band[0] <= share <= band[1] for share in shares)


def _z(life: FloatColumn, location: float, spread: float) -> FloatColumn:
    return np.asarray((np.log(np.maximum(life, 1e-12)) - location) / spread)
