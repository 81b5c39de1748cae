"""Illnesses on cue, so that whoever watches sees one come within a minute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.illness import DETECTABLE, Illness


@dataclass(frozen=True, slots=True)
class Cue:
    """A failure that shows quickly. `regime` is what the machine is kept in so that it shows
    (None: any work); `slow_heat` says that the sign is a temperature, which is then hurried."""

    mode: str
    regime: str | None = None
    slow_heat: bool = False


CUES: dict[str, tuple[Cue, ...]] = {
    "concrete_boom_pump": (
        Cue("CP-F06", "pump", slow_heat=True),
        Cue("CP-F03", "pump"),
        Cue("CP-F13", "pump"),
    ),
    "truck_crane": (Cue("CR-F02"), Cue("CR-F12", "hold"), Cue("CR-F13")),
    "asphalt_paver": (Cue("PV-F01", "pave", slow_heat=True), Cue("PV-F06", "pave")),
    "tower_crane": (Cue("CR-F15"), Cue("CR-F02"), Cue("CR-F14")),
    "trailer_pump": (Cue("CP-F10", "pump"), Cue("CP-F03", "pump"), Cue("CP-F13", "pump")),
}
#: The first to fall ill, product and seconds after the start.
OPENING: tuple[tuple[str, float], ...] = (
    ("concrete_boom_pump", 6.0),
    ("truck_crane", 15.0),
    ("asphalt_paver", 30.0),
)


def scripted(mode: str, at_ms: int, grow_s: float, last_s: float) -> Illness:
    """An illness that fails `grow_s` seconds after `at_ms` and is over `last_s` later."""
    return Illness(
        mode=mode,
        onset_ms=at_ms,
        lead_h=grow_s / 3600.0,
        repair_at=np.inf,
        sudden=False,
        by_clock=True,
        repair_ms=at_ms + round(1000 * (grow_s + last_s)),
        grown=DETECTABLE,
    )
