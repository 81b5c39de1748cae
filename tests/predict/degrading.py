"""Units that degrade in a known way, for tests of what is learned from them."""

from __future__ import annotations

import numpy as np

from predict.histories import Histories, histories

NAMES = ("wear", "flow", "noise", "constant", "setting")


def fleet(seed: int, units: int, *, regimes: bool = False) -> Histories:
    """Units that run to failure in 60 to 140 rows, ten hours each. Two signals drift as life
    ends, one does not, one never varies. With `regimes` a setting moves all signals by far more
    than wear does."""
    rng = np.random.default_rng(seed)
    names, times, rows = [], [], []
    for unit in range(units):
        n = int(rng.integers(60, 141))
        gone = np.arange(1, n + 1) / n
        setting = rng.integers(0, 3, n) if regimes else np.zeros(n, dtype=int)
        offset = np.array([0.0, 40.0, -25.0])[setting]
        signals = (
            rng.normal(0, 0.5) + 4 * gone**3 + rng.normal(0, 0.3, n) + offset,
            -3 * gone**2 + rng.normal(0, 0.3, n) + 2 * offset,
            rng.normal(size=n) + offset,
            np.full(n, 7.0),
            setting.astype(float),
        )
        names += [f"u{unit}"] * n
        times.append(10.0 * np.arange(1, n + 1))
        rows.append(np.column_stack(signals))
    return histories(names, NAMES, np.concatenate(times), np.vstack(rows))


def cut(whole: Histories, seed: int) -> tuple[Histories, np.ndarray]:
    """The same units seen up to a random row after the first fifteen; life left there, hours."""
    rng = np.random.default_rng(seed)
    at = [int(rng.integers(15, len(times))) for times in whole.times]
    seen = Histories(
        whole.units,
        whole.names,
        tuple(rows[:n] for rows, n in zip(whole.rows, at, strict=True)),
        tuple(times[:n] for times, n in zip(whole.times, at, strict=True)),
    )
    left = [times[-1] - times[n - 1] for times, n in zip(whole.times, at, strict=True)]
    return seen, np.array(left)
