"""The truck-mounted boom pump: what the concrete pump has besides, boom and outriggers."""

from __future__ import annotations

import numpy as np

from simulators.diesel import Engine
from simulators.output import Output, Signals
from simulators.pumps import pump
from simulators.run import Run
from simulators.stroke import Hydraulics

_SIZE = Hydraulics(26.0, 1550.0, (70.0, 175.0), Engine(310.0), 1.18)


def boom_pump(run: Run) -> Output:
    """All signals and codes of a stretch of a truck-mounted boom pump."""
    output = pump(run, _SIZE)
    output.add(_boom(run, output.signals))
    output.add(_outriggers(run, output.signals))
    return output


def _boom(run: Run, signals: Signals) -> Signals:
    out = run.doing("prime", "pump", "reverse", "blocked", "idle_wait", "clean")
    setting = run.doing("setup", "fold")
    share = np.clip(run.since_s / run.length_s, 0.0, 1.0)
    share = np.select([out, run.doing("setup"), run.doing("fold")], [1.0, share, 1.0 - share], 0.0)
    spm = signals["pump_stroke_rate_spm"]
    crack = run.mode("CP-F12")
    vibration = np.where(spm > 0.5, 70.0 + 70.0 * run.job[:, 2] + 4.0 * spm, 12.0)
    pinned = np.where(setting, 140.0 + 60.0 * run.turn[:, 0] + run.white(12.0), 45.0)
    on = ~run.doing("off", "travel")
    result: Signals = {
        "boom_press_bar": np.where(on, np.maximum(pinned + run.white(3.0), 0.0), 0.0),
        "boom_slew_deg": 160.0 * (run.job[:, 1] - 0.5) * share + run.white(0.05),
        "boom_tip_vib_mm": np.where(out, vibration * (1.0 + 1.6 * crack) + run.white(6.0), 0.0),
        "boom_tip_freq_hz": np.where(
            out & (spm > 0.5), run.trait("tip", 0.29, 0.06) * (1.0 - 0.08 * crack), np.nan
        ),
        "boom_mode": np.select([run.doing("setup"), run.doing("fold"), out], [1.0, 3.0, 2.0], 0.0),
        "boom_cmd": setting.astype(float),
        "boom_wind_ms": np.maximum(run.wind_ms + run.white(0.4), 0.0),
    }
    waiting = run.doing("idle_wait")
    sink = 1.3 * run.mode("CP-F11") * np.where(waiting, run.since_s / 600.0, 0.0)
    for joint, fold in enumerate((78.0, 150.0, 165.0, 120.0, 95.0, 60.0), start=1):
        angle = fold * (0.6 + 0.4 * run.job[:, (joint - 1) % 4]) * share
        creep = sink if joint == 2 else 0.0
        result[f"boom_angle_{joint}_deg"] = np.clip(angle - creep, 0.0, 180.0) + run.white(0.02)
    return result


def _outriggers(run: Run, signals: Signals) -> Signals:
    down = ~run.doing("off", "travel", "setup", "fold")
    setting = run.doing("setup", "fold")
    result: Signals = {}
    heading = np.radians(signals["boom_slew_deg"])
    for number, leg in enumerate(("fl", "fr", "rl", "rr")):
        toward = np.cos(heading - np.radians(45.0 + 90.0 * number))
        force = 380.0 * (0.25 + 0.10 * toward)
        result[f"out_leg_{leg}_kn"] = np.where(down, np.maximum(force + run.white(1.5), 0.0), 0.0)
    tilt = 0.25 + 0.3 * run.job[:, 3]
    result["veh_level_x_deg"] = np.where(down | setting, tilt, 0.3) + run.white(0.02)
    result["veh_level_y_deg"] = np.where(down | setting, 0.6 - tilt, 0.2) + run.white(0.02)
    case = run.lag(
        "case",
        np.where(
            run.doing("off"),
            run.ambient_c,
            np.where(
                run.doing("pump", "prime", "clean"),
                40.0 + 0.7 * run.ambient_c,
                30.0 + 0.6 * run.ambient_c,
            )
            + 48.0 * run.mode("CP-F15"),
        ),
        2400.0,
    )
    result["tcase_oil_temp_c"] = case + run.white(0.3)
    return result
