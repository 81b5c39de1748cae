"""Work on machines that goes with a history, in files of its own: CSV or JSON lines, a row each.

Services: `machine`, `done_at` and `service`, its id in service.yaml. Repairs: `machine`,
`repaired_at` and what was worked on: a `component` (of a sensor, its signal), or the kind of `part`
that was replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.plan import ProductPlan
from ironpulse.backtest.rows import known_moment_of, read_at, rows_of
from rules.live.known_before import repairs_counted, services_counted

SERVICES = ("machine", "done_at", "service")
REPAIRS = ("machine", "repaired_at", "component", "part")
_SERVICE = (
    "service that was done: machine, done_at (ISO 8601 or milliseconds since 1970), and service by "
    "its id"
)
_REPAIR = (
    "repair: machine, repaired_at (ISO 8601 or milliseconds since 1970), and by its id a component "
    "(or a signal, for its sensor), or a part"
)
#: What was touched, and when that counts from (ms).
Counted = Iterable[tuple[str, int]]


@dataclass(slots=True)
class Work:
    """What was done on a machine: how many rows of a file, and all that they touch, each with when
    it counts from (ms)."""

    count: int = 0
    counted: list[tuple[str, int]] = field(default_factory=list)


def read_services(path: Path, plan: ProductPlan) -> dict[str, Work]:
    """The services of a file by machine. Raises IronpulseError with the row that will not do."""

    def counted(row: Mapping[str, Any], at: int) -> Counted:
        service = row["service"]
        if service not in plan.service:
            known = ", ".join(plan.service) or "none"
            raise ValueError(f"{plan.product} has no service {service!r}; it has {known}")
        return services_counted(plan, service, at)

    return _read(path, "done_at", counted, _SERVICE)


def read_repairs(path: Path, plan: ProductPlan) -> dict[str, Work]:
    """The repairs of a file by machine. Raises IronpulseError with the row that will not do."""
    known = {*plan.component, *plan.signal, *(mode.id for mode in plan.failure_modes)}

    def counted(row: Mapping[str, Any], at: int) -> Counted:
        component, part = row.get("component") or None, row.get("part") or None
        if (component is None) == (part is None):
            raise ValueError("it names neither a component nor a part, or both")
        if part is not None and part not in plan.part:
            parts = ", ".join(plan.part) or "none"
            raise ValueError(f"{plan.product} has no part {part!r}; it has {parts}")
        for name in (component or "").split("/"):
            if name and name not in known:
                raise ValueError(
                    f"{plan.product} has no component or signal {name!r}; its components are "
                    f"{', '.join(plan.component)}"
                )
        return repairs_counted(plan, component, part, at)

    return _read(path, "repaired_at", counted, _REPAIR)


def _read(
    path: Path, when: str, counted: Callable[[Mapping[str, Any], int], Counted], words: str
) -> dict[str, Work]:
    found: dict[str, Work] = {}
    for number, row in enumerate(rows_of(path), 1):
        with read_at(f"{path}, row {number}", f"A row is a {words}."):
            serial, at = str(row["machine"]), known_moment_of(row, when)
            touched = list(counted(row, at))
        own = found.setdefault(serial, Work())
        own.count += 1
        own.counted += touched
    return found
