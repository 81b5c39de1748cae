"""The power law of repairs against published results and a simulation."""

from __future__ import annotations

import csv
from collections import defaultdict

import numpy as np
import pytest

from benchmarks.shared_data import shared_data
from fleet.errors import IronpulseError
from predict.lifedata import LifeDataError
from predict.lifefit import TooFew
from predict.recurrent import RecurrentFit, fit_recurrent


def fitted(events: dict[str, list[float]], until: dict[str, float]) -> RecurrentFit:
    fit = fit_recurrent(events, until)
    assert isinstance(fit, RecurrentFit)
    return fit


def test_published_valve_seats_to_the_printed_digits() -> None:
    try:
        path = shared_data("lifedata/valveseat.csv")
    except IronpulseError as error:
        pytest.skip(str(error))
    events, until = defaultdict(list), {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["event"] == "end":
                until[row["engine"]] = float(row["days"])
            else:
                events[row["engine"]].append(float(row["days"]))
    fit = fitted(events, until)
    assert (len(until), len(fit.log_events)) == (41, 48)
    assert (f"{fit.shape:.3f}", f"{fit.scale:.1f}") == ("1.400", "553.6")
    # Expected over all engines is what was seen: the score equation of the scale.
    assert sum(fit.expected(0, end) for end in until.values()) == pytest.approx(48)
    assert "ever faster" in fit.checks()[0].en


def process(
    seed: int, units: int, shape: float, factors: np.ndarray | None = None
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Events of a power law with scale 100, by thinning of the number in the whole view."""
    rng = np.random.default_rng(seed)
    events, until = {}, {}
    for unit in range(units):
        end = float(rng.uniform(200, 600))
        factor = 1.0 if factors is None else factors[unit]
        count = rng.poisson(factor * (end / 100) ** shape)
        events[f"u{unit}"] = (end * rng.uniform(size=count) ** (1 / shape)).tolist()
        until[f"u{unit}"] = end
    return events, until


@pytest.mark.parametrize("shape", [0.7, 1.8])
def test_a_simulated_process_gives_its_shape_back(shape: float) -> None:
    fit = fitted(*process(1, 200, shape))
    low, high = fit.shape_limits(0.99)
    assert low < shape < high < low + 0.5
    assert fit.scale == pytest.approx(100, rel=0.15)
    assert ("ever faster" if shape > 1 else "rarer") in fit.checks()[0].en
    assert len(fit.checks()) == 1


def test_machines_that_differ_are_told() -> None:
    factors = np.where(np.arange(40) % 2, 4.0, 0.25)
    fit = fitted(*process(2, 40, 1.2, factors))
    assert "differ by more than chance" in fit.checks()[-1].en


def test_units_of_other_scale_change_nothing_but_the_scale() -> None:
    events, until = process(3, 30, 1.4)
    fit = fitted(events, until)
    huge = fitted({u: [1e9 * e for e in each] for u, each in events.items()},
                  {u: 1e9 * end for u, end in until.items()})  # fmt: skip
    assert huge.shape == pytest.approx(fit.shape)
    assert huge.scale == pytest.approx(1e9 * fit.scale)


def test_too_few_and_impossible() -> None:
    assert isinstance(fit_recurrent({"a": [5.0, 7.0]}, {"a": 9.0, "b": 0.0}), TooFew)
    with pytest.raises(LifeDataError, match="'a' has a failure outside of 0 to 6"):
        fit_recurrent({"a": [5.0, 7.0]}, {"a": 6.0})
    with pytest.raises(LifeDataError, match="'b' has failures, but no end"):
        fit_recurrent({"b": [5.0]}, {"a": 6.0})
