"""The forecast holds what it says on demand whose truth is known, whatever the table looks like."""

from __future__ import annotations

import numpy as np
import pytest

from fleet.errors import IronpulseError
from predict.demand import forecast_demand
from predict.demand.mixing import pinball
from predict.demand.simple import Steps, static_quantiles
from tests.predict.demand.fleets import fleet

Drifting = tuple[np.ndarray, np.ndarray, np.ndarray]
LEVELS = np.array([0.5, 0.8, 0.9, 0.95, 0.99])


def lost(came: np.ndarray, said: np.ndarray) -> np.ndarray:
    return np.asarray(pinball(came, said, LEVELS).sum(axis=(0, 1)))


@pytest.fixture(scope="module")
def drifting() -> Drifting:
    counts, _ = fleet(parts=800, months=42)
    return counts[:, :36], counts[:, 36:], forecast_demand(counts[:, :36], 6, LEVELS)


def test_it_beats_the_whole_history_where_demand_drifts(drifting: Drifting) -> None:
    train, came, said = drifting
    ratio = lost(came, said) / lost(came, static_quantiles(train, Steps(1, 6), LEVELS))
    assert (ratio < 1.0).all() and ratio[1:].mean() < 0.9


def test_its_quantiles_hold_their_share(drifting: Drifting) -> None:
    _, came, said = drifting
    for place, level in enumerate(LEVELS):
        # A count lies at or below its quantile at least as often as the level says, and strictly
        # below it at most so often.
        at_most, below = (came <= said[..., place]).mean(), (came < said[..., place]).mean()
        assert at_most > level - 0.02 and below < level + 0.02


def test_quantiles_are_whole_and_rise_with_the_level(drifting: Drifting) -> None:
    _, _, said = drifting
    assert (np.diff(said, axis=2) >= 0).all() and (said == np.round(said)).all()
    assert said.shape == (800, 6, 5)


def test_parts_and_levels_may_stand_in_any_order() -> None:
    counts, _ = fleet(parts=120, months=36)
    said = forecast_demand(counts, 4, LEVELS)
    turned = forecast_demand(counts[::-1], 4, LEVELS[::-1])[::-1, :, ::-1]
    # Pooled sums differ in the last bits, so a quantile may tip where two counts are as good.
    assert (said != turned).mean() < 0.01


def test_a_season_shows_in_the_months_ahead() -> None:
    counts, mean = fleet(parts=1500, months=60, wave=0.8)
    said = forecast_demand(counts[:, :48], 12, LEVELS)[:, :, 1].mean(axis=0)
    true = mean[:, 48:].mean(axis=0)
    assert np.corrcoef(said, true)[0, 1] > 0.9
    assert said.max() / said.min() > 2


def test_a_part_that_died_out_is_not_stocked() -> None:
    counts, _ = fleet(parts=200, months=40)
    counts[0] = [6.0] * 16 + [0.0] * 24
    said = forecast_demand(counts, 3, LEVELS)
    assert said[0, :, 1].max() == 0
    assert static_quantiles(counts, Steps(1, 3), LEVELS)[0, 0, 1] == 6


def test_unknown_months_are_not_zero() -> None:
    counts, _ = fleet(parts=200, months=40)
    counts[0] = 8.0
    counts[1] = np.where(np.arange(40) % 2, 8.0, np.nan)
    counts[2] = np.where(np.arange(40) % 2, 8.0, 0.0)
    counts[3] = np.nan
    said = forecast_demand(counts, 1, LEVELS)[:, 0]
    assert said[1, 0] == pytest.approx(said[0, 0], abs=2) and said[2, 0] < said[1, 0]
    assert np.isfinite(said).all()


def test_demand_in_metres_is_forecast_in_metres() -> None:
    counts, _ = fleet(parts=200, months=36)
    metres = counts * 0.35
    said = forecast_demand(metres, 2, LEVELS)
    assert said[:, :, 2].mean() == pytest.approx(
        0.35 * forecast_demand(counts, 2, LEVELS)[:, :, 2].mean(), rel=0.15
    )


@pytest.mark.parametrize("months", [2, 5, 9, 12, 20])
@pytest.mark.parametrize("horizon", [1, 8])
def test_short_histories_are_forecast_too(months: int, horizon: int) -> None:
    counts, mean = fleet(parts=60, months=months)
    said = forecast_demand(counts, horizon, LEVELS)
    assert said.shape == (60, horizon, 5) and np.isfinite(said).all()
    assert said[:, 0, 4].mean() > mean[:, -1].mean()


def test_one_part_or_no_demand_at_all() -> None:
    assert forecast_demand(np.zeros((5, 30)), 3, LEVELS).max() <= 1
    one = forecast_demand(np.array([[3.0, 4, 2, 5] * 8]), 2, LEVELS)
    assert 2 <= one[0, 0, 0] <= 5 and one[0, 0, 4] < 20


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    forecast_demand(fleet(parts=40, months=30)[0], 8, LEVELS, told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1.0) and len(told) > 5


@pytest.mark.parametrize(
    ("history", "horizon", "levels", "says"),
    [
        (np.zeros((0, 5)), 1, [0.5], "at least one part"),
        (np.zeros((3, 1)), 1, [0.5], "2 months"),
        (np.array([[1.0, -1.0]]), 1, [0.5], "negative"),
        (np.array([[1.0, np.inf]]), 1, [0.5], "infinite"),
        (np.ones((2, 9)), 0, [0.5], "horizon"),
        (np.ones((2, 9)), 1, [], "Quantiles"),
        (np.ones((2, 9)), 1, [1.0], "between 0 and 1"),
    ],
)
def test_what_cannot_be_forecast_is_said(
    history: np.ndarray, horizon: int, levels: list[float], says: str
) -> None:
    with pytest.raises(IronpulseError, match=says):
        forecast_demand(history, horizon, np.array(levels))
