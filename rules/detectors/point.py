"""What the operating point lets one expect of each signal: a quadratic of the inputs.

Load, speed, notch and ambient move all signals of a healthy machine; a fault is what is left when
their part is taken away. Inputs are held within what was seen while learning, for a quadratic
goes astray outside of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn

#: How far beyond the inputs that were seen is still near, as a share of their range.
NEAR = 0.15


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """`middle`, `width`, `low`, `high` (k,) of the inputs in their units; `weights` (m, q) of the
    terms for each signal judged, in its unit."""

    middle: FloatColumn
    width: FloatColumn
    low: FloatColumn
    high: FloatColumn
    weights: FloatColumn

    def expected(self, inputs: FloatColumn) -> FloatColumn:
        """What inputs (..., k) let one expect, (..., q); NaN where an input is unknown."""
        return np.asarray(terms(self, inputs) @ self.weights)

    def knows(self, inputs: FloatColumn) -> bool:
        """Whether machines were seen at such inputs (k,), or near: elsewhere nothing is judged."""
        near = NEAR * (self.high - self.low)
        return bool(((inputs >= self.low - near) & (inputs <= self.high + near)).all())


def terms(point: OperatingPoint, inputs: FloatColumn) -> FloatColumn:
    """1, each input, and each product of two of them: (..., m)."""
    held = np.clip(inputs, point.low, point.high)
    z = (held - point.middle) / point.width
    k = z.shape[-1]
    pairs = [z[..., i] * z[..., j] for i in range(k) for j in range(i, k)]
    one = np.ones(z.shape[:-1])
    return np.stack([one, *(z[..., i] for i in range(k)), *pairs], axis=-1)


def frame(inputs: FloatColumn, signals: int) -> OperatingPoint:
    """The frame of inputs (n, k), with all weights zero yet."""
    middle = np.median(inputs, axis=0) if len(inputs) else np.zeros(inputs.shape[1])
    width = inputs.std(axis=0)
    low, high = np.quantile(inputs, (0.005, 0.995), axis=0)
    k = inputs.shape[1]
    weights = np.zeros((1 + k + k * (k + 1) // 2, signals))
    return OperatingPoint(middle, np.where(width > 0, width, 1.0), low, high, weights)
