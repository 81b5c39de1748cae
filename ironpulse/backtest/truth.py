"""Known faults: from a file of them, or from what technicians found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleet.plan import ProductPlan
from ironpulse.backtest.rows import moment_of, read_at, rows_of
from rules.backtest.known_faults import FORESIGHT_MS, KnownFault

_WANTED = (
    "A fault has machine, failure_mode and at least one of onset and failed, as ISO 8601 or "
    "milliseconds since 1970."
)


def read_truth(
    path: Path, plan: ProductPlan, ids: Mapping[str, int]
) -> tuple[list[KnownFault], list[str]]:
    """The faults of a CSV or JSON-lines file: `machine`, `failure_mode`, and the times `onset`,
    `detectable`, `failed`, `repaired` as far as known, ISO 8601 or milliseconds since 1970 (also
    as `onset_ms` and so on); and the machines of it that are not among `ids`, whose faults are
    left out.

    A fault whose failure mode the plan does not have, or whose `detectable` stands there empty, is
    one no rule is asked to find; an alarm during it is not false.
    """
    faults, strangers = [], set()
    for number, row in enumerate(rows_of(path), 1):
        with read_at(f"{path}, fault {number}", _WANTED):
            fault = _fault(row, plan, ids)
        if fault is None:
            strangers.add(str(row["machine"]))
        else:
            faults.append(fault)
    return faults, sorted(strangers)


def _fault(row: Mapping[str, Any], plan: ProductPlan, ids: Mapping[str, int]) -> KnownFault | None:
    machine, mode = ids.get(str(row["machine"])), str(row["failure_mode"])
    onset, detectable, failed, repaired = (
        moment_of(row, name) for name in ("onset", "detectable", "failed", "repaired")
    )
    if onset is None and failed is None:
        raise ValueError("neither onset nor failed is there")
    if machine is None:
        return None
    never = detectable is None and any(name in row for name in ("detectable", "detectable_ms"))
    begins = onset if onset is not None else (failed or 0) - FORESIGHT_MS
    ends = failed if failed is not None else repaired
    known = mode in plan.failure_mode
    return KnownFault(
        machine, (mode,), begins, 2**62 if ends is None else ends, failed, detectable,
        due=known and not never,
    )  # fmt: skip
