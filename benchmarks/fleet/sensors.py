"""How faults of sensors are counted.

A case is a sensor's fault that the plan's rules can tell (simulators.sensors.told_by), which told
something else than the truth and was repaired before history ended; one that only learned detectors
can tell counts if it began after they had learned. It is found by the first alarm about that very
sensor that becomes a ticket, or part of one. A visit is misread where its first alarm was raised
while nothing but a sensor was at fault, and is about something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.fleet.course import Course
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from rules.backtest.visits import Decided
from rules.detectors.teaching import FIRST_DAYS
from simulators.sensors import KINDS
from simulators.truth import SENSOR, Episode


@dataclass(frozen=True, slots=True)
class SensorFigures:
    """Figures of one kind of fault: how often it `happened`, of which so many were `cases`, and of
    these `found`; median `hours` until they were; `misread` visits by what opened them."""

    kind: str
    happened: int
    cases: int
    found: int
    hours: float | None
    misread: dict[str, int]

    @property
    def recall(self) -> float:
        return self.found / max(self.cases, 1)

    def as_json(self) -> dict[str, Any]:
        return {
            "happened": self.happened,
            "cases": self.cases,
            "recall": self.recall,
            "median_hours": self.hours,
            "misread": self.misread,
        }


def is_of_sensor(episode: Episode) -> bool:
    """Whether it was a sensor that was at fault, and not the machine."""
    return episode.failure_mode.startswith(SENSOR)


def tells(one: Decided, episode: Episode) -> bool:
    """Whether an alarm is about the sensor that was at fault."""
    return is_of_sensor(episode) and one.alarm.component == episode.expected["component"]


def sensor_figures(
    courses: Sequence[Course], start_ms: int, end_ms: int
) -> tuple[SensorFigures, ...]:
    """The figures of each kind that happened."""
    taught_ms = start_ms + FIRST_DAYS[0] * MS_PER_DAY
    found = []
    for kind in KINDS:
        mode = f"{SENSOR}{kind.upper()}"
        happened = [
            (course, episode)
            for course in courses
            for episode in course.episodes
            if episode.failure_mode == mode and episode.detectable_ms is not None
        ]
        cases = [
            _told_ms(course, episode)
            for course, episode in happened
            if episode.expected["ticket"]
            and (episode.repaired_ms or end_ms) < end_ms
            and (kind == "range" or episode.onset_ms >= taught_ms)
        ]
        hours = [after for after in cases if after is not None]
        wrong = Counter(rule for course, one in happened for rule in _misread(course, one))
        if happened:
            found.append(
                SensorFigures(
                    kind, len(happened), len(cases), len(hours), median(hours) if hours else None,
                    dict(wrong.most_common()),
                )
            )  # fmt: skip
    return tuple(found)


def _told_ms(course: Course, episode: Episode) -> float | None:
    """Hours after which a fault was told; None where it never was."""
    begins = episode.detectable_ms or episode.onset_ms
    told = [
        one.alarm.raised_at for one in _during(course, episode)
        if one.outcome != "recorded" and tells(one, episode)
    ]  # fmt: skip
    return (min(told) - begins) / MS_PER_HOUR if told else None


def _misread(course: Course, episode: Episode) -> Iterator[str]:
    """What opened visits to the machine while nothing but this sensor was at fault."""
    opened: dict[int, Decided] = {}
    for one in course.decided:
        if one.visit:
            opened.setdefault(one.visit, one)
    first = {id(one) for one in opened.values()}
    for one in _during(course, episode):
        others = [
            other for other in course.episodes
            if other is not episode and other.onset_ms <= one.alarm.raised_at
            and (other.repaired_ms or 2**62) + MS_PER_DAY // 4 >= one.alarm.raised_at
        ]  # fmt: skip
        if id(one) in first and not tells(one, episode) and not others:
            yield one.alarm.rule


def _during(course: Course, episode: Episode) -> list[Decided]:
    over = episode.repaired_ms or 2**62
    return [one for one in course.decided if episode.onset_ms <= one.alarm.raised_at <= over]
