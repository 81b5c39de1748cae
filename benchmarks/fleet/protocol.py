"""How a run is counted.

A case is a failure of a mode that the plan calls detectable, which became detectable and was
repaired before history ended. It is found by the first alarm during it that names its mode and
becomes a ticket, or part of one; in time, if that was before the machine failed. The lead there
was runs from the moment at which the symptom can be told from noise to the failure, or to the
repair that came before it; an alarm after the failure leaves none of it. A visit is false where
none of its alarms was raised while anything was wrong with the machine, or a storm over it; what a
sensor told wrongly excuses the alarm about that sensor only (benchmarks.fleet.sensors).

What the technician is told first is the first alarm during a case that became a ticket or part of
one, whatever it names: `cause_place` is where its likely causes have the true mode, from 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.fleet.course import Course
from benchmarks.fleet.sensors import SensorFigures, is_of_sensor, sensor_figures, tells
from fleet.clock import MS_PER_DAY
from fleet.plan import Catalogue
from rules.backtest.visits import Decided
from simulators.truth import Episode
from tickets.content import CAUSES_TO_PREPARE

#: Causes for which a visit is prepared (tickets.content).
AMONG = CAUSES_TO_PREPARE
#: What still lingers after a repair, such as heat, is not false.
_AFTERMATH_MS = MS_PER_DAY // 4
_YEAR_MS = 365.25 * MS_PER_DAY


@dataclass(frozen=True, slots=True)
class Case:
    """One failure: `found_ms` of the alarm that found it, by `rule`, None where it was missed.

    `sent_by` is the alarm that led somebody to the machine first, whether it names the mode or
    not, None where nobody came; `cause_place` the place of the mode among its causes, None where it
    does not name it.
    """

    episode: Episode
    end_ms: int
    found_ms: int | None
    rule: str | None
    sent_by: str | None
    cause_place: int | None

    @property
    def beside(self) -> bool:
        """Missed, although somebody came to the machine."""
        return self.found_ms is None and self.sent_by is not None

    @property
    def lead_share(self) -> float | None:
        """The lead that was left as a share of the lead there was, 1 at most."""
        begins = self.episode.detectable_ms
        if self.found_ms is None or begins is None or self.end_ms <= begins:
            return None
        return max(0.0, min(1.0, (self.end_ms - self.found_ms) / (self.end_ms - begins)))

    @property
    def in_time(self) -> bool:
        return self.found_ms is not None and self.found_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class CauseFigures:
    """What technicians were told who were `sent` for so many cases: shares in which the true mode
    was the likeliest cause (`first`), or one of three (`among`); `misled` are the rules that named
    another one first, with how often."""

    sent: int
    first: float
    among: float
    misled: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "cause_first": self.first,
            "cause_among_three": self.among,
            "misled_by": self.misled,
        }


@dataclass(frozen=True, slots=True)
class ModeFigures:
    """Figures of one failure mode of all products."""

    mode: str
    cases: int
    found: int
    in_time: int
    beside: int
    lead_share: float | None
    rules: dict[str, int]
    causes: CauseFigures

    @property
    def recall(self) -> float:
        return self.found / self.cases


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole run. `false_by` counts false visits by what opened them."""

    machines: int
    machine_years: float
    samples: int
    modes: tuple[ModeFigures, ...]
    cases: int
    found: int
    in_time: int
    lead_share: float | None
    visits: int
    false_visits: int
    false_by: dict[str, int]
    causes: CauseFigures
    sensors: tuple[SensorFigures, ...]

    @property
    def recall(self) -> float:
        return self.found / max(self.cases, 1)

    @property
    def false_per_machine_year(self) -> float:
        return self.false_visits / self.machine_years

    def as_json(self) -> dict[str, Any]:
        return {
            "machines": self.machines,
            "machine_years": self.machine_years,
            "samples": self.samples,
            "cases": self.cases,
            "recall": self.recall,
            "in_time": self.in_time / max(self.cases, 1),
            "median_lead_share": self.lead_share,
            "visits": self.visits,
            "false_visits": self.false_visits,
            "false_per_machine_year": self.false_per_machine_year,
            "false_by": self.false_by,
            **self.causes.as_json(),
            "modes": {
                each.mode: {
                    "cases": each.cases,
                    "recall": each.recall,
                    "in_time": each.in_time / each.cases,
                    "median_lead_share": each.lead_share,
                    "missed_but_visited": each.beside,
                    "found_by": each.rules,
                    **each.causes.as_json(),
                }
                for each in self.modes
            },
            "sensors": {each.kind: each.as_json() for each in self.sensors},
        }


