"""Concrete pumps: strokes, pressures, the S-valve, oil that heats up (domain 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FaultCode, FloatColumn
from simulators.diesel import Demand, Engine, diesel
from simulators.output import Output, Signals
from simulators.run import Mask, Run, held

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


BOOM = Hydraulics(26.0, 1550.0, (70.0, 175.0), Engine(310.0), 1.18)
TRAILER = Hydraulics(26.0, 2050.0, (80.0, 185.0), Engine(130.0, 300.0, 40.0), 0.95)

#: Electric models of the trailer pump, motor power in kW.
ELECTRIC_KW: dict[str, float] = {"TP60E": 90.0, "TP80E": 132.0}
_DIESEL_ONLY = ("eng_", "aft_", "fan_", "veh_fuel", "veh_alt")


@dataclass(frozen=True)
class _Stroke:
    """The pumping of a stretch: notch, direction (0 stopped, 1 forward, 2 reverse), strokes per
    minute, volume in m3/h, main pressure in bar, hydraulic power in kW."""

    notch: FloatColumn
    direction: FloatColumn
    spm: FloatColumn
    m3_per_h: FloatColumn
    press: FloatColumn
    power_kw: FloatColumn


def boom_pump(run: Run) -> Output:
    """All signals and codes of a stretch of a truck-mounted boom pump."""
    output = _pump(run, BOOM)
    output.add(_boom(run, output.signals))
    output.add(_outriggers(run, output.signals))
    return output


def trailer_pump(run: Run) -> Output:
    """All signals and codes of a stretch of a trailer pump, diesel or electric by its model."""
    output = _pump(run, TRAILER)
    on = ~run.doing("off")
    output.signals["op_hours_h"] = run.count("op_hours", on / 3600.0)
    output.signals["cable_tamper"] = np.zeros(len(run))
    if run.model not in ELECTRIC_KW:
        return output
    for key in list(output.signals):
        if key.startswith(_DIESEL_ONLY):
            del output.signals[key]
    output.add(_motor(run, on, output.signals["pump_press_main_bar"]))
    return output


def _motor(run: Run, on: Mask, press: FloatColumn) -> Signals:
    """An electric drive: current follows the pressure, the supply sags with it (CPT-F01)."""
    rated = 1.9 * ELECTRIC_KW[run.model]
    share = np.where(
        run.doing("pump", "prime", "reverse", "blocked", "clean"), 0.30 + 0.0017 * press, 0.26
    )
    bad = run.mode("CPT-F01")
    current = rated * share * (1.0 + 0.85 * bad) + run.white(1.5)
    stuck = run.mode("CPT-F02") > 0.3
    return {
        "mot_current_a": np.where(on, np.maximum(current, 8.0), 0.0),
        "mot_volt_v": 391.0 - np.where(on, 12.0 * share + 62.0 * bad, 0.0) + run.white(1.2),
        "mot_start_state": np.where(on, np.where(stuck, 1.0, 2.0), 0.0),
    }


def _pump(run: Run, size: Hydraulics) -> Output:
    stroke = _stroke(run, size)
    demand = _demand(run, size, stroke)
    output = diesel(run, size.engine, demand)
    output.add(_valve(run, stroke))
    output.add(_volume(run, stroke))
    output.add(_oil(run, stroke, demand.on))
    output.add(_agitator(run, demand.on, stroke))
    output.add(_service(run, demand.on))
    output.add(_sensors(run, output.signals, stroke))
    output.signals["pump_main_speed_rpm"] = np.where(
        demand.pto, size.pump_ratio * output.signals["eng_speed_rpm"], 0.0
    )
    output.codes += _codes(run, output.signals, demand)
    return output


def _demand(run: Run, size: Hydraulics, stroke: _Stroke) -> Demand:
    busy = run.doing("prime", "pump", "reverse", "blocked", "clean")
    rpm = run.by_regime({"travel": 1450.0, "setup": 1150.0, "fold": 1150.0, "idle_wait": 820.0})
    rpm = np.where(busy, size.work_rpm - 60.0 + 120.0 * run.job[:, 0], rpm)
    load = run.by_regime({"travel": 55.0, "setup": 32.0, "fold": 32.0, "idle_wait": 14.0})
    work = 18.0 + 100.0 * stroke.power_kw / (0.75 * size.engine.power_kw)
    load = np.where(busy, np.clip(work, 18.0, 86.0), load)
    travel = run.doing("travel")
    on = ~run.doing("off")
    speed = np.where(travel, 30.0 + 45.0 * run.turn[:, 0], 0.0)
    return Demand(on, rpm, load, on & ~travel, speed)


def _stroke(run: Run, size: Hydraulics) -> _Stroke:
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
    return _Stroke(notch, direction, np.where(notch > 0, spm, 0.0), volume, press, power)


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


def _valve(run: Run, stroke: _Stroke) -> Signals:
    loss, slow = run.mode("CP-F03"), run.mode("CP-F04")
    working = stroke.spm > 0.5
    hot = np.clip((run.state.get("hyd", 40.0) - 20.0) / 40.0, 0.3, 1.0)
    dist = 174.0 + run.white(2.5) + loss * run.white(11.0) - 14.0 * loss
    dist = dist + 34.0 * run.mode("CP-F02")
    swing = run.trait("swing", 228.0, 0.04) + 140.0 * loss + 330.0 * slow * hot + run.white(5.0)
    time = 60000.0 / np.maximum(stroke.spm, 3.0)
    side = run.trait("side", 0.0, 0.0) + 0.006 * run.traits.of("asymmetry")
    skew = side + 0.16 * run.mode("CP-F01") + run.white(0.004)
    powered = ~run.doing("off", "travel")
    return {
        "pump_press_main_bar": stroke.press,
        "hyd_press_kpa": 100.0 * stroke.press,
        "pump_press_dist_bar": np.where(powered, np.where(working, dist, 165.0), 0.0),
        "accu_press_min_bar": np.where(
            powered, np.where(working, 124.0 - 42.0 * loss + run.white(1.5), 150.0), np.nan
        ),
        "accu_precharge_bar": run.trait("precharge", 85.0, 0.02) - 28.0 * loss + run.white(0.3),
        "svalve_swing_time_ms": np.where(working, swing, np.nan),
        "pump_stroke_rate_spm": stroke.spm,
        "pump_stroke_time_l_ms": np.where(working, time * (1.0 + skew / 2), np.nan),
        "pump_stroke_time_r_ms": np.where(working, time * (1.0 - skew / 2), np.nan),
        "pump_flow_notch": stroke.notch,
        "pump_dir": stroke.direction,
        "pump_high_press_sw": np.where(run.job[:, 2] > 0.85, 1.0, 0.0),
    }


def _volume(run: Run, stroke: _Stroke) -> Signals:
    volume = run.count("volume", stroke.m3_per_h / 3600.0)
    priming = run.doing("prime")
    was = np.concatenate(([run.state.get("priming", 0.0) > 0], priming[:-1]))
    run.state["priming"] = float(priming[-1])
    base = held(volume, priming & ~was, run.state.get("job_base", volume[0]))
    run.state["job_base"] = float(base[-1])
    forward = (stroke.spm > 0.5) & ~run.doing("clean")
    return {
        "pump_volume_m3": volume,
        "pump_job_m3": np.minimum(volume - base, 4900.0),
        "pump_strokes": np.floor(run.count("strokes", stroke.spm / 60.0)),
        "pump_hours_h": run.count("pump_hours", forward / 3600.0),
    }


def _oil(run: Run, stroke: _Stroke, on: Mask) -> Signals:
    worn, fouled = run.mode("CP-F05"), run.mode("CP-F06")
    lift = np.where(on, 9.0 + 31.0 * np.clip(stroke.power_kw / 105.0, 0.0, 1.0), 0.0)
    lift = np.where(run.doing("travel"), 4.0, lift)
    # The tank's thermostat and the fan hold the oil back on hot days, domain: at most 75 °C.
    air = np.minimum(run.ambient_c, 34.0)
    target = (
        air + lift * (1.0 + 0.3 * worn) + np.where(stroke.spm > 0.5, 62.0 * fouled, 30.0 * fouled)
    )
    oil = run.lag("hyd", np.minimum(target, 104.0), np.where(on, 1900.0, 14000.0))
    clogged = run.mode("CP-F07")
    flow = np.clip(stroke.spm / 15.0, 0.15, 1.3)
    back = np.where(on, 0.5 + 1.1 * flow + 3.0 * clogged * np.maximum(flow, 0.6), 0.0)
    drain = run.trait("drain", 9.5, 0.05) + 14.0 * worn + run.white(0.25)
    return {
        "hyd_oil_temp_c": oil + run.white(0.25),
        "hyd_oil_level_pct": 84.0 + run.drift("hydl", 1.2, 7200.0),
        "hyd_return_press_bar": np.maximum(back + run.white(0.05), 0.0),
        "hyd_suction_vac_bar": np.where(on, 0.08 + 0.07 * flow + np.abs(run.white(0.008)), 0.0),
        "hyd_filter_sw": (on & (clogged > 0.55) & (oil > 40.0)).astype(float),
        "pump_case_drain_pct": np.where(stroke.spm > 0.5, drain, np.nan),
        "pump_disp_current_ma": np.where(
            run.mode("CP-F13") > 0.3,
            6.0,
            np.where(stroke.notch > 0, 150.0 + 48.0 * stroke.notch, 0.0),
        )
        + np.abs(run.white(1.5)),
    }


def _agitator(run: Run, on: Mask, stroke: _Stroke) -> Signals:
    jam = run.mode("CP-F10")
    turning = run.doing("prime", "pump", "reverse", "blocked", "idle_wait")
    press = 62.0 + 22.0 * run.job[:, 3] + run.white(3.0)
    trips = jam * run.rng.random(len(run)) > 0.45
    press = press * (1.0 + 0.9 * jam) + np.where(trips, 22.0, 0.0)
    speed = run.trait("agitator", 20.5, 0.03) * (1.0 - 0.55 * jam) + run.white(0.3)
    return {
        "agit_press_bar": np.where(turning, press, np.where(on, 4.0, 0.0)),
        "agit_speed_rpm": np.where(turning, speed, 0.0),
        "agit_overpress_sw": (turning & trips).astype(float),
        "water_pump_on": run.doing("clean").astype(float),
        "waterbox_temp_c": run.lag(
            "waterbox", run.ambient_c + np.where(stroke.spm > 0.5, 9.0, 2.0), 2400.0
        ),
        "waterbox_turbid": (run.mode("CP-F01") > 0.45).astype(float),
    }


def _service(run: Run, on: Mask) -> Signals:
    cycle = np.mod(run.at_ms / 1000.0, 1200.0) < 120.0
    return {
        "lube_press_bar": np.where(on & cycle, 185.0 + run.white(8.0), np.where(on, 22.0, 0.0)),
        "lube_cycles": np.floor(run.count("lube", np.where(on, 1.0 / 1200.0, 0.0))),
        "lube_missed": np.zeros(len(run)),
        "elec_estop": np.zeros(len(run)),
        "remote_rssi_dbm": np.where(on, -66.0 + run.white(4.0), np.nan),
    }


def _sensors(run: Run, signals: Signals, stroke: _Stroke) -> Signals:
    """A proximity switch that misses its edge, a pressure sensor that sticks (CP-F14)."""
    broken = run.mode("CP-F14")
    if not broken.any():
        return {}
    missed = broken * (run.rng.random(len(run)) < 0.6)
    stuck = 150.0 + 20.0 * run.traits.of("stuck")
    return {
        "pump_stroke_time_l_ms": signals["pump_stroke_time_l_ms"] * (1.0 + 0.8 * missed),
        "pump_press_main_bar": np.where(broken > 0.3, stuck, signals["pump_press_main_bar"]),
    }


def _codes(run: Run, signals: Signals, demand: Demand) -> list[tuple[FaultCode, Mask]]:
    valve, sensor = run.mode("CP-F13"), run.mode("CP-F14")
    oil = signals["hyd_oil_temp_c"]
    return [
        (FaultCode(spn=520192, fmi=5, sa=0, lamp="warning"), demand.pto & (valve > 0.3)),
        (FaultCode(spn=520195, fmi=2, sa=0, lamp="warning"), demand.pto & (sensor > 0.3)),
        (FaultCode(spn=1638, fmi=16, sa=0, lamp="warning"), demand.pto & (oil > 85.0)),
        (FaultCode(spn=1638, fmi=0, sa=0, lamp="protect"), demand.pto & (oil > 92.0)),
    ]


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
