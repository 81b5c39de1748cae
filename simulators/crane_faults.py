"""What worn brakes and broken switches do on every crane."""

from __future__ import annotations

import numpy as np

from fleet.batch import FloatColumn
from simulators.output import Signals
from simulators.run import Mask, Run


def brake_slip_mm(run: Run, share: FloatColumn) -> FloatColumn:
    """Slip after the last stop by the `share` of the rated load that hung (CR-F01, CR-F02)."""
    worn, oily = run.mode("CR-F01"), run.mode("CR-F02")
    sound = 11.0 + 6.0 * run.turn[:, 0]
    return sound + 115.0 * worn * share + oily * (35.0 + 55.0 * run.turn[:, 1])


def load_sinks_m(run: Run) -> FloatColumn:
    """How far a held load has sunk since it was stopped, once a brake has nearly gone."""
    brake = np.maximum(run.mode("CR-F01"), run.mode("CR-F02"))
    held_s = np.where(run.doing("hold"), run.since_s, 0.0)
    return np.minimum(3.0, held_s / 120.0 * 0.6 * np.maximum(0.0, brake - 0.6))


def stuck_limits(run: Run, working: Mask) -> Signals:
    """Limit switches; those of the hoist stick when CR-F13 has come."""
    stuck = ((run.mode("CR-F13") > 0.3) & working).astype(float)
    free = np.zeros(len(run))
    return {"a2b": stuck, "limit_up": stuck, "limit_down": free, "limit_in": free,
            "limit_out": free}  # fmt: skip
