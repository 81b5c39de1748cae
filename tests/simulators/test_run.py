"""The dynamics that physics is made of, against the same written moment by moment."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.run import Run
from simulators.seeds import generator
from simulators.traits import Traits


def _run(pace_s: np.ndarray) -> Run:
    n = len(pace_s)
    nothing = np.zeros(n)
    return Run(
        at_ms=np.arange(n), clock_s=pace_s, pace_s=pace_s, regime=np.zeros(n, np.int16),
        regimes=("pump",), since_s=nothing, length_s=nothing, job=np.zeros((n, 4)),
        turn=np.zeros((n, 2)), ambient_c=nothing, wind_ms=nothing, baro_kpa=nothing, model="X",
        ill={}, traits=Traits(1, "X"), state={}, rng=generator(1, "X"),
    )  # fmt: skip


@pytest.mark.parametrize("steady", [1, 29, 30, 400])
def test_what_lags_behind_is_the_same_in_runs_as_moment_by_moment(steady: int) -> None:
    rng = generator(7, "pace", steady)
    pace_s = np.repeat(rng.uniform(1.0, 600.0, 900 // steady + 1), steady)[:900]
    target = rng.uniform(0.0, 100.0, 900)
    run = _run(pace_s)
    found = run.lag("oil", target, 300.0, 20.0)

    value, expected = 20.0, []
    for pace, at in zip(pace_s.tolist(), target.tolist(), strict=True):
        keep = np.exp(-pace / 300.0)
        value = keep * value + (1.0 - keep) * at
        expected.append(value)
    np.testing.assert_array_equal(found, expected)
    assert run.state["oil"] == expected[-1]
