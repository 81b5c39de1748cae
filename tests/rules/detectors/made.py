"""A small made machine: four signals, three of which follow its load."""

from __future__ import annotations

import numpy as np

from fleet.batch import FloatColumn

SIGNALS = ("load_pct", "pressure_bar", "flow_l_min", "oil_temp_c")


def healthy(rows: int, seed: int) -> FloatColumn:
    """Rows (n, 4) whose load swings between idle and full, as on a working site."""
    rng = np.random.default_rng(seed)
    load = 50 + 40 * np.sin(np.arange(rows) / 9 + rng.uniform(0, 6)) + rng.normal(0, 3, rows)
    return np.column_stack(
        (
            load,
            60 + 2.0 * load + rng.normal(0, 2, rows),
            200 - 0.5 * load + rng.normal(0, 1, rows),
            55 + rng.normal(0, 0.5, rows),
        )
    )


def leaking(rows: FloatColumn, since: int, until: int | None = None) -> FloatColumn:
    """The same with less flow than the load explains; the flow stays within its usual range."""
    faulty = rows.copy()
    faulty[since:until, 2] -= 8.0
    return faulty
