"""What a fleet teaches: the operating point's part, and which failures fit what is left."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from fleet.loader import load_catalogue
from fleet.plan import Catalogue, ProductPlan
from rules.compiled import compile_plan
from rules.detectors.causes import ranked
from rules.detectors.learning import Seen, learn_normal
from rules.detectors.live import features_of
from rules.detectors.stretches import Stretches

STRETCHES = 600


@cache
def catalogue() -> Catalogue:
    return load_catalogue(Path(__file__).parents[3] / "products")


def plan_of(product: str) -> ProductPlan:
    return catalogue().plans[product]


def season(growing: float) -> Seen:
    """Three machines through an autumn: a pressure that follows the load alone, beside a steady
    one. On the first machine it grows by `growing` from the first to the last stretch."""
    rng = np.random.default_rng(3)
    rows = []
    for machine in range(3):
        day = np.arange(STRETCHES) / 20
        load = rng.uniform(20, 90, STRETCHES)
        ambient = 28 - 0.5 * day + 4 * np.sin(2 * np.pi * day) + rng.normal(0, 1, STRETCHES)
        ill = growing * np.linspace(0, 1, STRETCHES) if machine == 0 else 0.0
        pressure = 1 + 0.01 * load + ill + rng.normal(0, 0.02, STRETCHES)
        steady = 5 + rng.normal(0, 0.1, STRETCHES)
        rows.append(np.column_stack([pressure, steady, load, ambient]))
    count = 3 * STRETCHES
    return Seen(
        np.repeat(np.arange(3), STRETCHES), np.tile(np.arange(STRETCHES), 3) * 900_000,
        np.concatenate(rows), np.zeros((count, 2), bool),
    )  # fmt: skip


@pytest.mark.parametrize("growing", [0.0, 0.5])
def test_a_failure_that_grows_in_one_machine_is_not_taken_for_the_weather(growing: float) -> None:
    normal = learn_normal(["p", "q"], ["load", "ambient"], season(growing), 1, [0.0, 0.0])
    cold, warm = (normal.point.expected(np.array([50.0, ambient]))[0] for ambient in (16.0, 28.0))
    assert abs(cold - warm) < 0.05
    low, high = (normal.point.expected(np.array([load, 22.0]))[0] for load in (30.0, 80.0))
    assert high - low == pytest.approx(0.5, abs=0.05)


def test_an_input_may_be_a_product_of_signals() -> None:
    compiled = compile_plan(plan_of("asphalt_paver"))
    detector = next(one for one in compiled.detectors if one.rule.id == "paving_unlike_normal")
    place = {key: at for at, key in enumerate(detector.columns)}
    mean = np.ones((1, len(detector.columns)))
    mean[0, place["mat_thick_set_mm"]], mean[0, place["scr_width_m"]] = 80.0, 7.5
    nothing = np.zeros_like(mean)
    moment = np.zeros(1, np.int64)
    ended = Stretches(np.zeros(1, np.intp), moment, moment, mean, mean, nothing, mean, mean)
    inputs = features_of(detector, ended)[0, len(detector.features) :]
    known = dict(zip(detector.normal.inputs, inputs.tolist(), strict=True))
    assert known["mat_thick_set_mm * scr_width_m"] == 600.0
    assert known["scr_width_m"] == 7.5


@pytest.mark.parametrize(
    ("away", "first"),
    [
        # The level sensor stands still while the auger hunts; or both hunt.
        ({"~auger_speed_l_rpm": 5.0, "~mat_level_l_pct": -5.0}, "PV-F08"),
        ({"~auger_speed_l_rpm": 5.0, "~mat_level_l_pct": 5.0}, "PV-F07"),
        # A conveyor that runs calmer than it did has no broken slat.
        ({"~conv_press_l_bar": 5.0, "conv_press_l_bar": 4.0}, "PV-F05"),
        ({"~conv_press_l_bar": -5.0}, None),
    ],
)
def test_fluctuation_fits_by_its_direction(away: dict[str, float], first: str | None) -> None:
    plan = plan_of("asphalt_paver")
    modes = ranked(plan, plan.rule["paving_unlike_normal"], away)
    assert [mode for mode, _ in modes][:1] == ([] if first is None else [first])
