"""Life models of all kinds of parts, learned anew every day from what became of parts fitted.

Models of machine, regions and duty wear parts differently: each has a factor on life of its own,
held to the common life while few of its parts are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
import structlog

from fleet.batch import FloatColumn
from fleet.clock import MS_PER_DAY, to_ms
from fleet.plan import Catalogue
from fleet.wear import WearPart
from predict.fleet_life import FleetLife, doubted_plan, learned_fit
from predict.kinds import Kinds, kinds_of
from predict.life import LifeModel, plan_life
from predict.life_report import LearnedLife, as_row, report_of
from predict.lifedata import LifeDataError, Lives, lives
from predict.lifefit import TooFew
from predict.services import DAYS_PER_MONTH
from store import learned_lives, wear
from store.connection import Connection
from store.wear import Row

LEARN_EVERY_MS = MS_PER_DAY
#: Reasons of a removal that end a life; a part replaced early could have gone on.
ENDS = frozenset({"worn", "failed"})

_log = structlog.get_logger("predict")


class LifeSource(Protocol):
    """Where assessments take their life models from."""

    def learn(self, connection: Connection, catalogue: Catalogue, now_ms: int) -> None:
        """Take what is to be learned from the store by now."""

    def of(self, product: str, part: WearPart) -> LifeModel:
        """The life of a part on a machine like most."""

    def factors(
        self, product: str, part: WearPart, fitted: Sequence[Row], now_ms: int
    ) -> FloatColumn:
        """How much longer than that each of the fitted parts (n,) lasts on its machine."""


class PlanLives:
    """The plans' lives alone: nothing is learned."""

    def learn(self, connection: Connection, catalogue: Catalogue, now_ms: int) -> None:
        """See LifeSource."""

    def of(self, product: str, part: WearPart) -> LifeModel:
        """See LifeSource."""
        return plan_life(part.life)

    def factors(
        self, product: str, part: WearPart, fitted: Sequence[Row], now_ms: int
    ) -> FloatColumn:
        """See LifeSource."""
        return np.ones(len(fitted))


class FleetLives:
    """The life model of every kind of part: learned where enough have worn out, else the plan's
    with its doubt.

    It learns anew every `every_ms` milliseconds of the time it is asked at.
    """

    def __init__(self, every_ms: int = LEARN_EVERY_MS) -> None:
        self._every_ms = every_ms
        self._learned: dict[tuple[str, str], LearnedLife] = {}
        self._learned_ms: int | None = None

    def learn(self, connection: Connection, catalogue: Catalogue, now_ms: int) -> None:
        """Learn from all parts ever fitted, if the last time is long ago or there was none."""
        if self._learned_ms is not None and now_ms - self._learned_ms < self._every_ms:
            return
        self._learned = {}
        reports = []
        for product, part, fitted in kinds_that_ended(connection, catalogue):
            found = learned_of(product, part, fitted, now_ms)
            if isinstance(found, LearnedLife):
                self._learned[product, part.id] = found
            if found is not None:
                reports.append(report_of(product, part, found))
        learned_lives.put(connection, [as_row(report) for report in reports], now_ms)
        self._learned_ms = now_ms

    def of(self, product: str, part: WearPart) -> LifeModel:
        """See LifeSource."""
        learned = self._learned.get((product, part.id))
        return learned.model if learned else doubted_plan(part.life)

    def factors(
        self, product: str, part: WearPart, fitted: Sequence[Row], now_ms: int
    ) -> FloatColumn:
        """See LifeSource."""
        learned = self._learned.get((product, part.id))
        if learned is None:
            return np.ones(len(fitted))
        return learned.fit.factor(learned.kinds.flags(fitted, now_ms))


def kinds_that_ended(
    connection: Connection, catalogue: Catalogue
) -> Iterator[tuple[str, WearPart, list[Row]]]:
    """Kinds of parts of which one has worn out: product, part, and all that were ever fitted."""
    rows = wear.lives(connection)
    for (product, part_id), fitted in groupby(rows, key=lambda r: (r["product"], r["part"])):
        plan = catalogue.plans.get(product)
        part = plan.part.get(part_id) if plan else None
        if part is not None:
            yield product, part, list(fitted)


def lives_of(part: WearPart, fitted: Sequence[Row], now_ms: int) -> tuple[Lives, Kinds]:
    """Lives of one kind of part from rows of the store, and the kinds told apart among them;
    those without known use are left out."""
    if part.driver.age:
        known = list(fitted)
        until = [to_ms(row["removed_at"]) if row["removed_at"] else now_ms for row in known]
        days = [
            (end - to_ms(r["fitted_at"])) / MS_PER_DAY for end, r in zip(until, known, strict=True)
        ]
        end, start = np.maximum(np.array(days) / DAYS_PER_MONTH, 0.0), np.zeros(len(known))
    else:
        known = [row for row in fitted if row["used"] is not None]
        end = np.array([row["used"] for row in known], dtype=np.float64)
        start = np.array([row["used_before"] for row in known], dtype=np.float64)
    kinds = kinds_of(part, known, now_ms)
    ended = [row["removed_reason"] in ENDS for row in known]
    flags = kinds.flags(known, now_ms)
    return lives(end, ended, start=start, covariates=flags, names=kinds.names), kinds


def learned_of(
    product: str, part: WearPart, fitted: Sequence[Row], now_ms: int
) -> LearnedLife | TooFew | None:
    """What the rows of one kind of part teach, or that they are too few; None for rows that cannot
    be right."""
    try:
        data, kinds = lives_of(part, fitted, now_ms)
        fit = learned_fit(data, part.life)
        return fit if isinstance(fit, TooFew) else LearnedLife(fit, kinds, FleetLife(fit))
    except LifeDataError as error:
        _log.warning("the plan's life stands", product=product, part=part.id, error=str(error))
        return None
