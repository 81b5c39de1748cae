"""Demand per part and month as quantiles, from the histories of all parts together.

Intermittent demand is judged by what a stock decision needs, the upper quantiles: never by mean
absolute errors, which the forecast "no demand ever" wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from fleet.batch import FloatColumn
from fleet.errors import IronpulseError
from predict.demand.mixing import blend, learn_weights, pinball
from predict.demand.pooled import can_learn, pooled_counts, pooled_hurdle
from predict.demand.season import season, seasonal
from predict.demand.simple import Forecaster, Steps, discounted_negative_binomial, static_quantiles

#: Months ahead that are learned as one; later months are learned on their own.
BLOCK = 6
#: Earlier months from which the mix is learned, at most.
STANDPOINTS = 4
#: How fast a part's own level may forget; the data choose one for all parts.
MEMORIES = (0.03, 0.06, 0.1, 0.15, 0.25)
#: Memory where the history is too short to choose.
USUAL_MEMORY = 0.1
LEAST_MONTHS = 2
#: A demand that is no whole number is counted in this share of the part's usual demand.
FINENESS = 12

#: Called with the share done, 0 to 1.
Progress = Callable[[float], None]


def forecast_demand(
    history: FloatColumn,
    horizon: int,
    levels: FloatColumn,
    progress: Progress = lambda share: None,
) -> FloatColumn:
    """Quantiles (n, horizon, k) of monthly demand after history (n parts, m months).

    History is demand in the part's unit, not negative, oldest month first, NaN where unknown;
    levels (k,) lie between 0 and 1. Raises IronpulseError where that does not hold.
    """
    _check(history, horizon, levels)
    order = np.argsort(levels)
    grain = _grain(history)
    counts = np.asarray(np.ceil(history / grain[:, None] - 1e-9))
    blocks = list(_blocks(horizon))
    found = []
    for done, steps in enumerate(blocks):

        def share(part: float, done: int = done) -> None:
            progress((done + part) / len(blocks))

        found.append(_block(counts, steps, levels[order], share))
    quantiles = np.concatenate(found, axis=1) * grain[:, None, None]
    return np.asarray(quantiles[:, :, np.argsort(order)])


def _block(
    counts: FloatColumn, steps: Steps, levels: FloatColumn, progress: Progress
) -> FloatColumn:
    """Quantiles (n, steps, k) by the mix of forecasters that did best from earlier months."""
    standpoints = _standpoints(counts.shape[1], steps)
    forecasters = _forecasters(counts, standpoints, steps, levels)
    answers = []
    for forecaster in forecasters:
        answers.append(
            [forecaster(counts[:, :at], steps, levels) for at in (*standpoints, counts.shape[1])]
        )
        progress(len(answers) / len(forecasters))
    now = np.stack([each[-1] for each in answers])
    if not standpoints:
        return blend(now, np.full((len(now), len(levels)), 1.0 / len(now)))
    earlier = np.stack([np.concatenate(each[:-1]) for each in answers])
    return blend(now, learn_weights(earlier, _came(counts, standpoints, steps), levels))


def _forecasters(
    counts: FloatColumn, standpoints: list[int], steps: Steps, levels: FloatColumn
) -> list[Forecaster]:
    """What a history of this length can carry; all share the season seen in the whole of it."""
    index = season(counts)
    learned = [partial(pooled_counts, index=index), partial(pooled_hurdle, index=index)]
    if not can_learn(counts.shape[1], steps):
        return [discounted_negative_binomial(USUAL_MEMORY)]
    if not standpoints:
        return [*learned]
    memory = _memory(counts, standpoints, steps, levels)
    own = discounted_negative_binomial(memory)
    return [seasonal(static_quantiles, index), seasonal(own, index), *learned]


def _standpoints(months: int, steps: Steps) -> list[int]:
    """Lengths of history from which all months asked for are known, the longest first."""
    earlier = (months - steps.last - back * len(steps) for back in range(STANDPOINTS))
    return [at for at in earlier if can_learn(at, steps)]


def _came(counts: FloatColumn, standpoints: list[int], steps: Steps) -> FloatColumn:
    """What followed each standpoint, (standpoints * n, steps)."""
    return np.concatenate([counts[:, at + steps.first - 1 : at + steps.last] for at in standpoints])


def _memory(
    counts: FloatColumn, standpoints: list[int], steps: Steps, levels: FloatColumn
) -> float:
    """The memory with which parts on their own would have lost least, one for all parts."""
    came = _came(counts, standpoints, steps)

    def lost(memory: float) -> float:
        forecaster = discounted_negative_binomial(memory)
        said = np.concatenate([forecaster(counts[:, :at], steps, levels) for at in standpoints])
        return float(pinball(came, said, levels).sum())

    return min(MEMORIES, key=lost)


def _blocks(horizon: int) -> Iterator[Steps]:
    for first in range(1, horizon + 1, BLOCK):
        yield Steps(first, min(first + BLOCK - 1, horizon))


def _grain(history: FloatColumn) -> FloatColumn:
    """What counts as one for each part, (n,): one unit, or for parts measured in metres or litres
    the lot of which every demand is a multiple, else a share of the usual demand."""
    demand = np.where(history > 0, history, np.nan)
    known = (~np.isnan(demand)).sum(axis=1)
    whole = np.asarray((np.isnan(demand) | (demand == np.round(demand))).all(axis=1))
    lot = np.nanmin(np.where(known[:, None] > 0, demand, 1.0), axis=1)
    lots = demand / lot[:, None]
    even = np.asarray((np.isnan(lots) | (np.abs(lots - np.round(lots)) < 1e-6)).all(axis=1))
    usual = np.nan_to_num(demand).sum(axis=1) / np.maximum(known, 1)
    return np.where(whole, 1.0, np.where(even, lot, usual / FINENESS))


def _check(history: FloatColumn, horizon: int, levels: FloatColumn) -> None:
    if history.ndim != 2 or len(history) == 0 or history.shape[1] < LEAST_MONTHS:
        raise IronpulseError(
            f"A demand history of {history.shape} parts and months cannot be forecast: give at "
            f"least one part and {LEAST_MONTHS} months."
        )
    if np.isinf(history).any() or (history < 0).any():
        raise IronpulseError(
            "The demand history holds a negative or infinite month: give demand before returns."
        )
    if horizon < 1:
        raise IronpulseError(f"A horizon of {horizon} months asks for nothing: give 1 or more.")
    if len(levels) == 0 or not ((levels > 0) & (levels < 1)).all():
        raise IronpulseError("Quantiles lie between 0 and 1, both left out: give 0.5,0.9 or so.")
