"""Where a machine stands and what the weather does to it: the signals every machine has."""

from __future__ import annotations

import numpy as np

from simulators.output import Signals
from simulators.run import Mask, Run


def place(run: Run, lat: float, lon: float, altitude_m: float, moving: Mask) -> Signals:
    """Position in degrees, within a few kilometres of the site; it changes only while `moving`."""
    tau_s = np.where(moving, 900.0, 1e15)
    north = run.lag("north", 0.05 * (run.job[:, 0] - 0.5), tau_s)
    east = run.lag("east", 0.05 * (run.job[:, 1] - 0.5), tau_s)
    return {
        "gps_lat": lat + north + run.white(1e-5),
        "gps_lon": lon + east + run.white(1e-5),
        "gps_alt_m": altitude_m + run.white(2.0),
        "env_ambient_c": run.ambient_c + run.drift("shade", 0.6, 3600.0),
        "env_baro_kpa": run.baro_kpa,
        "env_wind_ms": np.maximum(run.wind_ms + run.white(0.35), 0.0),
    }
