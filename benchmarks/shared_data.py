"""Where the public data sets lie that benchmarks read; none of them is part of the project."""

from __future__ import annotations

import os
from pathlib import Path

from fleet.errors import IronpulseError

VARIABLE = "IRONPULSE_SHARED_DATA"
ROOT = Path(__file__).parents[1]


def shared_data(name: str) -> Path:
    """The folder or file `name` of the shared data; raises IronpulseError where it is absent."""
    folder = Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data")
    path = folder / name
    if not path.exists():
        raise IronpulseError(
            f"{path} is absent, so nothing was measured: set {VARIABLE} to the folder of the "
            "public data sets."
        )
    return path
