"""What somebody would say who knew every life's distribution: the best that age alone can do."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from fleet.batch import FloatColumn
from fleet.wear import Life

#: Between the 10 % and 90 % quantiles of a normal distribution, in sigmas; cut in the simulation.
_SPAN_SIGMAS, _MOST_SIGMAS = 2.5631, 2.5
#: No simulated Weibull life is shorter than this share of its scale.
_LEAST_SCALE = 0.2


class ExactLife:
    """The distribution that `simulators.wear.draw_life` draws from, for parts whose lives are
    `factor` (n,) times the plan's."""

    def __init__(self, life: Life, factor: FloatColumn) -> None:
        self._life, self._factor = life, factor
        self._scale = life.mid / math.log(2.0) ** (1.0 / life.shape) if life.shape else life.mid
        self._sigma = math.log(life.high / life.low) / _SPAN_SIGMAS

    def left(self, used: FloatColumn, level: float) -> FloatColumn:
        """Remaining use (n,) that a share `level` of parts which have lasted `used` (n,) does not
        reach."""
        gone = self._share_below(used / self._factor)
        reached = self._life_at(gone + (1 - gone) * level) * self._factor
        return np.asarray(np.maximum(reached - used, 0.0))

    def _share_below(self, life: FloatColumn) -> FloatColumn:
        ratio = np.maximum(life, 1e-12) / self._scale
        if self._life.shape is None:
            z = np.log(ratio) / self._sigma
            return np.asarray(np.where(z < -_MOST_SIGMAS, 0.0, ndtr(z)))
        below = -np.expm1(-(ratio**self._life.shape))
        return np.asarray(np.where(ratio < _LEAST_SCALE, 0.0, below))

    def _life_at(self, share: FloatColumn) -> FloatColumn:
        if self._life.shape is None:
            z = np.clip(ndtri(share), -_MOST_SIGMAS, _MOST_SIGMAS)
            return np.asarray(self._scale * np.exp(self._sigma * z))
        drawn = (-np.log1p(-np.minimum(share, 1 - 1e-12))) ** (1 / self._life.shape)
        return np.asarray(self._scale * np.maximum(drawn, _LEAST_SCALE))
