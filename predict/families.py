"""Weibull and lognormal life on the logarithm of use: log life = location + spread * z.

z is smallest-extreme-value distributed (Weibull) or normal (lognormal). Every function takes and
returns arrays of one shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import log_ndtr, ndtri, ndtri_exp

from fleet.batch import FloatColumn

FamilyName = Literal["weibull", "lognormal"]
#: Beyond this z a Weibull part has surely failed; exp of it still is a number.
_MOST_Z = 500.0
#: Beyond this z the normal hazard is z itself to the last digits.
_FAR_Z = 1e5
_LOG_ROOT_TAU = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Family:
    """One of the two families; `name` as plans and people call it."""

    name: FamilyName

    def log_survival(self, z: FloatColumn) -> FloatColumn:
        """log of the share that lasts beyond z."""
        if self.name == "weibull":
            return -np.exp(np.minimum(z, _MOST_Z))
        return np.asarray(log_ndtr(-z))

    def log_density(self, z: FloatColumn) -> FloatColumn:
        """log density of z."""
        if self.name == "weibull":
            return z - np.exp(np.minimum(z, _MOST_Z))
        return -0.5 * z * z - _LOG_ROOT_TAU

    def survival_slope(self, z: FloatColumn) -> FloatColumn:
        """Derivative of `log_survival`; minus the hazard of z."""
        if self.name == "weibull":
            return -np.exp(np.minimum(z, _MOST_Z))
        near = np.minimum(z, _FAR_Z)
        hazard = np.exp(-0.5 * near * near - _LOG_ROOT_TAU - log_ndtr(-near))
        return -np.where(z > _FAR_Z, z, hazard)

    def density_slope(self, z: FloatColumn) -> FloatColumn:
        """Derivative of `log_density`."""
        if self.name == "weibull":
            return 1.0 - np.exp(np.minimum(z, _MOST_Z))
        return -z

    def z_at(self, log_survival: FloatColumn) -> FloatColumn:
        """The z with that log survival (negative)."""
        if self.name == "weibull":
            return np.asarray(np.log(-log_survival))
        return np.asarray(-ndtri_exp(log_survival))

    def z_of_share(self, share: float) -> float:
        """The z below which a `share` of lives ends."""
        if self.name == "weibull":
            return math.log(-math.log1p(-share))
        return float(ndtri(share))


WEIBULL, LOGNORMAL = Family("weibull"), Family("lognormal")
