"""Learning what is normal from a machine's healthy rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from rules.detectors.joint import Joint, JointSettings, distances, scaled_rows, smoothed

FEWEST_ROWS = 60
SEGMENT = 50
WARM_UP = 3
#: A value that comes every so many rows is unknown once that many of them are missing.
PATIENCE = 3


class TooLittleToLearn(IronpulseError):
    """Training rows from which nothing can be learned; says what is missing."""


@dataclass(frozen=True, slots=True)
class _Normal:
    """Centre, covariance and scales of some blocks of rows, on signals that varied."""

    middle: FloatColumn
    scale: FloatColumn
    centre: FloatColumn
    covariance: FloatColumn
    patience: FloatColumn

    def away(self, rows: FloatColumn, settings: JointSettings) -> FloatColumn:
        """How far rows (n, q) are from the centre once scaled and smoothed; NaN if unknown."""
        scaled = scaled_rows(rows, self.middle, self.scale, settings)
        return smoothed(scaled, settings, self.patience) - self.centre


def fit_joint(
    signals: Sequence[str], rows: FloatColumn, settings: JointSettings | None = None
) -> Joint:
    """Learn from healthy `rows` (n, p) in order of time, NaN where a value is missing.

    Signals without a value or without any change are not judged. Raises `TooLittleToLearn`.
    """
    settings = settings or JointSettings()
    if len(rows) < FEWEST_ROWS:
        raise TooLittleToLearn(
            f"{len(rows)} training rows are too few to tell normal from abnormal; "
            f"give at least {FEWEST_ROWS}."
        )
    kept = varies(rows)
    if not kept.any():
        raise TooLittleToLearn(
            f"None of the columns {', '.join(signals)} changes in the training rows, so there is "
            "nothing to learn from; give more rows or other columns."
        )
    used = rows[:, kept]
    patience = _patience(used)
    normal = _normal([used], patience, settings)
    pattern, single = _kept_aside(used, patience, settings)
    precision, spread = _judging(normal)
    return Joint(
        tuple(signals), kept, normal.middle, normal.scale, normal.centre, precision, spread,
        patience, pattern, single, settings,
    )  # fmt: skip


def varies(rows: FloatColumn) -> NDArray[np.bool_]:
    """Which columns of `rows` (n, p) hold at least two different values."""
    present = ~np.isnan(rows)
    low = np.where(present, rows, np.inf).min(axis=0)
    high = np.where(present, rows, -np.inf).max(axis=0)
    tiny = 1e-12 * np.maximum(np.abs(low), np.abs(high))
    return np.asarray(present.any(axis=0) & (high - low > np.where(np.isfinite(tiny), tiny, 0)))


def _patience(rows: FloatColumn) -> FloatColumn:
    """For how many rows each signal of `rows` (n, q) may be missing and still be as it was, by how
    far apart its values usually come."""
    apart = [np.diff(np.flatnonzero(~np.isnan(column))) for column in rows.T]
    usual = [np.quantile(each, 0.9) if len(each) else 1.0 for each in apart]
    return PATIENCE * np.array(usual)


def _normal(
    blocks: Sequence[FloatColumn], patience: FloatColumn, settings: JointSettings
) -> _Normal:
    """`blocks` are stretches of rows (n, q), each without a gap."""
    middle, scale = _middle_and_scale(np.vstack(blocks))
    prepared = _whole(
        [
            smoothed(scaled_rows(block, middle, scale, settings), settings, patience)
            for block in blocks
        ]
    )
    # Wild values must not stretch the covariance that is to reveal them.
    together = np.nan_to_num(np.vstack(prepared)).clip(-8, 8)
    covariance = np.atleast_2d(np.cov(together.T))
    diagonal = np.diag(np.diag(covariance))
    covariance = (1 - settings.shrink) * covariance + settings.shrink * diagonal
    covariance = covariance + settings.floor * np.eye(len(covariance))
    covariance = covariance + settings.drift * _drift(prepared)
    return _Normal(middle, scale, together.mean(axis=0), covariance, patience)


def _whole(blocks: Sequence[FloatColumn]) -> Sequence[FloatColumn]:
    """The rows in which every signal is known, as only these show how all move together; all rows
    where those are too few."""
    whole = [block[~np.isnan(block).any(axis=1)] for block in blocks]
    return whole if sum(len(block) for block in whole) >= FEWEST_ROWS else blocks


def _middle_and_scale(rows: FloatColumn) -> tuple[FloatColumn, FloatColumn]:
    """Median, and the median deviation as a standard deviation; or, of a signal that mostly
    rests and so has no median deviation, the standard deviation itself."""
    with warnings.catch_warnings():
        # In a part of the rows a signal may have no value that has some in the whole.
        warnings.simplefilter("ignore", RuntimeWarning)
        middle = np.nan_to_num(np.nanmedian(rows, axis=0))
        deviation = 1.4826 * np.nan_to_num(np.nanmedian(np.abs(rows - middle), axis=0))
        standard = np.nan_to_num(np.nanstd(rows, axis=0))
    scale = np.where(deviation > 0.2 * standard, deviation, standard)
    return middle, np.where(scale > 0, scale, 1.0)


def _drift(prepared: Sequence[FloatColumn]) -> FloatColumn:
    """Mean outer product (q, q) of the differences between means of segments of one block.

    How far the signals wander within the training rows says how far they will beyond them.
    """
    total = np.zeros((prepared[0].shape[1],) * 2)
    pairs = 0
    for block in prepared:
        if len(block) < 40:
            continue
        segments = np.array_split(np.nan_to_num(block), max(2, len(block) // SEGMENT))
        means = np.array([segment.mean(axis=0) for segment in segments])
        for later in range(1, len(means)):
            apart = means[later] - means[:later]
            total += apart.T @ apart
            pairs += later
    return total / max(pairs, 1)


def _judging(normal: _Normal) -> tuple[FloatColumn, FloatColumn]:
    precision: FloatColumn = np.asarray(np.linalg.inv(normal.covariance), np.float64)
    return precision, np.sqrt(np.diag(normal.covariance))


def _kept_aside(
    rows: FloatColumn, patience: FloatColumn, settings: JointSettings
) -> tuple[float, float]:
    """How far blocks get from what the other blocks say is normal: the largest distance of
    each, and of those the quantile `aside`, so that a fault in one block sets no limit."""
    count = int(np.clip(len(rows) // settings.block_rows, *settings.blocks))
    edges = np.linspace(0, len(rows), count + 1).astype(int)
    largest = []
    for left, right in pairwise(edges):
        others = [block for block in (rows[:left], rows[right:]) if len(block)]
        normal = _normal(others, patience, settings)
        warm = min(left, WARM_UP * settings.span)
        away = normal.away(rows[left - warm : right], settings)[warm:]
        largest.append([each.max() for each in distances(away, *_judging(normal))])
    typical = np.quantile(largest, settings.aside, axis=0)
    # Signals that mostly rest reach nothing in most blocks.
    pattern, single = np.where(typical > 0, typical, np.max(largest, axis=0))
    return float(pattern), float(single)
