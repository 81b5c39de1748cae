"""The diesel engine, its chassis and what both say over J1939 (domain 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.batch import FaultCode, FloatColumn
from simulators.output import Output, Signals
from simulators.run import Mask, Run


@dataclass(frozen=True)
class Engine:
    """Size of an engine: power in kW, tanks in litres, idle share of the full load curve."""

    power_kw: float
    fuel_tank_l: float = 400.0
    def_tank_l: float = 60.0


@dataclass(frozen=True)
class Demand:
    """What the machine asks of its engine in every moment: speed, load in % of what it can give,
    whether the power take-off is engaged and whether the work heats the hydraulic oil."""

    on: Mask
    rpm: FloatColumn
    load_pct: FloatColumn
    pto: Mask
    speed_kmh: FloatColumn


def diesel(run: Run, engine: Engine, demand: Demand) -> Output:
    """Signals and trouble codes of engine and chassis, with failures DE-F01 to DE-F12 in them."""
    on = demand.on
    rpm = np.where(on, demand.rpm + run.drift("rpm", 6.0, 40.0) + run.white(5.0), 0.0)
    load = np.clip(demand.load_pct + run.drift("load", 2.0, 120.0) + run.white(1.0), 4.0, 99.0)
    load = np.where(on, load, 0.0)
    output = Output(_engine(run, engine, on, rpm, load), on)
    output.add(_heat(run, on, load))
    output.add(_fluids(run, engine, on, output.signals["eng_fuel_rate_lph"]))
    output.add(_vehicle(run, demand, rpm))
    output.add(_counters(run, demand, output.signals["eng_fuel_rate_lph"]))
    output.codes += _codes(output.signals, on)
    return output


def _engine(run: Run, engine: Engine, on: Mask, rpm: FloatColumn, load: FloatColumn) -> Signals:
    share = load / 100.0
    power = engine.power_kw * share * np.clip(rpm / 1800.0, 0.3, 1.1)
    thirst = run.trait("fuel", 1.0, 0.03)
    fuel = np.where(on, 1.6 + 0.235 * power * thirst + run.white(0.25), 0.0)
    boost = np.maximum(0.0, 215.0 * share**1.2 * np.clip(rpm / 1800.0, 0.3, 1.1))
    leak, dirt = run.mode("DE-F04"), run.mode("DE-F05")
    boost = boost * (1.0 - 0.55 * leak) * (1.0 - 0.2 * dirt)
    boost = run.lag("boost", boost, 3.0) + np.abs(run.white(1.5))
    dust = 0.9 + 1.6 * (run.trait("airfilter", 0.5, 0.4))
    oil = 130.0 + 0.17 * np.minimum(rpm, 2000.0) + run.drift("oilp", 8.0, 900.0)
    oil = oil * (1.0 - 0.8 * run.mode("DE-F02"))
    soot = _regenerating(run, "soot", np.where(on, 0.004 * share, 0.0), 18.0, 78.0)
    starved = run.mode("DE-F06")
    return {
        "eng_speed_rpm": rpm,
        "eng_torque_act_pct": np.clip(load * 0.92 + run.white(1.0), 0.0, 100.0),
        "eng_load_pct": load,
        "eng_fuel_rate_lph": np.maximum(fuel, 0.0),
        "eng_boost_kpa": boost,
        "eng_airfilter_dp_kpa": np.clip(
            dust * (0.5 + 0.9 * share) + 6.0 * dirt + run.white(0.08), 0.3, None
        ),
        "eng_oil_press_kpa": np.clip(oil + run.white(5.0), 0.0, None),
        "eng_crankcase_kpa": 0.25 + 0.6 * share + 5.5 * run.mode("DE-F03") + run.white(0.12),
        "eng_fuel_deliv_kpa": 430.0
        + 0.05 * rpm
        + run.drift("fueld", 12.0, 600.0)
        - 330.0 * starved,
        "eng_fuelfilter_dp_kpa": np.clip(
            run.trait("fuelfilter", 14.0, 0.3) + 10.0 * share + 70.0 * starved + run.white(1.0),
            2.0,
            None,
        ),
        "eng_exhaust_c": run.lag(
            "exhaust", np.where(on, 170.0 + 270.0 * share + 330.0 * leak, 40.0), 45.0
        )
        + run.white(4.0),
        "eng_intake_c": run.lag("intake", run.ambient_c + 10.0 + 24.0 * share, 60.0),
        "eng_wif": (starved > 0.5).astype(float),
        "aft_dpf_dp_kpa": np.clip(
            1.3 + 5.0 * share + 17.0 * run.mode("DE-F12") + run.white(0.2), 1.0, None
        ),
        "aft_dpf_soot_pct": soot + 105.0 * run.mode("DE-F12"),
    }


def _heat(run: Run, on: Mask, load: FloatColumn) -> Signals:
    still = run.mode("DE-F07") > 0.3
    loss = np.maximum(run.mode("DE-F01"), 0.8 * still)
    thermostat = 84.0 + 5.0 * load / 100.0
    radiator = run.ambient_c + 26.0 + 24.0 * load / 100.0 + 62.0 * loss
    target = np.where(on, np.maximum(thermostat, radiator), run.ambient_c)
    coolant = run.lag("coolant", target, np.where(on, 420.0, 7200.0), 60.0)
    oil = run.lag("oil", np.where(on, coolant + 4.0 + 14.0 * load / 100.0, run.ambient_c), 300.0)
    fan = np.clip(20.0 + 6.0 * (coolant - 84.0), 10.0, 100.0)
    return {
        "eng_coolant_c": coolant + run.white(0.3),
        "eng_oil_temp_c": oil + run.white(0.4),
        "eng_fuel_temp_c": run.lag("fuelt", run.ambient_c + np.where(on, 16.0, 0.0), 2400.0),
        "fan_speed_pct": fan,
        "fan_state": np.where(fan > 30.0, 4.0, 1.0),
        "fan_rpm": np.where(still, 0.0, 28.0 * fan + run.white(8.0)),
    }


def _fluids(run: Run, engine: Engine, on: Mask, fuel_lph: FloatColumn) -> Signals:
    used = run.count("fuel_used", fuel_lph / 3600.0)
    urea = run.count("def_used", 0.045 * fuel_lph / 3600.0)
    slosh = np.where(on, run.white(1.2), 0.0)
    # Fuel is stolen, or a line bursts, while nobody is there; it is gone from then on.
    robbed = np.where(on | (run.since_s < 400.0), 1e15, 60.0)
    slosh = slosh - run.lag("stolen", 30.0 * run.mode("DE-F08"), robbed, 0.0)
    return {
        "veh_fuel_pct": np.clip(_tank(run, "tank", used, engine.fuel_tank_l) + slosh, 0.0, 100.0),
        "aft_def_pct": np.clip(_tank(run, "urea", urea, engine.def_tank_l), 18.0, 100.0),
        "aft_def_temp_c": run.lag(
            "deft", np.maximum(run.ambient_c + np.where(on, 12.0, 2.0), 0.0), 3600.0
        ),
        "aft_def_conc_pct": 32.5 + run.drift("defc", 0.25, 86400.0) - 5.5 * run.mode("DE-F11"),
        "eng_oil_level_pct": np.clip(
            run.trait("oillevel", 78.0, 0.08) + run.drift("oill", 1.5, 86400.0), 45.0, 98.0
        ),
        "eng_coolant_level_pct": np.clip(
            run.trait("coolantlevel", 85.0, 0.05) + run.drift("cooll", 1.0, 86400.0), 65.0, 99.0
        ),
    }


def _tank(run: Run, name: str, used_l: FloatColumn, tank_l: float) -> FloatColumn:
    """Level in %: emptied to 24 %, then filled up again."""
    usable = 0.72 * tank_l
    offset = (0.5 + 0.18 * run.traits.of(name)) * usable
    return 96.0 - 100.0 * np.mod(used_l + offset, usable) / tank_l


def _regenerating(run: Run, name: str, per_s: FloatColumn, low: float, high: float) -> FloatColumn:
    total = run.count(name, per_s)
    return low + np.mod(total + 20.0 * (1.0 + run.traits.of(name)), high - low)


def _vehicle(run: Run, demand: Demand, rpm: FloatColumn) -> Signals:
    on = demand.on
    volts = np.where(on, run.trait("alternator", 27.9, 0.006), run.trait("battery", 25.3, 0.008))
    volts = volts - np.where(on, 3.6 * run.mode("DE-F10"), 3.4 * run.mode("DE-F09"))
    moving = demand.speed_kmh > 0
    speed = np.where(moving, np.clip(demand.speed_kmh + run.white(4.0), 4.0, 88.0), 0.0)
    return {
        "veh_batt_v": volts + run.white(0.05),
        "veh_alt_v": np.where(on, volts + 0.1 + run.white(0.05), 0.0),
        "veh_speed_kmh": speed,
        "veh_park_brake": np.where(moving, 0.0, 1.0),
        "gps_speed_kmh": np.where(moving, np.maximum(speed + run.white(0.5), 0.0), 0.0),
        "gps_heading_deg": np.mod(360.0 * run.turn[:, 0] + run.white(2.0), 360.0),
        "pto_state": np.where(demand.pto & on, 5.0, 0.0),
    }


def _counters(run: Run, demand: Demand, fuel_lph: FloatColumn) -> Signals:
    per_hour = 1.0 / 3600.0
    return {
        "eng_hours_h": run.count("hours", demand.on * per_hour),
        "eng_idle_hours_h": run.count("idle_hours", (demand.on & (demand.rpm < 1000.0)) * per_hour),
        "eng_pto_hours_h": run.count("pto_hours", (demand.on & demand.pto) * per_hour),
        "eng_fuel_total_l": run.count("fuel_total", fuel_lph * per_hour),
        "veh_odo_km": run.count("odometer", demand.speed_kmh * per_hour),
    }


def _codes(signals: Signals, on: Mask) -> list[tuple[FaultCode, Mask]]:
    coolant, oil = signals["eng_coolant_c"], signals["eng_oil_press_kpa"]
    return [
        (FaultCode(spn=110, fmi=16, sa=0, lamp="warning"), on & (coolant > 104.0)),
        (FaultCode(spn=110, fmi=0, sa=0, lamp="stop"), on & (coolant > 108.0)),
        (FaultCode(spn=100, fmi=1, sa=0, lamp="stop"), on & (oil < 90.0)),
        (FaultCode(spn=168, fmi=17, sa=0, lamp="warning"), on & (signals["veh_batt_v"] < 23.0)),
    ]
