"""The tower crane: electric hoist, a mast that leans, a jib that must turn with the wind when
nobody is there (domain 3)."""

from __future__ import annotations

import numpy as np

from fleet.batch import FaultCode, FloatColumn
from simulators.crane_faults import brake_slip_mm, load_sinks_m, stuck_limits
from simulators.output import Output, Signals
from simulators.run import Mask, Run
from simulators.tower_lift import FALLS, SIZES, Lift, Size, lift_of
from simulators.weather import STRONG_WIND_MS

_WORK = ("ready", "lift_loaded", "lift_empty", "slew", "trolley", "hold")


def tower_crane(run: Run) -> Output:
    """All signals and codes of a stretch of a tower crane."""
    size = SIZES.get(run.model, SIZES["TT6"])
    stopped = run.doing(*_WORK) & (run.wind_ms >= STRONG_WIND_MS)
    lift = lift_of(run, size, stopped)
    output = Output(_limiter(run, size, lift), ~run.doing("off"))
    output.add(_hoist(run, size, lift))
    output.add(_slewing(run, size, lift))
    output.add(_structure(run, lift))
    output.add(_supply(run, lift, output.signals["hoist_current_a"]))
    output.add(_counters(run, lift))
    output.codes += _codes(run, lift)
    return output


def _limiter(run: Run, size: Size, lift: Lift) -> Signals:
    drift, broken = run.mode("CR-F09"), run.mode("CR-F13")
    jump = broken * (run.rng.random(len(run)) < 0.2) * 110.0
    jump = jump + run.mode("CR-F04") * (run.rng.random(len(run)) < 0.15) * 60.0 * (
        lift.rope_mpm < 0
    )
    offset = 0.06 * size.max_t * drift
    working = run.doing(*_WORK)
    height = lift.height_m - load_sinks_m(run) + jump + run.white(0.02)
    zeros = np.zeros(len(run))
    return {
        "ctl_mode": run.by_regime({"off": 0.0, "weathervane": 2.0, "climb": 3.0}, 1.0),
        "lmi_load_t": lift.load_t + offset + run.white(0.004),
        "lmi_rated_t": lift.rated_t,
        "lmi_moment_pct": np.clip(
            lift.moment_pct * (1.0 + 0.06 * drift) + 6.0 * drift + run.white(0.4), 0.0, 150.0
        ),
        "lmi_radius_m": lift.radius_m + run.white(0.03),
        "boom_angle_deg": (
            np.degrees(np.arccos(np.clip(lift.radius_m / 58.0, 0.0, 1.0)))
            - 1.2 * run.mode("CR-F10") * np.where(run.doing("hold"), run.since_s, 0.0) / 600.0
            + run.white(0.02)
            if size.luffing else zeros + run.white(0.02)
        ),
        "hook_height_m": height,
        "coll_dist_m": 25.0 + 60.0 * run.job[:, 3] + run.white(0.3),
        "coll_zone": zeros,
        **stuck_limits(run, working),
    }  # fmt: skip


def _hoist(run: Run, size: Size, lift: Lift) -> Signals:
    moving = lift.hertz > 1.0
    pull = 100.0 * lift.load_t / size.max_t + 3.0
    uneven = run.mode("CR-F04") * (lift.rope_mpm < 0)
    worn, oily, hot = run.mode("CR-F01"), run.mode("CR-F02"), run.mode("CR-F06")
    effort = np.where(moving, 0.30 + 0.0050 * pull, 0.0)
    current = size.hoist_a * effort * (1.0 + 0.35 * oily + 0.25 * hot) * (1.0 + run.white(0.02))
    motor = run.ambient_c + np.where(run.doing(*_WORK), 14.0 + 48.0 * effort + 92.0 * hot, 0.0)
    brake = run.ambient_c + 8.0 + 26.0 * effort + 20.0 * worn + 30.0 * oily
    gearbox = 26.0 + 0.45 * run.ambient_c + 22.0 * effort + 45.0 * run.mode("CR-F05")
    gearbox = np.where(run.doing(*_WORK), gearbox, run.ambient_c)
    heavy = 0.55 + 0.6 * run.job[:, 0]
    vibration = run.trait("vibration", 1.9, 0.08) + 0.4 * effort + 6.0 * run.mode("CR-F05")
    return {
        "hoist_current_a": np.maximum(current, 0.0),
        "hoist_freq_hz": lift.hertz,
        "hoist_speed_mpm": lift.rope_mpm * (1.0 + run.white(0.006)),
        "hoist_pull_pct": np.clip(
            pull + run.white(0.5) + 26.0 * uneven * run.white(1.0), 0.0, 150.0
        ),
        "hoist_falls": np.full(len(run), FALLS),
        "hoist_motor_temp_c": run.lag("motor", motor, 1500.0) + run.white(0.4),
        "hoist_brake_temp_c": run.lag("brake", brake, 900.0) + run.white(0.4),
        "hoist_brake_slip_mm": brake_slip_mm(run, heavy),
        "hoist_gearbox_temp_c": run.lag("gearbox", gearbox, 2700.0) + run.white(0.3),
        "hoist_vib_mms": np.where(moving, vibration + np.abs(run.white(0.1)), 0.3),
        "env_wind_ms": np.maximum(run.wind_ms + run.white(0.35), 0.0),
    }