def cases_of(catalogue: Catalogue, course: Course, end_ms: int) -> list[Case]:
    """The cases of one machine in a history that ends at `end_ms`."""
    plan = catalogue.plans[course.spec.product]
    found = []
    for episode in course.episodes:
        over = [at for at in (episode.failed_ms, episode.repaired_ms) if at is not None]
        of_machine = episode.failure_mode in plan.failure_mode
        if not of_machine or episode.detectable_ms is None or not over:
            continue
        if not plan.failure_mode[episode.failure_mode].detectable or max(over) >= end_ms:
            continue
        during = [
            one for one in course.decided
            if one.outcome != "recorded" and episode.onset_ms <= one.alarm.raised_at <= max(over)
        ]  # fmt: skip
        named = [one for one in during if episode.failure_mode in one.failure_modes]
        first = min(named, key=_raised, default=None)
        told = min((one for one in during if one.visit), key=_raised, default=None)
        found.append(
            Case(
                episode,
                min(over),
                None if first is None else first.alarm.raised_at,
                None if first is None else first.alarm.rule,
                None if told is None else told.alarm.rule,
                None if told is None else _place(episode.failure_mode, told.failure_modes),
            )
        )
    return found


def _raised(one: Decided) -> int:
    return one.alarm.raised_at


def _place(mode: str, causes: Sequence[str]) -> int | None:
    return causes.index(mode) + 1 if mode in causes else None


def false_visits(course: Course, end_ms: int) -> tuple[int, Counter[str]]:
    """All visits of a machine, and the false ones by what opened them."""
    by_visit: dict[int, list[Decided]] = {}
    for one in course.decided:
        if one.visit:
            by_visit.setdefault(one.visit, []).append(one)
    wrong: Counter[str] = Counter()
    for items in by_visit.values():
        if not any(_something(course.episodes, one, end_ms) for one in items):
            wrong[items[0].alarm.rule] += 1
    return len(by_visit), wrong


def _something(episodes: Iterable[Episode], one: Decided, end_ms: int) -> bool:
    at = one.alarm.raised_at
    return any(
        episode.onset_ms <= at <= (episode.repaired_ms or end_ms) + _AFTERMATH_MS
        and (tells(one, episode) or not is_of_sensor(episode))
        for episode in episodes
    )


def figures(catalogue: Catalogue, courses: Sequence[Course], start_ms: int, end_ms: int) -> Figures:
    """What came of a run."""
    cases = [case for course in courses for case in cases_of(catalogue, course, end_ms)]
    visits, wrong = 0, Counter[str]()
    for course in courses:
        count, own = false_visits(course, end_ms)
        visits += count
        wrong += own
    modes = sorted({case.episode.failure_mode for case in cases})
    years = len(courses) * (end_ms - start_ms) / _YEAR_MS
    return Figures(
        len(courses),
        years,
        sum(course.samples for course in courses),
        tuple(_mode(mode, [c for c in cases if c.episode.failure_mode == mode]) for mode in modes),
        len(cases),
        sum(case.found_ms is not None for case in cases),
        sum(case.in_time for case in cases),
        _middle(cases),
        visits,
        wrong.total(),
        dict(wrong.most_common()),
        _causes(cases),
        sensor_figures(courses, start_ms, end_ms),
    )


def _mode(mode: str, cases: Sequence[Case]) -> ModeFigures:
    return ModeFigures(
        mode,
        len(cases),
        sum(case.found_ms is not None for case in cases),
        sum(case.in_time for case in cases),
        sum(case.beside for case in cases),
        _middle(cases),
        _counted(case.rule for case in cases),
        _causes(cases),
    )


def _causes(cases: Iterable[Case]) -> CauseFigures:
    sent = [case for case in cases if case.sent_by is not None]
    places = [case.cause_place for case in sent]
    among = sum(place is not None and place <= AMONG for place in places)
    return CauseFigures(
        len(sent),
        places.count(1) / max(len(sent), 1),
        among / max(len(sent), 1),
        _counted(case.sent_by for case in sent if case.cause_place != 1),
    )


def _counted(rules: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(rule for rule in rules if rule is not None).most_common())


def _middle(cases: Iterable[Case]) -> float | None:
    shares = [share for case in cases if (share := case.lead_share) is not None]
    return median(shares) if shares else None
