"""Lift cycles of a tower crane: what hangs on the hook, where, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from simulators.run import Mask, Run

#: Parts of line.
FALLS = 2.0
_GROUND_M = 1.0
_FASTEST_MPM = 115.0


@dataclass(frozen=True)
class Size:
    """A model: greatest load in t, its moment in t m, rated currents of hoist, slew and trolley in
    A, radius of its work in m, whether the jib luffs."""

    max_t: float
    moment_tm: float
    hoist_a: float
    slew_a: float
    trolley_a: float
    radius_m: tuple[float, float]
    luffing: bool = False


SIZES = {
    "TT6": Size(6.0, 80.0, 60.0, 20.0, 12.0, (12.0, 52.0)),
    "TT10": Size(10.0, 160.0, 90.0, 26.0, 15.0, (12.0, 58.0)),
    "TL16": Size(16.0, 260.0, 130.0, 40.0, 60.0, (12.0, 48.0), luffing=True),
}


@dataclass(frozen=True)
class Lift:
    """The cycle of a stretch: drive frequency in Hz and rope speed in m/min (up positive), hook
    height in m, load in t, rated load in t, moment in %, slew angle in degrees."""

    hertz: FloatColumn
    rope_mpm: FloatColumn
    height_m: FloatColumn
    load_t: FloatColumn
    rated_t: FloatColumn
    moment_pct: FloatColumn
    radius_m: FloatColumn
    slew_deg: FloatColumn
    slewing: Mask
    trolleying: Mask


def lift_of(run: Run, size: Size, stopped: Mask) -> Lift:
    """The cycle through a stretch; nothing moves where the wind has `stopped` it."""
    up, empty = run.doing("lift_loaded") & ~stopped, run.doing("lift_empty") & ~stopped
    share = np.clip(run.since_s / run.length_s, 0.0, 1.0)
    top = 8.0 + 22.0 * run.job[:, 2]
    # The end of a shift cuts lifts short; no hoist is faster for it.
    rope = np.minimum(FALLS * (top - _GROUND_M) / (run.length_s / 60.0), _FASTEST_MPM)
    rope = np.select([up, empty], [rope, -rope], 0.0)
    aloft = run.doing("slew", "trolley", "hold")
    height = np.select(
        [up, aloft, empty],
        [_GROUND_M + (top - _GROUND_M) * share, top, top - (top - _GROUND_M) * share],
        _GROUND_M,
    )
    near, far = size.radius_m
    # A luffing jib stays where its site needs it; a trolley serves another place each time.
    place = np.full(len(run), 0.5 + 0.2 * run.traits.of("jib")) if size.luffing else run.job[:, 1]
    radius = near + (far - near) * place
    rated = np.minimum(size.max_t, size.moment_tm / radius)
    # Moments by domain 3.2, the overloads left to drivers who make them.
    level = np.interp(run.job[:, 0], [0.0, 0.7, 0.9, 1.0], [8.0, 40.0, 70.0, 86.0])
    loaded = (up | aloft) & ~stopped
    load = np.where(loaded, level / 100.0 * rated, 0.01)
    home = 90.0 * run.traits.of("pick")
    sweep = (40.0 + 130.0 * run.job[:, 3]) * np.where(run.job[:, 0] > 0.5, 1.0, -1.0)
    turned = np.select(
        [run.doing("slew"), run.doing("trolley", "hold"), empty], [share, 1.0, 1.0 - share], 0.0
    )
    hertz = np.abs(rope) / 1.2
    return Lift(
        hertz,
        rope,
        height,
        load,
        rated,
        np.where(loaded, level, 0.5),
        radius,
        home + sweep * turned,
        run.doing("slew") & ~stopped,
        run.doing("trolley") & ~stopped,
    )
