"""What a concrete pump does with its line: strokes, volume and the pressure they take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn
from simulators.diesel import Engine
from simulators.run import Mask, Run

#: Delivery cylinder of the reference machine, diameter 260 mm, stroke 2,200 mm.
_STROKE_M3 = np.pi / 4 * 0.26**2 * 2.2


@dataclass(frozen=True)
class Hydraulics:
    """What tells pumps apart: strokes per minute at the highest notch, engine speed while pumping,
    pressure that the line takes at least and at most, the engine and the pump speed per engine
    speed."""

    spm_max: float
    work_rpm: float
    line_bar: tuple[float, float]
    engine: Engine
    pump_ratio: float


@dataclass(frozen=True)
class Stroke:
    """The pumping of a stretch: notch, direction (0 stopped, 1 forward, 2 reverse), strokes per
    minute, volume in m3/h, main pressure in bar, hydraulic power in kW."""

    notch: FloatColumn
    direction: FloatColumn
    spm: FloatColumn
    m3_per_h: FloatColumn
    press: FloatColumn
    power_kw: FloatColumn


def stroke(run: Run, size: Hydraulics) -> Stroke:
    """The pumping of a stretch, with blockages, worn pumps and pistons in it."""
    notch = run.by_regime({"prime": 2.0, "reverse": 3.0, "clean": 2.0})
    pouring = run.doing("pump", "blocked")
    notch = np.where(pouring, np.round(4.0 + 4.0 * run.job[:, 1]), notch)
    direction = np.where(run.doing("reverse"), 2.0, np.where(notch > 0, 1.0, 0.0))
    jam = np.where(pouring, run.mode("CP-F08"), 0.0)
    backing = (jam > 0.5) & (run.rng.random(len(run)) < 0.3)
    direction = np.where(backing, 2.0, direction)
    worn = run.mode("CP-F05") * (0.4 + 0.6 * run.job[:, 2])
    lame = run.mode("CP-F13") * 0.6
    spm = size.spm_max * notch / 10.0 * (1.0 - 0.16 * worn) * (1.0 - lame)
    spm = spm * (1.0 + run.white(0.008)) * np.clip(1.15 - 1.2 * jam, 0.0, 1.0)
    leak = 0.16 * run.mode("CP-F01") + 0.07 * run.mode("CP-F02")
    fill = run.trait("fill", 0.87, 0.012) - leak + run.white(0.008)
    volume = np.where(pouring | run.doing("prime"), 60.0 * spm * _STROKE_M3 * fill, 0.0)
    # What the line would take without the blockage is what the blockage adds to.
    wanted = volume / np.clip(1.15 - 1.2 * jam, 0.05, 1.0)
    press = _pressure(run, size, wanted, jam, backing)
    power = press * 1e5 * spm * 0.0535 / 60.0 / 1000.0
    return Stroke(notch, direction, np.where(notch > 0, spm, 0.0), volume, press, power)


def _pressure(
    run: Run, size: Hydraulics, volume: FloatColumn, jam: FloatColumn, backing: Mask
) -> FloatColumn:
    low, high = size.line_bar
    line = low + (high - low) * run.job[:, 2]
    mix = 0.9 + 0.2 * run.job[:, 3]
    press = 38.0 + line * mix * (np.maximum(volume, 1.0) / 80.0) ** 0.8
    ripple = 5.0 + 22.0 * run.mode("CP-F02") + 18.0 * (jam > 0.05)
    press = np.minimum(press, 262.0)
    press = press + jam * (338.0 - press) + run.white(1.0) * ripple
    press = np.where(run.doing("prime"), 55.0 + run.white(4.0), press)
    press = np.where(run.doing("clean"), 38.0 + run.white(3.0), press)
    press = np.where(run.doing("reverse") | backing, 90.0 + run.white(8.0), press)
    idle = run.doing("idle_wait", "setup", "fold")
    press = np.where(idle, 12.0 + run.white(1.0), press)
    return np.where(run.doing("off", "travel"), 0.0, np.clip(press, 0.0, 338.0))
