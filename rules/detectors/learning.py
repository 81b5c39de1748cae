"""Learning from a fleet's stretches what is normal in a regime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn, IntColumn
from rules.detectors.fitting import TooLittleToLearn
from rules.detectors.joint import distances, smoothed
from rules.detectors.point import OperatingPoint, frame, terms
from rules.detectors.regime import REGIME, Normal

#: Fewer stretches in all, or of one machine, teach nothing.
FEWEST_STRETCHES = 200
FEWEST_OF_ONE = 30
#: Stretches further from expected than so many deviations are taken for ill and left out.
_TRIM = 4.0
#: Runs of so many stretches of one machine, some days of work, are apart for reasons of their own:
#: what drifts over weeks is a failure that grows, or the season, and would be taken for what the
#: operating point does that changed meanwhile. What differs between runs counts for so little
#: beside what differs within them.
RUN = 100
_BETWEEN_RUNS = 0.04
_ROUNDS = 3
#: Limits are what this share of blocks of so many stretches of one machine stay below.
BLOCK = 24
#: However little healthy machines vary, less than this share of a signal's usual value is no sign
#: of anything: measuring chains and the model of the operating point are not better, and the
#: symptoms of the plans begin at 3 %. At least and at most, such shares of its normal range: what
#: is normal around zero has no usual value, and a supply voltage is never far from its own.
MATTERS = 0.02
MATTERS_OF_BAND = (0.01, 0.1)
ASIDE = 0.5
#: A feature that stands still in more than this share of stretches cannot be told from a stuck one.
_RESTS = 0.01
_WIDEST = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Stretches of machines, in order of machine and time: `machine` (n,) ids, `end_ms` (n,),
    `rows` (n, q + k) features and inputs, `still` (n, q) whether a feature did not move in it."""

    machine: IntColumn
    end_ms: IntColumn
    rows: FloatColumn
    still: NDArray[np.bool_]

    def where(self, wanted: NDArray[np.bool_]) -> Seen:
        return Seen(
            self.machine[wanted], self.end_ms[wanted], self.rows[wanted], self.still[wanted]
        )


def learn_normal(
    features: Sequence[str],
    inputs: Sequence[str],
    seen: Seen,
    since_ms: int,
    bands: Sequence[float],
) -> Normal:
    """What is normal by these stretches, most of which should be of healthy machines; `bands` (q,)
    are how wide the plan's normal range of each feature is, 0 where it names none.

    Features that are hardly ever known, or never change, are left out. Raises TooLittleToLearn.
    """
    seen = _usable(seen, len(features))
    if len(seen.rows) < FEWEST_STRETCHES:
        raise TooLittleToLearn(
            f"{len(seen.rows)} stretches with known inputs are too few to learn what is normal; "
            f"{FEWEST_STRETCHES} are needed."
        )
    values, at = seen.rows[:, : len(features)], seen.rows[:, len(features) :]
    kept = _kept(values)
    if not kept.any():
        raise TooLittleToLearn("None of the signals changes, so there is nothing to learn from.")
    values = values[:, kept]
    point, varies_by, apart = _expectation(values, at, seen.machine)
    matters = _matters(np.nanmedian(np.abs(values), axis=0), np.array(bands)[kept])
    scale = np.maximum(varies_by, matters)
    away = (values - point.expected(at)) / scale
    blocks = _blocks(away, seen.machine)
    precision, spread = _judging(blocks, matters / scale)
    pattern, single = _reached(blocks, precision, spread)
    return Normal(
        since_ms,
        tuple(name for name, keep in zip(features, kept, strict=True) if keep),
        tuple(inputs),
        point,
        scale,
        precision,
        spread,
        apart * varies_by / scale,
        (seen.still[:, kept].mean(axis=0) > _RESTS).astype(np.float64),
        pattern,
        single,
        len(np.unique(seen.machine)),
    )


def _matters(usual: FloatColumn, bands: FloatColumn) -> FloatColumn:
    """From how much on a difference counts, (q,), in the signals' units."""
    least, most = (share * bands for share in MATTERS_OF_BAND)
    return np.clip(MATTERS * usual, least, np.where(bands > 0, most, np.inf))


def _usable(seen: Seen, q: int) -> Seen:
    seen = seen.where(np.asarray(~np.isnan(seen.rows[:, q:]).any(axis=1)))
    _, own, counts = np.unique(seen.machine, return_inverse=True, return_counts=True)
    return seen.where(np.asarray(counts[own] >= FEWEST_OF_ONE)) if len(own) else seen


def _kept(values: FloatColumn) -> NDArray[np.bool_]:
    """Features known in most stretches that are not the same in nearly all of them."""
    known = ~np.isnan(values)
    often = known.mean(axis=0) > 0.5
    low, high = np.nanquantile(np.where(often, values, 0.0), (0.02, 0.98), axis=0)
    return np.asarray(often & (high > low))


def _expectation(
    values: FloatColumn, at: FloatColumn, machine: IntColumn
) -> tuple[OperatingPoint, FloatColumn, FloatColumn]:
    """The operating point's part; what one machine varies by beside it, in the features' units;
    and how much machines differ, in these scales.

    Each machine may lie apart by a constant of its own, so that machines that do other work than
    others are not taken for it.
    """
    point = frame(at, values.shape[1])
    design = terms(point, at)
    _, own = np.unique(machine, return_inverse=True)
    runs = _runs(own)
    weights = np.zeros_like(point.weights)
    scale, apart = np.ones(values.shape[1]), np.ones(values.shape[1])
    for j in range(values.shape[1]):
        weights[:, j], scale[j], apart[j] = _regressed(values[:, j], design, own, runs)
    return replace(point, weights=weights), scale, apart


