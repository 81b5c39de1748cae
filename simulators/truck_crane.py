"""The truck crane: load moment indicator, winch, hydraulics, outriggers (domain 3)."""

from __future__ import annotations

import numpy as np

from fleet.batch import FaultCode, FloatColumn
from simulators.crane_faults import brake_slip_mm, load_sinks_m, stuck_limits
from simulators.diesel import Demand, Engine, diesel
from simulators.output import Output, Signals
from simulators.run import Mask, Run
from simulators.truck_lift import FALLS, Motion, motion_of

ENGINE = Engine(power_kw=276.0)
_LINE_PULL_T = 5.0


def truck_crane(run: Run) -> Output:
    """All signals and codes of a stretch of a truck crane."""
    motion = motion_of(run)
    working = run.doing("idle", "lift", "hold", "lower")
    rpm = run.by_regime(
        {"travel": 1500.0, "setup": 1100.0, "stow": 1100.0, "idle": 750.0, "hold": 900.0}
    )
    moving = np.abs(motion.rope_mpm) + motion.slew_stick + np.abs(motion.boom_stick) > 5
    rpm = np.where(working & moving, 1500.0, np.where(run.doing("lift", "lower"), 900.0, rpm))
    load = run.by_regime({"travel": 52.0, "setup": 35.0, "stow": 35.0, "idle": 13.0, "hold": 14.0})
    lmi = _limiter(run, motion)
    load = np.where(moving, 30.0 + 0.45 * lmi["hoist_pull_pct"], np.maximum(load, 12.0))
    travel = run.doing("travel")
    demand = Demand(
        ~run.doing("off"),
        rpm,
        load,
        working | run.doing("setup", "stow"),
        np.where(travel, 28.0 + 45.0 * run.turn[:, 0], 0.0),
    )
    output = diesel(run, ENGINE, demand)
    output.add(lmi)
    output.add(_hoist(run, motion, lmi, output.signals["eng_speed_rpm"], working))
    output.add(_winch_life(run, motion, lmi))
    output.add(_hydraulics(run, motion, lmi, demand))
    output.add(_outriggers(run, motion, lmi, working))
    output.add(stuck_limits(run, working))
    output.codes += _codes(run, demand.on)
    return output


def _limiter(run: Run, motion: Motion) -> Signals:
    radius = 6.0 + 17.0 * run.job[:, 1]
    rated = np.minimum(50.0, run.trait("chart", 150.0, 0.05) / radius**1.15)
    share = 0.12 + 0.70 * run.job[:, 0] ** 1.5
    true_t = np.where(motion.loaded, share * rated, 0.04)
    drift = run.mode("CR-F09")
    shown = true_t + 2.2 * drift + run.white(0.02)
    moment = 100.0 * true_t / rated * (1.0 + 0.06 * drift) + 6.0 * drift
    pull = 100.0 * true_t / (FALLS * 0.92) / _LINE_PULL_T + 2.5
    uneven = run.mode("CR-F04") * ~motion.loaded * (motion.rope_mpm < 0)
    length = np.clip(radius * 1.5 + 9.0, 11.0, 48.0)
    creep = run.mode("CR-F10") * run.doing("hold") * run.since_s / 600.0
    angle = np.degrees(np.arccos(np.clip((radius + 1.5) / length, 0.0, 0.99)))
    in_use = run.doing("idle", "lift", "hold", "lower")
    return {
        "lmi_load_t": np.where(in_use, shown, 0.0),
        "lmi_rated_t": rated,
        "lmi_moment_pct": np.clip(np.where(in_use, moment + run.white(0.4), 0.0), 0.0, 150.0),
        "lmi_radius_m": radius + run.white(0.03),
        "lmi_out_cfg_pct": np.full(len(run), 100.0),
        "boom_len_m": length - 0.5 * creep + run.white(0.004),
        "boom_angle_deg": np.where(in_use, angle - 1.1 * creep, 2.0) + run.white(0.015),
        "boom_stick_pct": motion.boom_stick,
        "hoist_pull_pct": np.clip(pull + run.white(0.6) + uneven * 24.0 * run.white(1.0), 0, 150),
        "hoist_falls": np.full(len(run), FALLS),
    }


def _hoist(run: Run, motion: Motion, lmi: Signals, rpm: FloatColumn, working: Mask) -> Signals:
    worn, oily, pump = run.mode("CR-F01"), run.mode("CR-F02"), run.mode("CR-F11")
    per_lever = 0.06 * np.maximum(rpm, 600.0)
    stick = np.clip(100.0 * motion.rope_mpm / per_lever, -100.0, 100.0)
    speed = motion.rope_mpm * (1.0 - 0.17 * pump) * (1.0 + run.white(0.006))
    heavy = np.where(run.doing("hold", "lower"), 0.55 + 0.6 * run.job[:, 0], 0.8)
    height = motion.height_m - load_sinks_m(run)
    jump = (
        run.mode("CR-F04") * (run.rng.random(len(run)) < 0.12) * ~motion.loaded * 55.0
        + run.mode("CR-F13") * (run.rng.random(len(run)) < 0.15) * 110.0
    )
    effort = np.abs(motion.rope_mpm) * lmi["hoist_pull_pct"] / 100.0
    brake = run.lag(
        "brake", run.ambient_c + 12.0 + 0.32 * effort + 22.0 * worn + 30.0 * oily, 900.0
    )
    gear = 34.0 + 0.45 * run.ambient_c + 0.30 * effort + 42.0 * run.mode("CR-F05") * working
    gearbox = run.lag("gearbox", np.where(working, gear, run.ambient_c), 2400.0)
    stops = run.doing("lift", "lower") * 3.0 / np.maximum(run.length_s, 60.0)
    return {
        "hoist_stick_pct": stick,
        "hoist_speed_mpm": speed,
        "hook_height_m": height + jump + run.white(0.02),
        "hoist_brake_slip_mm": brake_slip_mm(run, heavy),
        "hoist_brake_temp_c": brake + run.white(0.5),
        "hoist_gearbox_temp_c": gearbox + run.white(0.3),
        "hoist_brake_cycles": np.floor(run.count("stops", stops)),
    }


