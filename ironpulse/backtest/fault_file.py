"""Trouble codes of a history in a file of their own.

CSV or JSON lines, one row per active code: `machine`, `measured_at`, and `spn` and `fmi` or `code`;
`oc`, `sa` and `lamp` as far as known. All rows of a machine at one moment are one report, the full
list of what was active then (J1939 DM1); a row without any code says that nothing was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleet.batch import FaultCode, FaultReport
from ingest.reports import read_code
from ironpulse.backtest.rows import known_moment_of, read_at, rows_of

FIELDS = ("spn", "fmi", "code", "oc", "sa", "lamp")
_WANTED = (
    "A row is a code that was active: machine, measured_at, and spn and fmi or code; oc, sa and "
    "lamp as far as known."
)


def read_reports(path: Path, ids: Mapping[str, int]) -> tuple[list[FaultReport], list[str]]:
    """The reports of a file by machine and time, and the machines of it that are not among
    `ids`, whose reports are left out."""
    found: dict[tuple[int, int], list[FaultCode]] = {}
    strangers = set()
    for number, row in enumerate(rows_of(path), 1):
        with read_at(f"{path}, row {number}", _WANTED):
            serial, at = str(row["machine"]), known_moment_of(row, "measured_at")
            code = _code(row)
        if serial not in ids:
            strangers.add(serial)
            continue
        active = found.setdefault((ids[serial], at), [])
        if code is not None and not code.says_none:
            active.append(code)
    reports = [FaultReport(*key, key[1], tuple(codes)) for key, codes in sorted(found.items())]
    return reports, sorted(strangers)


def _code(row: Mapping[str, Any]) -> FaultCode | None:
    if not any(name in row for name in FIELDS):
        raise ValueError("it has none of spn, fmi and code")
    given = {name: row[name] for name in FIELDS if row.get(name) not in (None, "")}
    return read_code(given) if given else None
