"""How long parts stay: what a parts store feels, whether a part was worn out or replaced early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from fleet.batch import FloatColumn
from fleet.clock import to_ms
from fleet.plan import Catalogue
from fleet.wear import WearPart
from predict.demand.needs import Lasts
from predict.fleet_lives import kinds_that_ended, learned_of
from predict.life import plan_life
from predict.life_report import LearnedLife
from predict.lifefit import TooFew
from store.connection import Connection
from store.wear import Row


@dataclass(frozen=True, slots=True)
class Stay:
    """The stay of n parts of one kind: the chance to go within more use, and the median."""

    fail_within: Lasts
    median: FloatColumn


class Stays:
    """The stay of every kind of part: learned where enough were replaced, else the plan's life."""

    def __init__(self, learned: Mapping[tuple[str, str], LearnedLife | TooFew | None]) -> None:
        self._learned = learned

    def of(self, product: str, part: WearPart, rows: Sequence[Row], at: datetime) -> Stay:
        """The stay of parts of one kind, given as rows with model, region, used, fitted_at."""
        learned = self._learned.get((product, part.id))
        if not isinstance(learned, LearnedLife):
            model = plan_life(part.life)
            return Stay(model.fail_within, np.full(len(rows), model.median))
        here = [{**row, "removed_at": None} for row in rows]
        factor = learned.fit.factor(learned.kinds.flags(here, to_ms(at)))
        life = learned.model

        def fail_within(used: FloatColumn, more: FloatColumn) -> FloatColumn:
            return life.fail_within(used / factor, more / factor)

        return Stay(fail_within, life.median * factor)


def learn_stays(connection: Connection, catalogue: Catalogue, at: datetime) -> Stays:
    """Stays from all parts that had been fitted by a moment."""
    return Stays(
        {
            (product, part.id): learned_of(product, part, list(seen_at(fitted, at)), to_ms(at))
            for product, part, fitted in kinds_that_ended(connection, catalogue)
        }
    )


def seen_at(fitted: Sequence[Row], at: datetime) -> Iterator[Row]:
    """Lives as they were known at a moment, every replacement being an end: the successor of a
    part replaced early was taken from a shelf all the same. Of what went on since, use is
    reckoned evenly."""
    for row in fitted:
        if row["fitted_at"] > at:
            continue
        gone = row["removed_at"] is not None and row["removed_at"] <= at
        yield {
            **row,
            "used": row["used"] if gone else used_at(row, row["removed_at"] or at, at),
            "removed_at": row["removed_at"] if gone else None,
            "removed_reason": "worn" if gone else None,
        }


def used_at(row: Row, until: datetime, at: datetime) -> float | None:
    """Use by a moment of a part that was used evenly from its fitting, with the use it had then,
    to `until`."""
    if row["used"] is None:
        return None
    whole = (until - row["fitted_at"]).total_seconds()
    share = min((at - row["fitted_at"]).total_seconds() / whole, 1.0) if whole > 0 else 1.0
    before = float(row["used_before"])
    return before + (float(row["used"]) - before) * max(share, 0.0)