def _winch_life(run: Run, motion: Motion, lmi: Signals) -> Signals:
    """Winch hours, load spectrum and life left by ISO 4301-1 (domain 3.0), 3,200 h at Km 0.125."""
    turning = np.abs(motion.rope_mpm) > 0
    hours = run.count("winch_hours", turning / 3600.0)
    cube = (lmi["hoist_pull_pct"] / 100.0) ** 3
    weighted = run.count("winch_weighted", turning * cube / 3600.0)
    lifting = run.doing("lift") / np.maximum(run.length_s, 60.0)
    lifts = run.count("lifts", lifting)
    left = 100.0 * (1.0 - weighted / 0.125 / 3200.0) - 30.0 * run.mode("CR-F05")
    return {
        "winch_hours_h": hours,
        "winch_km_pct": 100.0 * weighted / np.maximum(hours, 1e-6),
        "winch_life_pct": left,
        "lift_count": np.floor(lifts),
        "hoist_rope_cycles": np.floor(FALLS * lifts),
        "hoist_bend_cycles": np.floor(4.0 * FALLS * lifts),
    }


def _hydraulics(run: Run, motion: Motion, lmi: Signals, demand: Demand) -> Signals:
    moving = (np.abs(motion.rope_mpm) > 0) | (motion.slew_stick > 5)
    press = np.where(moving, 95.0 + 1.9 * lmi["hoist_pull_pct"], 28.0)
    press = np.where(run.doing("setup", "stow"), 150.0 + 60.0 * run.turn[:, 0], press)
    press = np.where(demand.on & ~run.doing("travel"), press + run.white(5.0), 0.0)
    heat = np.where(demand.on, 12.0 + 26.0 * (press / 250.0) + 10.0 * demand.pto, 0.0)
    oil = run.lag("hyd", run.ambient_c + heat * (1.0 + 0.75 * run.mode("CR-F11")), 1800.0)
    slewing = motion.slew_stick > 20
    tight = 1.0 + 0.85 * run.mode("CR-F07")
    return {
        "hyd_press_main_bar": np.maximum(press, 0.0),
        "hyd_press_kpa": 100.0 * np.maximum(press, 0.0),
        "hyd_oil_temp_c": oil + run.white(0.3),
        "hyd_oil_level_pct": 84.0 + run.drift("hydl", 1.2, 7200.0),
        "hyd_filter_sw": np.zeros(len(run)),
        "hyd_pilot_press_bar": np.where(demand.on, 34.5 + run.white(0.6), 0.0),
        "slew_angle_deg": motion.slew_deg + run.white(0.05),
        "slew_stick_pct": motion.slew_stick,
        "slew_press_bar": np.where(slewing, 102.0 * tight + run.white(4.0), 8.0 + run.white(0.5)),
    }


def _outriggers(run: Run, motion: Motion, lmi: Signals, working: Mask) -> Signals:
    state = run.by_regime(
        {"setup": 1.0, "stow": 3.0, "idle": 2.0, "lift": 2.0, "hold": 2.0, "lower": 2.0}
    )
    done = np.clip(run.since_s / np.maximum(run.length_s, 1.0), 0.0, 1.0)
    out = np.select([working, run.doing("setup"), run.doing("stow")], [1.0, done, 1.0 - done], 0.0)
    total = 440.0 + 9.81 * np.maximum(lmi["lmi_load_t"], 0.0)
    signals: Signals = {"out_state": state}
    sunk = run.mode("CR-F12") * np.minimum(run.since_s, 3600.0) / 1200.0
    for number, leg in enumerate(("fl", "fr", "rl", "rr")):
        toward = np.cos(np.radians(motion.slew_deg - (45.0 + 90.0 * number)))
        share = 0.25 + 0.13 * toward * lmi["lmi_moment_pct"] / 100.0
        leak = 1.0 - 0.08 * sunk if leg == "fl" else 1.0
        force = np.where(working, share * total * leak, 0.0)
        signals[f"out_leg_{leg}_kn"] = np.maximum(force + working * run.white(0.8), 0.0)
        signals[f"out_len_{leg}_pct"] = 100.0 * out
    rocking = 0.35 * np.abs(np.sin(np.radians(motion.slew_deg))) + np.abs(run.white(0.12))
    play = run.mode("CR-F07") * rocking
    level = 0.15 + 0.12 * run.job[:, 3] + 0.95 * run.mode("CR-F12") + play
    signals["veh_level_deg"] = np.where(working, level + np.abs(run.white(0.02)), 0.6)
    return signals


def _codes(run: Run, on: Mask) -> list[tuple[FaultCode, Mask]]:
    encoder, cell = run.mode("CR-F13"), run.mode("CR-F09")
    return [
        (FaultCode(spn=520210, fmi=5, sa=0, lamp="warning"), on & (encoder > 0.3)),
        (FaultCode(spn=520208, fmi=20, sa=0, lamp="warning"), on & (cell > 0.8)),
    ]