def _runs(own: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number of the run that each stretch is part of; machines stand one after the other."""
    starts = np.flatnonzero(np.diff(own, prepend=-1))
    within = np.arange(len(own)) - starts[own]
    keys = own * (len(own) // RUN + 1) + within // RUN
    return np.asarray(np.unique(keys, return_inverse=True)[1], np.intp)


def _regressed(
    value: FloatColumn, design: FloatColumn, own: NDArray[np.intp], runs: NDArray[np.intp]
) -> tuple[FloatColumn, float, float]:
    """Ridge regression within machines, trimmed of what lies far out."""
    used = ~np.isnan(value)
    tiny = 1e-9 + 1e-6 * float(np.nanmax(np.abs(value)))
    for _ in range(_ROUNDS):
        both = np.column_stack([design[used, 1:], value[used]])
        both = _apart(both, own[used], runs[used])
        inside, target = both[:, :-1], both[:, -1]
        gram = inside.T @ inside + 1e-3 * len(target) * np.eye(inside.shape[1])
        slopes = np.linalg.solve(gram, inside.T @ target)
        left = value - design[:, 1:] @ slopes
        places = _medians(left, own, used)
        around = left - places[own]
        scale = max(1.4826 * float(np.nanmedian(np.abs(around[used]))), tiny)
        used = ~np.isnan(value) & (np.abs(around) <= _TRIM * scale)
    scale = max(scale, 0.5 * float(around[used].std()), tiny)
    known = places[~np.isnan(places)]
    common = float(np.median(known))
    deviation = min(float(known.std()) / scale, _WIDEST) if len(known) > 1 else 1.0
    return np.concatenate(([common], slopes)), scale, deviation


def _apart(values: FloatColumn, own: NDArray[np.intp], runs: NDArray[np.intp]) -> FloatColumn:
    """Values without what machines differ by, and with little of what their runs differ by."""
    by_run = _means(values, runs)[runs]
    between = by_run - _means(values, own)[own]
    return np.asarray(values - by_run + _BETWEEN_RUNS**0.5 * between)


def _means(values: FloatColumn, own: NDArray[np.intp]) -> FloatColumn:
    counts = np.maximum(np.bincount(own), 1)
    sums = [np.bincount(own, column) for column in values.T]
    return np.asarray(np.array(sums).reshape(values.shape[1], len(counts)).T / counts[:, None])


def _medians(values: FloatColumn, own: NDArray[np.intp], used: NDArray[np.bool_]) -> FloatColumn:
    """The median of each machine, (m,); NaN of one without a used value."""
    found = np.full(int(own.max()) + 1, np.nan)
    for machine in range(len(found)):
        chosen = values[(own == machine) & used]
        if len(chosen):
            found[machine] = np.median(chosen)
    return found


def _blocks(away: FloatColumn, machine: IntColumn) -> list[FloatColumn]:
    """Of each machine, in order: how far its features are from its place, smoothed."""
    blocks = []
    for one in np.unique(machine):
        rows = np.clip(away[machine == one], -REGIME.furthest, REGIME.furthest)
        with np.errstate(all="ignore"):
            known = ~np.isnan(rows).all(axis=0)
            place = np.zeros(rows.shape[1])
            place[known] = np.nanmedian(rows[:, known], axis=0)
        blocks.append(np.nan_to_num(smoothed(rows - place, REGIME)))
    return blocks


def _judging(
    blocks: Sequence[FloatColumn], matters: FloatColumn
) -> tuple[FloatColumn, FloatColumn]:
    """Precision and spread of healthy machines; what is ill must not stretch the covariance that
    is to reveal it, so what lies far out counts only as far as it may, and what does not matter
    (`matters` (q,), in scales) is scatter."""
    together = np.vstack(blocks)
    usual = np.maximum(1.4826 * np.median(np.abs(together), axis=0), 0.05)
    together = np.clip(together, -3 * usual, 3 * usual)
    covariance = np.atleast_2d(np.cov(together.T))
    diagonal = np.diag(np.diag(covariance))
    covariance = (1 - REGIME.shrink) * covariance + REGIME.shrink * diagonal
    covariance = covariance + REGIME.floor * np.eye(len(covariance)) + np.diag(matters**2)
    precision: FloatColumn = np.asarray(np.linalg.inv(covariance), np.float64)
    return precision, np.sqrt(np.diag(covariance))


def _reached(
    blocks: Sequence[FloatColumn], precision: FloatColumn, spread: FloatColumn
) -> tuple[float, float]:
    """What blocks of healthy machines reach: the largest distance of each, and of those the
    share `ASIDE`, so that failures in some set no limit."""
    largest = []
    for block in blocks:
        for part in np.array_split(block, max(1, len(block) // BLOCK)):
            largest.append([float(each.max()) for each in distances(part, precision, spread)])
    pattern, single = np.quantile(largest, ASIDE, axis=0)
    return max(float(pattern), len(spread) ** -0.5), max(float(single), 1.0)
