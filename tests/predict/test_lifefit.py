"""Fitted lives against published results and slow, obvious twins."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from scipy import optimize, stats

from benchmarks.shared_data import shared_data
from fleet.errors import IronpulseError
from predict.families import LOGNORMAL, WEIBULL
from predict.lifedata import LifeDataError, Lives, lives
from predict.lifefit import LifeFit, TooFew, fit_lives


def published(name: str, use: str, failed: str) -> Lives:
    """Lives of one of the data sets; the test is skipped where they are absent."""
    try:
        path = shared_data(f"lifedata/{name}.csv")
    except IronpulseError as error:
        pytest.skip(str(error))
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return lives(
        [float(row[use]) for row in rows],
        [row["event"] == failed for row in rows],
        count=[float(row.get("count", 1)) for row in rows],
    )


def fitted(data: Lives, family: str = "weibull") -> LifeFit:
    fit = fit_lives(data, WEIBULL if family == "weibull" else LOGNORMAL)
    assert isinstance(fit, LifeFit)
    return fit


@pytest.mark.parametrize(
    ("name", "use", "failed", "units", "failures", "shape", "scale"),
    [
        ("bearingcage", "hours", "Failed", 1703, 6, "2.035", "11792"),
        ("shockabsorber", "miles", "Failure", 38, 11, "3.160", "27719"),
        ("fan", "hours", "Fail", 70, 12, "1.058", "26297"),
    ],
)
def test_published_weibull_lives_to_the_printed_digits(
    name: str, use: str, failed: str, units: int, failures: int, shape: str, scale: str
) -> None:
    data = published(name, use, failed)
    fit = fitted(data)
    assert (data.total, data.failures) == (units, failures)
    assert f"{fit.shape:.3f}" == shape
    assert f"{fit.scale_life():.0f}" == scale


def simulated(seed: int, family: str, n: int = 300) -> tuple[Lives, float]:
    """Lives with late entry and censoring; the true median."""
    rng = np.random.default_rng(seed)
    life = 1000 * (rng.weibull(2.5, n) if family == "weibull" else np.exp(0.5 * rng.normal(size=n)))
    start, until = rng.uniform(0, 700, n), rng.uniform(500, 2500, n)
    end = np.minimum(life, until)
    seen = (life > start) & (until > start)
    data = lives(end[seen], (life <= until)[seen], start=start[seen])
    return data, 1000 * (math.log(2) ** 0.4 if family == "weibull" else 1.0)


@pytest.mark.parametrize("family", ["weibull", "lognormal"])
def test_censored_and_late_lives_against_a_twin_on_scipy_s_distributions(family: str) -> None:
    data, _ = simulated(1, family)

    def twin(theta: np.ndarray) -> float:
        median, narrow = np.exp(theta)
        if family == "weibull":
            d = stats.weibull_min(narrow, scale=median)
        else:
            d = stats.lognorm(1 / narrow, scale=median)
        parts = np.where(data.failed, d.logpdf(data.end), d.logsf(data.end)) - d.logsf(data.start)
        return -float(parts.sum())

    found = optimize.minimize(
        twin, [7.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9}
    )
    fit = fitted(data, family)
    assert fit.scale_life() == pytest.approx(math.exp(found.x[0]), rel=1e-6)
    assert fit.shape == pytest.approx(math.exp(found.x[1]), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-float(found.fun), abs=1e-6)


@pytest.mark.parametrize("family", ["weibull", "lognormal"])
def test_limits_hold_the_truth_as_often_as_they_say(family: str) -> None:
    held = 0
    for seed in range(60):
        data, median = simulated(seed + 100, family, n=40)
        low, high = fitted(data, family).quantile_limits(0.5, 0.8)
        held += low <= median <= high
    # 48 of 60 expected, standard deviation 3.1.
    assert 39 <= held <= 57


def test_limits_that_few_failures_of_many_kinds_leave_open_are_infinite() -> None:
    """Models, regions and duties of a small fleet: the search for limits goes far astray."""
    n, rng = 30, np.random.default_rng(52)
    end = 1500 * np.exp(0.2 * rng.standard_normal(n))
    failed = rng.random(n) < 0.5
    end[~failed] *= rng.uniform(0.1, 1, int((~failed).sum()))
    kinds = [rng.integers(0, of, n)[:, None] == np.arange(k) for k, of in ((3, 3), (7, 7), (2, 3))]
    names = tuple(f"kind:{number}" for number in range(12))
    data = lives(end, failed, covariates=np.concatenate(kinds, axis=1), names=names)
    fit = fitted(data, "weibull")
    low, high = fit.quantile_limits(0.5, 0.95)
    assert low < fit.life_quantile(0.5) < high == math.inf


def test_limits_of_the_shape_are_where_the_profile_likelihood_falls() -> None:
    data, _ = simulated(3, "weibull", n=40)
    fit = fitted(data)
    for shape in fit.shape_limits(0.9):

        def at(log_scale: np.ndarray, shape: float = shape) -> float:
            d = stats.weibull_min(shape, scale=math.exp(float(log_scale[0])))
            parts = np.where(data.failed, d.logpdf(data.end), d.logsf(data.end))
            return -float((parts - d.logsf(data.start)).sum())

        best = optimize.minimize(at, [7.0], method="Nelder-Mead", options={"fatol": 1e-10})
        drop = fit.log_likelihood + float(best.fun)
        assert drop == pytest.approx(stats.chi2.ppf(0.9, 1) / 2, abs=1e-3)


def test_hard_duty_shortens_life_by_the_factor_it_was_made_with() -> None:
    rng = np.random.default_rng(5)
    duty = rng.integers(0, 2, 2000).astype(float)
    constant = np.ones(2000)
    life = 1000 * rng.weibull(3, 2000) * 0.6**duty
    until = rng.uniform(300, 1500, 2000)
    data = lives(
        np.minimum(life, until),
        life <= until,
        covariates=np.column_stack([duty, constant]),
        names=("hard", "same"),
    )
    fit = fitted(data)
    assert fit.effects["hard"] == pytest.approx(0.6, rel=0.05)
    assert fit.effects["same"] == pytest.approx(1.0)
    hard = fit.life_quantile(0.5, np.array([1.0, 1.0]))
    assert hard == pytest.approx(600 * math.log(2) ** (1 / 3), rel=0.05)


def test_too_few_failures_is_an_answer() -> None:
    answer = fit_lives(lives([100, 200, 300, 300], [True, False, True, True]), WEIBULL)
    assert isinstance(answer, TooFew)
    assert (answer.failures, answer.total, answer.needed) == (2, 4, 3)
    assert "Too few failures" in answer.text.en
    assert isinstance(fit_lives(lives([5.0], [False]), WEIBULL), TooFew)


@pytest.mark.parametrize(
    ("end", "start", "word"),
    [([float("nan")], [0.0], "missing"), ([5.0], [9.0], "ends at or after"), ([5.0], [-1.0], "-1")],
)
def test_wrong_lives_are_refused_in_a_sentence(
    end: list[float], start: list[float], word: str
) -> None:
    with pytest.raises(LifeDataError, match=word):
        lives(end, [True], start=start)
