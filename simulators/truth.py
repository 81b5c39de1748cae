"""What really happened, for those who judge detectors; no detector may read it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fleet.plan import ProductPlan
from simulators.illness import Illness
from simulators.sensors import SensorFault, told_by

GALE = "GALE"
#: In place of a failure mode, before the kind of a sensor's fault.
SENSOR = "SENSOR-"
CLOCK = "CLOCK"
#: What a clock may be off by and still count as right, ms (docs/rules.md, Clocks).
_CLOCK_NOTICED_MS = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Episode:
    """One failure of one machine. Times are milliseconds since 1970, None where it did not come to
    that. `expected` says whether a ticket should come of it, and for which component."""

    machine: str
    product: str
    failure_mode: str
    onset_ms: int
    detectable_ms: int | None
    failed_ms: int | None
    repaired_ms: int | None
    part: str | None
    expected: dict[str, Any]


def episode(serial: str, plan: ProductPlan, illness: Illness) -> Episode:
    """The truth about one illness."""
    mode = plan.failure_mode[illness.mode]
    ticket = mode.detectable and illness.detectable_ms is not None
    return Episode(
        machine=serial,
        product=plan.product,
        failure_mode=illness.mode,
        onset_ms=illness.onset_ms,
        detectable_ms=illness.detectable_ms if mode.detectable else None,
        failed_ms=illness.failed_ms,
        repaired_ms=illness.repaired_ms,
        part=illness.part,
        expected={"ticket": ticket, "kind": "alarm", "component": mode.component},
    )


def gale(serial: str, plan: ProductPlan, start_ms: int, end_ms: int) -> Episode:
    """A storm over a crane: alarms about the wind are right, and nothing is broken."""
    expected = {"ticket": False, "kind": "weather", "component": "site"}
    return _sound(serial, plan, GALE, start_ms, start_ms, end_ms, expected)


def faulty_sensor(serial: str, plan: ProductPlan, fault: SensorFault) -> Episode:
    """A sensor that does not tell the truth, on a machine that is sound as far as it goes."""
    rule = next((rule for rule in plan.rules if rule.sensors), None)
    ticket = fault.wrong_ms is not None and fault.signal in told_by(plan)[fault.kind]
    component = "" if rule is None else f"{rule.component}/"
    expected = {"ticket": ticket, "kind": "sensor", "component": f"{component}{fault.signal}"}
    what, repaired_ms = f"{SENSOR}{fault.kind.upper()}", fault.repaired_ms
    return _sound(serial, plan, what, fault.onset_ms, fault.wrong_ms, repaired_ms, expected)


def wrong_clock(serial: str, plan: ProductPlan, off_ms: int, start_ms: int, end_ms: int) -> Episode:
    """A device clock that was so much ahead for a while; the machine itself is sound."""
    rule = next((rule for rule in plan.rules if rule.clock), None)
    expected = {
        "ticket": rule is not None and abs(off_ms) > _CLOCK_NOTICED_MS,
        "kind": "connection",
        "component": "" if rule is None else rule.component,
        "off_ms": off_ms,
    }
    return _sound(serial, plan, CLOCK, start_ms, start_ms, end_ms, expected)


def _sound(
    serial: str, plan: ProductPlan, what: str, onset_ms: int, detectable_ms: int | None,
    repaired_ms: int | None, expected: dict[str, Any],
) -> Episode:  # fmt: skip
    """What happened while nothing of the machine itself was broken."""
    return Episode(
        serial, plan.product, what, onset_ms, detectable_ms, None, repaired_ms, None, expected
    )


def write_truth(path: Path, episodes: Iterable[Episode]) -> None:
    """Append episodes to a file of JSON lines."""
    with path.open("a", encoding="utf-8") as file:
        for item in episodes:
            file.write(json.dumps(asdict(item), ensure_ascii=False, sort_keys=True) + "\n")
