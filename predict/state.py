"""Use of a machine as JSON, for the row that keeps it between two batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from predict.counters import Counter
from predict.usage import MachineUsage


def to_json(state: MachineUsage) -> dict[str, Any]:
    """The state as JSON values; `from_json` gives it back exactly."""
    return {
        **asdict(state),
        "counters": {
            name: [c.value, c.at] if c.jump is None else [c.value, c.at, c.jump, c.jump_at]
            for name, c in state.counters.items()
        },
        "last": {name: list(pair) for name, pair in state.last.items()},
        "shown": {part: list(day) for part, day in state.shown.items()},
    }


def from_json(data: Mapping[str, Any]) -> MachineUsage:
    """The state written by `to_json`."""
    return MachineUsage(
        **{
            **data,
            "counters": {name: Counter(*values) for name, values in data["counters"].items()},
            "last": {name: (value, at) for name, (value, at) in data["last"].items()},
            "shown": {part: tuple(day) for part, day in data.get("shown", {}).items()},
        }
    )
