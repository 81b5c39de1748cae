"""Demand that the fleet itself announces: fitted parts that will need replacement.

Each fitted part is replaced or not, independently once the circumstances are given, so their
number follows a Poisson binomial distribution, computed exactly. What all machines share, a busy
year or a long winter, is given as scenarios: within one the parts are independent, over all they
are not, and the distribution is as wide as that makes it.

Distributions are chances (m,) of 0, 1, ... m - 1 pieces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import fftconvolve

from fleet.batch import FloatColumn, IntColumn
from fleet.errors import IronpulseError
from predict.life import LifeModel

#: From so many terms on the shorter of two polynomials is multiplied by FFT.
_BY_FFT = 400


def survival(model: LifeModel, used: FloatColumn, ahead: FloatColumn) -> FloatColumn:
    """Chance (n, months + 1) that each part lasts to the end of each coming month; column 0 is 1.

    `used` (n,) so far and the use `ahead` (n, months) month by month are in the part's own unit.
    """
    reached = np.cumsum(ahead, axis=1)
    lasts = [1.0 - model.fail_within(used, more) for more in reached.T]
    return np.column_stack([np.ones(len(used)), *lasts])


def chances_between(lasts: FloatColumn, first: int, last: int) -> FloatColumn:
    """Chance that each part is first worn out in months `first` to `last`, counted from 1.

    `lasts` (..., months + 1) is the chance of each part to last to the end of each month from
    now on, column 0 being now (1, or what the life model says unconditionally). A part that is
    replaced and worn out again within the horizon counts once: lives are longer than horizons.
    """
    if not 1 <= first <= last < lasts.shape[-1]:
        raise IronpulseError(
            f"Months {first} to {last} are asked of a survival {lasts.shape[-1] - 1} months "
            "long: give months within it."
        )
    alive = lasts[..., 0]
    gone = lasts[..., first - 1] - lasts[..., last]
    return np.asarray(np.divide(gone, alive, out=np.zeros_like(gone), where=alive > 0))


def number_replaced(chances: FloatColumn) -> FloatColumn:
    """Distribution (n + 1,) of how many of n parts are replaced, chances (n,) or (scenarios, n).

    Exact: the parts' generating polynomials are multiplied pair by pair (by FFT, so that 100,000
    parts take under a second). Scenarios are equally likely.
    """
    return np.asarray(numbers_replaced(np.atleast_2d(chances)).mean(axis=0))


def numbers_replaced(chances: FloatColumn) -> FloatColumn:
    """The same for every scenario by itself: (scenarios, n + 1) of chances (scenarios, n)."""
    if not ((chances >= 0) & (chances <= 1)).all():
        raise IronpulseError("Chances to need replacement lie between 0 and 1.")
    scenarios, n = chances.shape
    size = 1 << max(n - 1, 0).bit_length()
    padded = np.zeros((scenarios, size))
    padded[:, :n] = chances
    numbers = np.stack([1.0 - padded, padded], axis=2)
    while numbers.shape[1] > 1:
        width = 2 * numbers.shape[2] - 1
        spectra = np.fft.rfft(numbers, width, axis=2)
        numbers = np.fft.irfft(spectra[:, 0::2] * spectra[:, 1::2], width, axis=2)
    found = np.maximum(numbers[:, 0, : n + 1], 0.0)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def demand_by_group(lasts: FloatColumn, group: IntColumn, groups: int) -> list[list[FloatColumn]]:
    """Distributions by group and month for `lasts` (n, months + 1) or (scenarios, n, months + 1).

    `group` (n,) numbers each fitted part's warehouse or region from 0; the answer's first index is
    the group, its second the month, 0 being the coming one.
    """
    months = lasts.shape[-1] - 1
    return [
        [
            number_replaced(chances_between(lasts[..., group == place, :], month, month))
            for month in range(1, months + 1)
        ]
        for place in range(groups)
    ]


def together(distributions: Sequence[FloatColumn]) -> FloatColumn:
    """Distribution of the sum of independent demands: worn parts, services, new machines."""
    total = np.ones(1)
    for each in distributions:
        # Most demands of most places are none.
        total = summed(total, each) if len(each) > 1 else total * each[0]
    return np.asarray(total)


def summed(one: FloatColumn, other: FloatColumn) -> FloatColumn:
    """Distribution of the sum of two independent demands."""
    if min(len(one), len(other)) < _BY_FFT:
        return np.asarray(np.convolve(one, other))
    return np.asarray(np.maximum(fftconvolve(one, other), 0.0))


def trimmed(distribution: FloatColumn, tail: float) -> FloatColumn:
    """The distribution without the largest numbers, which together are less likely than `tail`."""
    reached = np.cumsum(distribution)
    size = int(np.searchsorted(reached, reached[-1] - tail)) + 1
    return np.asarray(distribution[:size] / distribution[:size].sum())


def quantiles_of(distribution: FloatColumn, levels: FloatColumn) -> FloatColumn:
    """The smallest numbers (k,) that are not exceeded with the chances `levels` (k,)."""
    reached = np.cumsum(distribution)
    # Rounding in the last bits must not push a quantile up by one piece.
    found = np.searchsorted(reached, np.asarray(levels) - 1e-12)
    return np.minimum(found, len(distribution) - 1).astype(np.float64)
