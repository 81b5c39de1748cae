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

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError

#: From so many terms on the shorter of two polynomials is multiplied by FFT.
_BY_FFT = 400


def numbers_replaced(chances: FloatColumn) -> FloatColumn:
    """Distributions (scenarios, n + 1) of how many of n parts are replaced, by the chances of each
    (scenarios, n).

    Exact: the parts' generating polynomials are multiplied pair by pair (by FFT, so that 100,000
    parts take under a second).
    """
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
