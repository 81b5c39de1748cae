"""The asphalt paver: a screed that heats up, material that flows, a mat that is laid (domain 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleet.batch import FloatColumn
from simulators.diesel import Demand, Engine, diesel
from simulators.output import Output, Signals
from simulators.run import Mask, Run
from simulators.screed import GAS, HEATED, generator, screed

ENGINE = Engine(power_kw=180.0)
_WIDTH_M = {"AP6": 5.0, "AP9": 7.5, "AP12G": 10.0}
#: How far the hydraulic oil settles above the air, by regime.
_OIL_LIFT_C = {
    "pave": 36.0,
    "travel_site": 34.0,
    "docking": 30.0,
    "relocate": 30.0,
    "wait_mix": 22.0,
    "preheat": 20.0,
    "clean": 22.0,
    "cool": 14.0,
}


@dataclass(frozen=True)
class _Job:
    """What is being laid: speed in m/min, width in m, thickness in mm, tonnes per hour."""

    paving: Mask
    speed_mpm: FloatColumn
    width_m: FloatColumn
    thick_mm: FloatColumn
    tonnes_per_h: FloatColumn


def paver(run: Run) -> Output:
    """All signals and codes of a stretch of an asphalt paver."""
    # Dust and fumes block cooler and air filter alike, and both heat what the cooler serves.
    clogged = np.maximum(run.mode("DE-F01"), 0.9 * run.mode("PV-F15"))
    dirty = np.maximum(run.mode("DE-F05"), 0.6 * run.mode("PV-F15"))
    run = replace(run, ill={**run.ill, "DE-F01": clogged, "DE-F05": dirty})
    job = _job(run)
    demand = _demand(run, job)
    output = diesel(run, ENGINE, demand)
    output.add(_modes(run))
    output.add(screed(run))
    if run.model not in GAS:
        output.add(generator(run, demand.on))
    output.add(_compaction(run, job))
    output.add(_levelling(run, job))
    output.add(_material(run, job))
    output.add(_mix(run))
    output.add(_traction(run, job, demand.on))
    output.add(_counters(run, job))
    if run.doing("transport").any():
        carried = np.where(run.doing("transport"), 62.0 + run.white(6.0), 0.0)
        output.signals["gps_speed_kmh"] = np.maximum(carried, 0.0)
    return output


def _job(run: Run) -> _Job:
    paving = run.doing("pave")
    speed = np.where(paving, 3.0 + 2.0 * run.job[:, 0], 0.0)
    speed = np.select(
        [run.doing("travel_site"), run.doing("relocate")], [22.0 + 15.0 * run.job[:, 1], 7.0], speed
    )
    width = _WIDTH_M.get(run.model, 7.5) * (0.85 + 0.3 * run.job[:, 2])
    thick = 45.0 + 55.0 * run.job[:, 3]
    tonnes = np.where(paving, 60.0 * speed * width * thick / 1000.0 * 2.35, 0.0)
    return _Job(paving, speed, width, thick, tonnes)


def _demand(run: Run, job: _Job) -> Demand:
    rpm = run.by_regime(
        {"travel_site": 1500.0, "preheat": 1300.0, "wait_mix": 1250.0, "pave": 1800.0,
         "docking": 1600.0, "relocate": 1500.0, "clean": 1200.0, "cool": 800.0}
    )  # fmt: skip
    load = run.by_regime(
        {"travel_site": 42.0, "preheat": 32.0, "wait_mix": 24.0, "docking": 38.0, "relocate": 36.0,
         "clean": 24.0, "cool": 13.0}
    )  # fmt: skip
    load = np.where(job.paving, 46.0 + job.tonnes_per_h / 25.0, load)
    on = ~run.doing("off", "transport")
    return Demand(
        on, rpm, np.minimum(load, 84.0), np.zeros(len(run), dtype=bool), np.zeros(len(run))
    )


def _modes(run: Run) -> Signals:
    return {
        "ctl_mode": run.by_regime(
            {"travel_site": 1.0, "relocate": 2.0, "pave": 3.0, "docking": 3.0, "wait_mix": 3.0,
             "clean": 4.0}
        ),
        "truck_dock": (run.doing("docking") | (run.doing("pave") & (run.turn[:, 0] > 0.2))) * 1.0,
        "scr_heat_on": run.doing(*HEATED).astype(float),
        "lev_auto": run.doing("pave").astype(float),
    }  # fmt: skip


def _compaction(run: Run, job: _Job) -> Signals:
    worn, leak = run.mode("PV-F09"), run.mode("PV-F11")
    tamper = np.where(job.paving, 650.0 + 400.0 * run.job[:, 1], 0.0)
    vibration = np.where(job.paving, 38.0 + 12.0 * run.job[:, 2], 0.0)
    press = np.where(job.paving, 84.0 + 0.035 * tamper, 4.0)
    return {
        "scr_tamper_set_rpm": tamper,
        "scr_tamper_rpm": tamper * (1.0 - 0.20 * worn) * (1.0 + run.white(0.006)),
        "scr_vib_set_hz": vibration,
        "scr_vib_hz": vibration * (1.0 - 0.22 * leak) * (1.0 + run.white(0.005)),
        "scr_tamper_press_bar": press * (1.0 + 0.95 * worn) + run.white(2.0),
        "scr_vib_press_bar": np.where(job.paving, 108.0, 4.0) * (1.0 - 0.3 * leak) + run.white(2.0),
    }


def _levelling(run: Run, job: _Job) -> Signals:
    loose = run.mode("PV-F14")
    swing = run.white(1.0) * np.where(job.paving, 1.1 + 5.5 * loose, 0.2)
    creep = loose * np.where(run.doing("wait_mix"), run.since_s / 60.0, 0.0)
    slope = 30.0 + 20.0 * run.job[:, 0]
    return {
        "scr_width_m": job.width_m,
        "scr_crown_pct": 1.5 * run.job[:, 1],
        "scr_tow_l_mm": slope + 1.2 * swing - 1.5 * creep,
        "scr_tow_r_mm": slope - 0.6 * swing + run.white(0.4),
        "scr_level_dev_mm": swing,
        "mat_thick_set_mm": job.thick_mm,
        "mat_thick_mm": job.thick_mm * (1.0 + run.white(0.010)) + 1.2 * loose * swing,
    }


def _material(run: Run, job: _Job) -> Signals:
    chain, gearbox = run.mode("PV-F05"), run.mode("PV-F06")
    bearing, sonic = run.mode("PV-F07"), run.mode("PV-F08")
    feeding = run.doing("pave")
    idle = run.doing("clean")
    flow = np.where(feeding, np.clip(job.tonnes_per_h / 350.0, 0.4, 1.6), 0.0)
    hunting = 1.6 + 14.0 * sonic + 10.0 * bearing
    signals: Signals = {}
    for side, own in (("l", 1.0), ("r", 0.0)):
        auger = np.where(feeding, 26.0 + 24.0 * flow + run.white(1.0) * hunting, 30.0 * idle)
        conveyor = np.where(feeding, 5.5 + 5.0 * flow, 6.0 * idle)
        slip = 1.0 - 0.32 * chain * own + run.white(0.01)
        press = np.where(feeding, 88.0 + 34.0 * flow, 40.0 * idle + 5.0)
        rough = 4.0 + 30.0 * chain * own
        turning = np.where(feeding, 92.0 + 36.0 * flow, 40.0 * idle + 5.0)
        level = 62.0 + run.drift(f"level_{side}", 3.0, 90.0)
        level = np.clip(level + bearing * run.white(7.0), 46.0, 78.0)
        stuck = (sonic > 0.3) & (own > 0)
        frozen = 47.0 + 3.0 * run.traits.of("stuck_level")
        signals |= {
            f"auger_speed_{side}_rpm": np.maximum(auger, 0.0),
            f"auger_press_{side}_bar": turning * (1.0 + 0.95 * bearing * own) + run.white(3.0),
            f"conv_speed_{side}_mpm": np.maximum(conveyor * slip, 0.0),
            f"conv_press_{side}_bar": press
            * (1.0 + 0.55 * chain * own + 1.05 * gearbox * (1 - own))
            + run.white(1.0) * rough,
            f"mat_level_{side}_pct": np.where(stuck, frozen, np.where(feeding, level, 40.0)),
        }
    signals["auger_height_mm"] = 60.0 + 60.0 * run.job[:, 3]
    return signals


def _mix(run: Run) -> Signals:
    """Mix cools by a third of a degree a minute while the paver waits for the next truck."""
    laying = run.doing("pave", "docking", "wait_mix")
    waiting = np.where(run.doing("wait_mix"), run.since_s / 60.0, 0.0)
    hopper = 147.0 + 11.0 * run.turn[:, 1] - 0.35 * waiting + run.white(0.8)
    cold = run.lag("hopper", np.where(laying, hopper, run.ambient_c + 15.0), 240.0)
    hot = np.where(laying, hopper, cold)
    return {
        "mix_temp_hopper_c": hot,
        "mix_temp_screed_c": np.where(laying, hot - 9.0 + run.white(0.8), cold - 5.0),
        "mix_abrasion_pct": np.array([70.0, 100.0, 140.0])[
            np.minimum((3.0 * run.job[:, 2]).astype(int), 2)
        ],
    }


def _traction(run: Run, job: _Job, on: Mask) -> Signals:
    worn, track = run.mode("PV-F12"), run.mode("PV-F13")
    top = np.where(run.doing("travel_site"), 70.0, 20.0)
    moving = job.speed_mpm > 0
    press = np.where(job.paving, 150.0 + job.tonnes_per_h / 12.0, np.where(moving, 165.0, 30.0))
    press = np.where(on, np.minimum(press, 235.0), 0.0)
    rough = 4.0 + 40.0 * track * moving
    speed = job.speed_mpm * (1.0 - 0.20 * worn) * (1.0 + run.white(0.01))
    lift = run.by_regime(_OIL_LIFT_C)
    lift = lift * (1.0 + 0.35 * worn) + np.where(on, 34.0 * run.mode("PV-F15"), 0.0)
    oil = run.lag("hyd", np.minimum(run.ambient_c, 36.0) + lift, np.where(on, 1900.0, 12000.0))
    split = np.where(on, 36.0 + 0.55 * run.ambient_c + 0.3 * lift, run.ambient_c)
    return {
        "trac_speed_mpm": speed * (1.0 + 0.08 * track * run.white(1.0)),
        "trac_cmd_pct": 100.0 * job.speed_mpm / top,
        "trac_press_l_bar": np.maximum(press * (1.0 + 0.28 * worn + 0.25 * track * moving)
                                       + run.white(1.0) * rough, 0.0),
        "trac_press_r_bar": np.maximum(press + run.white(1.0) * rough, 0.0),
        "hyd_oil_temp_c": oil + run.white(0.3),
        "hyd_oil_level_pct": 86.0 + run.drift("hydl", 1.0, 7200.0),
        "hyd_filter_sw": np.zeros(len(run)),
        "hyd_press_kpa": 100.0 * press,
        "hyd_charge_press_bar": np.where(on, 25.0 - 9.8 * worn + run.white(0.25), 0.0),
        "gear_split_temp_c": run.lag("split", split, 2400.0) + run.white(0.3),
    }  # fmt: skip


def _counters(run: Run, job: _Job) -> Signals:
    docking = run.doing("docking") / run.length_s
    return {
        "hopper_fold_n": np.floor(run.count("folds", 0.8 * docking)),
        "truck_cnt": np.floor(run.count("trucks", docking)),
        "cum_tonnes_t": run.count("tonnes", job.tonnes_per_h / 3600.0),
        "cum_dist_m": run.count("metres", np.where(job.paving, job.speed_mpm / 60.0, 0.0)),
    }
