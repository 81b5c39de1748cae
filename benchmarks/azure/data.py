"""The sample data as it would have come from the machines, moved to the present."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fleet.clock import MS_PER_HOUR, to_ms

SIGNALS = {
    "volt": "volt_v",
    "rotate": "rotate_rpm",
    "pressure": "pressure_bar",
    "vibration": "vibration_mms",
}
#: What came before is learned from, what came after is judged.
JUDGED_FROM = to_ms(datetime(2015, 3, 1, tzinfo=UTC))
#: The fleet has taught its detectors something from here on.
TAUGHT_FROM = to_ms(datetime(2015, 1, 11, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Event:
    """An error, a failure or a replacement of a component; ms."""

    machine: int
    at: int
    what: str


@dataclass(frozen=True, slots=True)
class Sample:
    """All that the machines said and what became of them; times in ms of the data's own year.

    `telemetry` has (machine, ms, values) in order of time.
    """

    models: dict[int, str]
    telemetry: list[tuple[int, int, dict[str, float]]]
    errors: list[Event]
    failures: list[Event]
    replacements: list[Event]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last moment of telemetry."""
        return self.telemetry[0][1], self.telemetry[-1][1]


def before(sample: Sample, moment: int) -> Sample:
    """What was known of a sample at a moment."""
    return Sample(
        sample.models,
        [row for row in sample.telemetry if row[1] < moment],
        [one for one in sample.errors if one.at < moment],
        [one for one in sample.failures if one.at < moment],
        [one for one in sample.replacements if one.at < moment],
    )


def read_sample(folder: Path) -> Sample:
    """The machines whose telemetry is there, for the time of their telemetry."""
    telemetry = [
        (
            int(row["machineID"]),
            _ms(row["datetime"]),
            {signal: float(row[name]) for name, signal in SIGNALS.items()},
        )
        for row in _rows(folder / "telemetry_20_machines.csv")
    ]
    telemetry.sort(key=lambda row: (row[1], row[0]))
    machines = {machine for machine, _, _ in telemetry}
    span = telemetry[0][1], telemetry[-1][1]
    models = {
        int(row["machineID"]): row["model"]
        for row in _rows(folder / "PdM_machines.csv")
        if int(row["machineID"]) in machines
    }

    def events(name: str, column: str) -> list[Event]:
        found = (
            Event(int(row["machineID"]), _ms(row["datetime"]), row[column])
            for row in _rows(folder / name)
        )
        return sorted(
            (one for one in found if one.machine in machines and span[0] <= one.at <= span[1]),
            key=lambda one: (one.at, one.machine, one.what),
        )

    return Sample(
        models,
        telemetry,
        events("PdM_errors.csv", "errorID"),
        events("PdM_failures.csv", "failure"),
        events("PdM_maint.csv", "comp"),
    )


def error_reports(sample: Sample) -> Iterator[tuple[int, int, list[str]]]:
    """Lists of active codes: each error holds for an hour, then it is gone."""
    at: dict[tuple[int, int], list[str]] = {}
    for one in sample.errors:
        at.setdefault((one.at, one.machine), []).append(one.what)
    for (moment, machine), codes in sorted(at.items()):
        yield machine, moment, codes
        if (moment + MS_PER_HOUR, machine) not in at:
            yield machine, moment + MS_PER_HOUR, []


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _ms(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
