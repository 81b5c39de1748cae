"""Pinball loss by hand; the better forecaster gets the weight."""

from __future__ import annotations

import numpy as np
import pytest

from predict.demand.mixing import blend, learn_weights, pinball

LEVELS = np.array([0.5, 0.9])


def test_pinball_by_hand() -> None:
    lost = pinball(np.array([[3.0, np.nan]]), np.array([[[1.0, 5.0]] * 2]), LEVELS)
    assert lost == pytest.approx(np.array([[[1.0, 0.2], [0.0, 0.0]]]))


def test_the_forecaster_that_was_right_is_believed_level_by_level() -> None:
    came = np.random.default_rng(5).poisson(8, (400, 3)).astype(float)
    right, low = np.full((400, 3, 2), [8.0, 12.0]), np.full((400, 3, 2), [8.0, 3.0])
    high = np.full((400, 3, 2), [15.0, 12.0])
    weights = learn_weights(np.stack([low, high]), came, LEVELS)
    assert weights.sum(axis=0) == pytest.approx([1.0, 1.0])
    assert weights[0, 0] > 0.8 and weights[1, 1] > 0.8
    alone = learn_weights(right[None], came, LEVELS)
    assert alone.tolist() == [[1.0, 1.0]]


def test_quantiles_of_a_blend_are_whole_and_never_cross() -> None:
    answers = np.array([[[[4.0, 5.0]]], [[[9.0, 6.0]]]])
    mixed = blend(answers, np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert mixed.tolist() == [[[9.0, 9.0]]]
    assert blend(answers, np.full((2, 2), 0.5)).tolist() == [[[7.0, 7.0]]]
