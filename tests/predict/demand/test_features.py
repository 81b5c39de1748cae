"""Features against an obvious twin that looks at one part and one month at a time."""

from __future__ import annotations

import numpy as np
import pytest

from predict.demand.features import LEVEL_MEMORY, PRIOR_MONTHS, features, scaling

NAN = float("nan")


def slow_level(history: list[float], pooled: float) -> float:
    total, weight = PRIOR_MONTHS * pooled, PRIOR_MONTHS
    for age, count in enumerate(reversed(history)):
        if not np.isnan(count):
            total += (1 - LEVEL_MEMORY) ** age * count
            weight += (1 - LEVEL_MEMORY) ** age
    return total / weight


def test_levels_agree_with_the_twin_where_months_are_unknown() -> None:
    rows = [[0.0, 3.0, NAN, 1.0, 0.0], [NAN, NAN, NAN, 0.0, 0.0], [NAN] * 5]
    found = features(np.array(rows))
    pooled = (4.0 + 0.5) / (6 + 1.0)
    assert found.mean == pytest.approx([slow_level(row, pooled) for row in rows])
    hits = [[np.nan if np.isnan(c) else float(c > 0) for c in row] for row in rows]
    often = (2.0 + 0.5) / (6 + 1.0)
    assert found.chance == pytest.approx([slow_level(row, often) for row in hits])


def test_by_hand_size_of_one_demand() -> None:
    found = features(np.array([[0.0, 4.0, 0.0, 2.0]]))
    # Two demands of 3 on average, and one more of the usual size: (6.5 / 5) / (2.5 / 5).
    assert found.size == pytest.approx([(6 + 6.5 / 2.5) / 3])


def test_months_since_the_last_demand_count_known_months_only() -> None:
    recency = features(np.array([[1.0, 0, NAN, 0], [0, 0, 0, 2.0], [0, 0, NAN, NAN]])).covariates
    assert np.expm1(recency[:, 6]) == pytest.approx([2, 0, 2])


def test_every_covariate_is_finite_without_any_demand() -> None:
    assert np.isfinite(features(np.zeros((3, 9))).covariates).all()
    assert np.isfinite(features(np.full((2, 9), NAN)).covariates).all()


def test_a_design_bends_at_the_training_rows_own_places() -> None:
    rows = np.random.default_rng(1).normal(5, 2, (90, 14))
    rows[:, 3] = 1.0
    design = scaling(rows).design(rows)
    assert design.shape == (90, 1 + 14 + 10)
    assert design[:, 1:15].mean(axis=0) == pytest.approx(np.zeros(14), abs=1e-9)
    assert (design[:, 4] == 0).all(), "what never varies says nothing"
    share_beyond = (design[:, 15:] > 0).mean(axis=0)
    assert share_beyond == pytest.approx(np.tile([0.67, 0.33], 5), abs=0.02)
