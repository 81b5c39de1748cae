"""Heating of a paver's screed: zones that warm up, the generator that feeds them (domain 4)."""

from __future__ import annotations

import numpy as np

from simulators.output import Signals
from simulators.run import Mask, Run

#: Models with a gas-heated screed: no generator, no rods.
GAS = ("AP12G",)
#: Regimes in which the screed is heated.
HEATED = ("preheat", "wait_mix", "pave", "docking", "relocate")
_ZONES = range(1, 9)


def screed(run: Run) -> Signals:
    """Temperatures of the zones and, with electric heating, the currents of their rods."""
    heated = run.doing(*HEATED)
    rods, burner = run.mode("PV-F01"), run.mode("PV-F04")
    signals: Signals = {}
    goal = np.where(run.doing("pave"), 128.0, 124.0)
    for zone in _ZONES:
        own = 1.6 * run.traits.of(f"zone{zone}")
        loss = 52.0 * rods if zone == 4 else 44.0 * burner if zone <= 4 else 0.0 * rods
        slow = 1.0 + 0.6 * rods * (zone == 4) + 0.7 * burner
        target = np.where(heated, goal + own - loss, run.ambient_c)
        tau_s = np.where(heated, 880.0 * slow, 5400.0)
        heat = run.lag(f"zone{zone}", target, tau_s, float(run.ambient_c[0]))
        signals[f"scr_temp_z{zone}_c"] = heat + run.white(0.4)
        if run.model in GAS:
            continue
        left = 1.0 - (0.30 * (rods > 0.1) + 0.32 * (rods > 0.7)) * (zone == 4)
        current = run.trait(f"rods{zone}", 21.0, 0.012) * left + run.white(0.15)
        signals[f"scr_heat_current_z{zone}_a"] = np.where(heated, current, 0.0)
    return signals


def generator(run: Run, on: Mask) -> Signals:
    """The generator of an electrically heated screed."""
    bad, wet = run.mode("PV-F03"), run.mode("PV-F02")
    heated = run.doing(*HEATED)
    load = np.where(heated, 1.0, 0.2)
    dips = bad * np.abs(run.white(38.0)) + wet * heated * np.abs(run.white(7.0))
    warm = run.ambient_c + np.where(on, 18.0 + 38.0 * load + 95.0 * bad, 0.0)
    trips = np.where(heated, 3.0 * wet / 3600.0, 0.0)
    return {
        "gen_volt_v": np.where(on, 399.0 - 3.0 * load + run.white(1.2) - dips - 22.0 * bad, 0.0),
        "gen_freq_hz": np.where(on, 50.1 - 0.15 * load - 4.5 * bad + run.white(0.08), 0.0),
        "gen_temp_c": run.lag("generator", warm, 1500.0) + run.white(0.4),
        "gen_leak_trips": np.floor(run.count("leaks", trips)),
    }
