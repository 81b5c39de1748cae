"""Known faults: from a file of them, or from what technicians found."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet import clock
from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from rules.known_faults import FORESIGHT_MS, KnownFault


def read_truth(path: Path, plan: ProductPlan, ids: Mapping[str, int]) -> list[KnownFault]:
    """The faults of a CSV or JSON-lines file: `machine`, `failure_mode`, and the times `onset`,
    `detectable`, `failed`, `repaired` as far as known, ISO 8601 or milliseconds since 1970 (also
    as `onset_ms` and so on). Machines that history does not hold are left out.

    A fault whose failure mode the plan does not have, or whose `detectable` stands there empty, is
    one no rule is asked to find; an alarm during it is not false.
    """
    faults = []
    for number, row in enumerate(_rows(path), 1):
        try:
            fault = _fault(row, plan, ids)
        except (KeyError, ValueError, TypeError) as error:
            raise IronpulseError(
                f"{path}, fault {number}: {_why(error)}. A fault has machine, failure_mode and "
                "at least one of onset and failed, as ISO 8601 or milliseconds since 1970."
            ) from error
        faults += [fault] if fault is not None else []
    return faults


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IronpulseError(f"{path} cannot be read: {error}") from error
    if not text.lstrip().startswith("{"):
        yield from csv.DictReader(text.splitlines())
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise IronpulseError(f"{path}, line {number} is no JSON: {error}") from error


def _fault(row: Mapping[str, Any], plan: ProductPlan, ids: Mapping[str, int]) -> KnownFault | None:
    machine, mode = ids.get(str(row["machine"])), str(row["failure_mode"])
    onset, detectable, failed, repaired = (
        _moment(row, name) for name in ("onset", "detectable", "failed", "repaired")
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


def _moment(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name, row.get(f"{name}_ms"))
    if value is None or value == "":
        return None
    if isinstance(value, int | float) or str(value).lstrip("-").isdigit():
        return int(value)
    moment = datetime.fromisoformat(str(value))
    return clock.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
