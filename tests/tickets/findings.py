"""Findings for the tests of tickets."""

from __future__ import annotations

from typing import Any

from fleet.finding import Finding
from fleet.text import Text

NOW = 1_790_000_000_000


def finding(source: str = "overpressure", **changed: Any) -> Finding:
    """An alarm of severity 3 on machine 1; `changed` says what is different."""
    fields: dict[str, Any] = {
        "machine_id": 1,
        "kind": "alarm",
        "source": source,
        "component": "pump",
        "severity": 3,
        "happened_at": NOW - 60_000,
        "title": Text(en=source, zh=f"{source}报警"),
        "reason": Text(en="above 300 bar", zh="高于300巴"),
        "evidence": {"value": 310},
        "failure_modes": ("F1", "F2"),
    }
    return Finding(**(fields | changed))
