"""The unit of work of a backtest: one piece of history folded for one or more rule sets at once.

A step is a plain function of plain values, so that it runs in this process, in a pool of them, or
on a cluster, with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from fleet.batch import FaultReport, SampleBatch
from fleet.peer_day import PeerDay
from fleet.plan import ProductPlan
from rules.backtest.course import Course, begin, go_on
from rules.compiled import CompiledPlan, compile_plan
from rules.condition import Identity
from rules.detectors.lessons import Lesson, taught_of
from rules.detectors.live import Taught


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of history, read: samples in order of machine and time, each moment once, fault
    reports, and how many values could not be believed and were left out."""

    batch: SampleBatch
    reports: Sequence[FaultReport] = ()
    spoiled: int = 0


class Piece(Protocol):
    """A piece of history that can be sent to where it is folded and read there."""

    def read(self, plan: ProductPlan) -> Chunk: ...

    def portable(self) -> Piece:
        """The same for another machine, which does not see this one's files."""
        ...


@dataclass(frozen=True)
class Job:
    """What all pieces share: the rule sets as plans in JSON, who the machines are, what their
    fleet taught its detectors, and its days."""

    plans: tuple[str, ...]
    identities: tuple[tuple[int, Identity], ...]
    lessons: tuple[Lesson, ...] = ()
    peers: tuple[PeerDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one group of machines has come: one course for each rule set."""

    courses: tuple[Course, ...]
    spoiled: int = 0

    def without_changes(self) -> Progress:
        """What the next piece needs: the changes so far are told, and need not travel with it."""
        return replace(self, courses=tuple(replace(one, changes=()) for one in self.courses))

    def following(self, before: Progress) -> Progress:
        """The same with the changes of what went before, too."""
        both = zip(before.courses, self.courses, strict=True)
        courses = (replace(b, changes=(*a.changes, *b.changes)) for a, b in both)
        return replace(self, courses=tuple(courses))


def job_of(
    plans: Sequence[ProductPlan],
    identities: Mapping[int, Identity],
    lessons: Sequence[Lesson] = (),
    peers: Sequence[PeerDay] = (),
) -> Job:
    """The job of replaying history through the rules of these plans, which share their signals."""
    return Job(
        tuple(plan.model_dump_json() for plan in plans),
        tuple(sorted(identities.items())),
        tuple(lessons),
        tuple(peers),
    )


def start(job: Job, machine_ids: Sequence[int]) -> Progress:
    """A group of machines before its first piece."""
    return Progress(tuple(begin(plan, machine_ids) for plan in _compiled(job)))


def step(job: Job, progress: Progress, piece: Piece) -> Progress:
    """Fold the group's next piece."""
    plans, identities = _compiled(job), _identities(job)
    chunk = piece.read(plans[0].plan)
    courses = (
        go_on(plan, identities, course, chunk.batch, chunk.reports, _taught(job))
        for plan, course in zip(plans, progress.courses, strict=True)
    )
    return Progress(tuple(courses), progress.spoiled + chunk.spoiled)


@lru_cache(maxsize=4)
def _compiled(job: Job) -> tuple[CompiledPlan, ...]:
    return tuple(compile_plan(ProductPlan.model_validate_json(text)) for text in job.plans)


@lru_cache(maxsize=4)
def _identities(job: Job) -> Mapping[int, Identity]:
    return dict(job.identities)


@lru_cache(maxsize=4)
def _taught(job: Job) -> Taught:
    return taught_of(job.lessons, job.peers)
