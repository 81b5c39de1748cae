"""Services of a history in a file of their own: CSV or JSON lines, one row per service that was
done: `machine`, `done_at` and `service`, its id in service.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.rows import moment_of, rows_of, why
from rules.known_before import services_counted

#: What was done on machines: the services and what they include, each with when it counts from.
Serviced = Mapping[str, tuple[tuple[str, int], ...]]


def read_services(path: Path, plan: ProductPlan) -> Serviced:
    """The services of a file by machine. Raises IronpulseError with the row that will not do."""
    found: dict[str, list[tuple[str, int]]] = {}
    for number, row in enumerate(rows_of(path), 1):
        try:
            serial, at, service = str(row["machine"]), moment_of(row, "done_at"), row["service"]
            if at is None:
                raise KeyError("done_at")
            if service not in plan.service:
                known = ", ".join(plan.service) or "none"
                raise ValueError(f"{plan.product} has no service {service!r}; it has {known}")
        except (KeyError, ValueError, TypeError) as error:
            raise IronpulseError(
                f"{path}, row {number}: {why(error)}. A row is a service that was done: machine, "
                "done_at (ISO 8601 or milliseconds since 1970), and service by its id."
            ) from error
        found.setdefault(serial, []).extend(services_counted(plan, service, at))
    return {serial: tuple(sorted(own, key=lambda one: one[1])) for serial, own in found.items()}
