"""Life models of all kinds of parts, learned anew every day from what became of parts fitted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np
import structlog

from fleet.clock import MS_PER_DAY, to_ms
from fleet.plan import Catalogue, Life, WearPart
from predict.fleet_life import learned_life
from predict.life import LifeModel, PlanLife
from predict.lifedata import LifeDataError, Lives, lives
from predict.services import DAYS_PER_MONTH
from store import wear
from store.connection import Connection
from store.wear import Row

LEARN_EVERY_MS = MS_PER_DAY
#: Reasons of a removal that end a life; a part replaced early could have gone on.
ENDS = frozenset({"worn", "failed"})

_log = structlog.get_logger("predict")


class FleetLives:
    """The life model of every kind of part: learned where one has worn out, else the plan's."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], LifeModel] = {}
        self._learned_ms: int | None = None

    def learn(self, connection: Connection, catalogue: Catalogue, now_ms: int) -> None:
        """Learn from all parts ever fitted, if the last time is a day ago or there was none."""
        if self._learned_ms is not None and now_ms - self._learned_ms < LEARN_EVERY_MS:
            return
        found = {}
        rows = wear.lives(connection)
        for (product, part_id), fitted in groupby(rows, key=lambda r: (r["product"], r["part"])):
            plan = catalogue.plans.get(product)
            part = plan.part.get(part_id) if plan else None
            if part is not None:
                found[product, part_id] = _learned(product, part, list(fitted), now_ms)
        self._models, self._learned_ms = found, now_ms

    def of(self, product: str, part: WearPart) -> LifeModel:
        """The model of one kind of part."""
        return self._models.get((product, part.id)) or plan_life(part.life)


@lru_cache(maxsize=1000)
def plan_life(life: Life) -> LifeModel:
    """The life model of a part of which only the plan is known."""
    return PlanLife(life)


def lives_of(part: WearPart, fitted: Sequence[Row], now_ms: int) -> Lives:
    """Lives of one kind of part from rows of the store; those without known use are left out."""
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
    return lives(end, [row["removed_reason"] in ENDS for row in known], start=start)


def _learned(product: str, part: WearPart, fitted: Sequence[Row], now_ms: int) -> LifeModel:
    try:
        return learned_life(lives_of(part, fitted, now_ms), part.life)
    except LifeDataError as error:
        _log.warning("the plan's life stands", product=product, part=part.id, error=str(error))
        return plan_life(part.life)
