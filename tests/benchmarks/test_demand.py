"""The measuring stick itself: by hand, and on carparts where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.demand.__main__ import PUBLISHED, measure
from benchmarks.demand.protocol import judge, split
from benchmarks.shared_data import shared_data
from fleet.errors import IronpulseError
from predict.demand.table import read_table


def test_only_complete_intermittent_parts_are_kept() -> None:
    demand = np.zeros((4, 16))
    demand[0] = 1.0  # every month: no gap
    demand[1, ::2] = 1.0
    demand[2, 3] = np.nan
    demand[3, -1] = 9.0
    train, test = split(demand)
    assert train.shape == (2, 10) and test.shape == (2, 6)
    assert test[1].tolist() == [0, 0, 0, 0, 0, 9]


def test_ratios_and_coverage_by_hand() -> None:
    came = np.array([[0.0, 2.0]])
    yardstick, said = np.full((1, 2, 5), 4.0), np.full((1, 2, 5), 1.0)
    row = judge("by hand", said, yardstick, came)
    # At .9: said loses .1 and .9, the yardstick .4 and .2.
    assert row.ratios[2] == pytest.approx(1.0 / 0.6)
    assert row.coverage.tolist() == [0.5, 0.5, 0.5]


def test_carparts_reference_rows_are_reproduced_and_the_aim_is_met() -> None:
    try:
        path = shared_data("carparts/carparts.csv")
    except IronpulseError as error:
        pytest.skip(str(error))
    train, test = split(read_table(path).demand)
    assert len(train) == 2498
    rows = {row.name: row for row in measure(train, test)[0]}
    for name, published in PUBLISHED.items():
        assert rows[name].ratios == pytest.approx(published, rel=0.05), name
    assert rows["Ironpulse"].mean_ratio <= 0.83
    assert (rows["Ironpulse"].coverage > np.array([0.9, 0.95, 0.99]) - 0.01).all()
