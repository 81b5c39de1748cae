"""What the product believes of one kind of part on a day, and what could be known of it at best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.life_fleet.exact import ExactLife
from benchmarks.life_fleet.view import Seen, View
from fleet.batch import FloatColumn
from fleet.wear import WearPart
from predict.fleet_life import BelievedLife, doubted_plan
from predict.fleet_lives import learned_of
from predict.life_report import LearnedLife
from predict.outlook import LEVELS, left_of


@dataclass(frozen=True, slots=True)
class Believed:
    """One kind of part as it is believed to last on a day: learned, or the plan with its doubt."""

    view: View
    product: str
    part: WearPart
    day: int
    learned: LearnedLife | None

    @property
    def model(self) -> BelievedLife:
        """Its life on a machine like most."""
        return self.learned.model if self.learned else doubted_plan(self.part.life)

    def longer(self, asked: Sequence[Seen]) -> FloatColumn:
        """How much longer than that each (n,) lasts on its machine."""
        if self.learned is None:
            return np.ones(len(asked))
        flags = self.learned.kinds.flags([each.row for each in asked], self.view.ms(self.day))
        return self.learned.fit.factor(flags)

    def left(self, asked: Sequence[Seen], used: FloatColumn) -> FloatColumn:
        """Remaining use (n, levels) of parts used so far (n,)."""
        longer = self.longer(asked)
        return np.asarray(left_of(self.model, used / longer) * longer[:, None])

    def exactly(self, asked: Sequence[Seen], used: FloatColumn, level: float) -> FloatColumn:
        """Remaining use (n,) at a level, by who knows the distribution of each life."""
        factor = np.array([each.life.factor for each in asked])
        return ExactLife(self.part.life, factor).left(used, level)


def believed(view: View, product: str, part: WearPart, lives: Sequence[Seen], day: int) -> Believed:
    """What the lives seen by a day teach of one kind of part."""
    learned = learned_of(product, part, [each.row for each in lives], view.ms(day))
    known = learned if isinstance(learned, LearnedLife) else None
    return Believed(view, product, part, day, known)


def at_level(left: FloatColumn, level: float) -> FloatColumn:
    """The column of `left` (n, levels) at a level."""
    return np.asarray(left[:, int(np.argmin(np.abs(LEVELS - level)))])
