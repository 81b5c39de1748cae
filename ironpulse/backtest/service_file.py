"""Services of a history in a file of their own: CSV or JSON lines, one row per service that was
done: `machine`, `done_at` and `service`, its id in service.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fleet.errors import IronpulseError
from fleet.plan import ProductPlan
from ironpulse.backtest.rows import moment_of, rows_of, why
from rules.known_before import services_counted


@dataclass(slots=True)
class Serviced:
    """What was done on a machine: how many services, and these and all they include, each with
    when it counts from (ms)."""

    count: int = 0
    counted: list[tuple[str, int]] = field(default_factory=list)


def read_services(path: Path, plan: ProductPlan) -> dict[str, Serviced]:
    """The services of a file by machine. Raises IronpulseError with the row that will not do."""
    found: dict[str, Serviced] = {}
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
        own = found.setdefault(serial, Serviced())
        own.count += 1
        own.counted += services_counted(plan, service, at)
    return found