def _slewing(run: Run, size: Size, lift: Lift) -> Signals:
    tight = 1.0 + 1.3 * run.mode("CR-F07")
    slew = size.slew_a * (0.42 + 0.012 * run.wind_ms) * tight
    vane = run.doing("weathervane")
    blocked = (run.mode("CR-F08") > 0.3) & vane
    free = run.drift("vane", 28.0, 2400.0) + 6.0 * run.drift("sway", 1.0, 120.0)
    angle = lift.slew_deg + np.where(vane & ~blocked, free, 0.0)
    gust = run.lag("gust", np.where(vane, 1.35 * run.wind_ms, 0.0), np.where(vane, 600.0, 1.0), 0.0)
    return {
        "slew_angle_deg": angle + run.white(0.05),
        "slew_current_a": np.where(lift.slewing, np.maximum(slew + run.white(0.3), 2.5), 0.0),
        "slew_brake": np.where(vane, blocked.astype(float), np.where(lift.slewing, 0.0, 1.0)),
        "trolley_current_a": np.where(lift.trolleying, size.trolley_a * 0.42 + run.white(0.1), 0.0),
        "env_wind_oos_ms": gust,
    }


def _structure(run: Run, lift: Lift) -> Signals:
    loose = run.mode("CR-F14")
    bend = 0.26 * lift.moment_pct / 100.0 * (1.0 + 1.6 * loose) + 0.004 * run.wind_ms
    heading = np.radians(lift.slew_deg)
    rock = 0.02 + 0.25 * run.mode("CR-F07")
    lean_x, lean_y = 0.05 * run.traits.of("lean_x"), 0.05 * run.traits.of("lean_y")
    return {
        "mast_tilt_x_deg": lean_x
        + 0.32 * loose
        + bend * np.cos(heading)
        + run.white(1.0) * rock * 0.4,
        "mast_tilt_y_deg": lean_y
        + 0.10 * loose
        + bend * np.sin(heading)
        + run.white(1.0) * rock * 0.4,
    }


def _supply(run: Run, lift: Lift, current: FloatColumn) -> Signals:
    weak = run.mode("CR-F15")
    on = ~run.doing("off")
    base = 392.0 + run.drift("grid", 2.5, 7200.0) - 0.06 * current
    trips = run.mode("CR-F06") * 0.9 + weak * 0.5
    result: Signals = {
        "hoist_vfd_trips": np.floor(
            run.count("trips", np.where(run.doing(*_WORK), trips / 3600.0, 0.0))
        )
    }
    for number, loss in enumerate((0.0, 1.0, 0.2), start=1):
        sag = loss * weak * (34.0 + 0.55 * current)
        result[f"power_volt_l{number}_v"] = np.where(on, base - sag + run.white(0.7), 0.0)
    return result


def _counters(run: Run, lift: Lift) -> Signals:
    lifting = run.doing("lift_loaded") & (lift.hertz > 1.0)
    lifts = run.count("lifts", lifting / run.length_s)
    stops = run.count("stops", run.doing("lift_loaded", "lift_empty") * 2.5 / run.length_s)
    return {
        "lift_count": np.floor(lifts),
        "op_hours_h": run.count("hours", run.doing(*_WORK) / 3600.0),
        "hoist_brake_cycles": np.floor(stops),
        "hoist_rope_cycles": np.floor(FALLS * lifts),
        "hoist_bend_cycles": np.floor(3.0 * FALLS * lifts),
        "trolley_travel_km": run.count("trolley", lift.trolleying * 0.6 / 1000.0),
    }


def _codes(run: Run, lift: Lift) -> list[tuple[FaultCode, Mask]]:
    working = run.doing(*_WORK)
    hot, weak = run.mode("CR-F06"), run.mode("CR-F15")
    cell, encoder = run.mode("CR-F09"), run.mode("CR-F13")
    return [
        (FaultCode(code="VFD-OH"), working & (hot > 0.75)),
        (FaultCode(code="VFD-UV"), working & (weak > 0.8)),
        (FaultCode(code="SM-LOAD"), working & (cell > 0.85)),
        (FaultCode(code="SM-HEIGHT"), working & (encoder > 0.3)),
    ]
