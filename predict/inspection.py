"""When a machine is best looked at next: the day on which a visit prevents more than it costs.

A look at a machine finds what will wear out within the next weeks, so that it is replaced before it
stops the machine. What that prevents follows from every part's chance to be worn out by each day
(`predict.outlook`): it is high just ahead of a busy season and nothing ahead of a winter stop. A
visit costs less on a day on which a service is due anyway or a machine nearby is visited. What has
been looked at counts as seen for a while; after a year everything is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.batch import FloatColumn

#: A look finds what wears out within so many days.
SIGHT_DAYS = 30.0
LATEST_DAYS = 365.0
#: The fixed calendar that this replaces: months after commissioning, then every year.
FIXED_MONTHS = (1, 3, 6, 12)
_MONTH_DAYS = 30.4375


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something on a `day` from now that lets a visit cost only a `share` of one made alone."""

    day: float
    share: float
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen day from now, what a look then prevents and what it costs, in visits; the
    occasion it shares (None: alone); `pays` False where only the year asks for it."""

    day: float
    prevents: float
    price: float
    occasion: Occasion | None
    pays: bool


def prevented(days: FloatColumn, chance: FloatColumn, loss: Sequence[float]) -> FloatColumn:
    """What a look on each of `days` (n,) prevents, in visits. `chance` (parts, n) is that of each
    part to be worn out by the day, `loss` (parts,) what that costs; beyond the last day nothing
    more is known."""
    lost = np.array(loss) @ chance if len(loss) else np.zeros(len(days))
    return np.asarray(np.interp(days + SIGHT_DAYS, days, lost) - lost)


def choose(
    days: FloatColumn, gain: FloatColumn, since_last: float, occasions: Sequence[Occasion]
) -> Choice:
    """The first day on which a look prevents more than it costs; if none does within a year after
    the last look, the day in the second half of that year that prevents most for its price: a
    visit that does not pay need not come soon.

    `days` (n,) from now in steps of one, `gain` (n,) what a look prevents on each; `since_last`
    days have passed since somebody looked.
    """
    first = max(0.0, SIGHT_DAYS - since_last)
    last = max(first + 1.0, LATEST_DAYS - since_last)
    price = np.ones(len(days))
    shared: list[Occasion | None] = [None] * len(days)
    for occasion in occasions:
        place = int(np.argmin(np.abs(days - occasion.day)))
        if abs(days[place] - occasion.day) <= 0.5 and occasion.share < price[place]:
            price[place], shared[place] = occasion.share, occasion
    open_days = (days >= first) & (days <= last)
    if not open_days.any():
        open_days[np.argmin(np.abs(days - first))] = True
    pays = open_days & (gain >= price)
    if pays.any():
        best = int(np.argmax(pays))
    else:
        late = open_days & (days >= min(LATEST_DAYS / 2 - since_last, last))
        best = int(np.argmax(np.where(late, gain - price, -np.inf)))
    return Choice(
        float(days[best]), float(gain[best]), float(price[best]), shared[best], bool(pays.any())
    )


def fixed_day(age_days: float) -> float:
    """Days from now to the next look by the fixed calendar, of a machine so old."""
    marks = [month * _MONTH_DAYS for month in FIXED_MONTHS]
    ahead = [mark - age_days for mark in marks if mark > age_days]
    return min(ahead) if ahead else LATEST_DAYS - (age_days - marks[-1]) % LATEST_DAYS
