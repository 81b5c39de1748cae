"""What all concrete pumps have: S-valve, counters, oil that heats up, agitator (domain 2)."""

from __future__ import annotations

import numpy as np

from fleet.batch import FaultCode
from simulators.diesel import Demand, diesel
from simulators.output import Output, Signals
from simulators.run import Mask, Run, held
from simulators.stroke import Hydraulics, Stroke
from simulators.stroke import stroke as pumping


def pump(run: Run, size: Hydraulics) -> Output:
    """The signals and codes that all concrete pumps have."""
    stroke = pumping(run, size)
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


def _demand(run: Run, size: Hydraulics, stroke: Stroke) -> Demand:
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


def _valve(run: Run, stroke: Stroke) -> Signals:
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


def _volume(run: Run, stroke: Stroke) -> Signals:
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


def _oil(run: Run, stroke: Stroke, on: Mask) -> Signals:
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


def _agitator(run: Run, on: Mask, stroke: Stroke) -> Signals:
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


def _sensors(run: Run, signals: Signals, stroke: Stroke) -> Signals:
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
