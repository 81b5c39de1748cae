"""When and from what a fleet's detectors learn. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rules.compiled import DetectorRule
from rules.detectors.fitting import TooLittleToLearn
from rules.detectors.learning import Seen, learn_normal
from rules.detectors.past import newest, of_models
from rules.detectors.regime import Normal

#: Days after a fleet's first sample on which it is learned from; then it is every month.
FIRST_DAYS = (10, 30)
EVERY_DAYS = 30
#: The newest stretches of each machine that are learned from.
MOST_OF_ONE = 1000
#: Machines of a product that are learned from, each model in turn.
MOST_MACHINES = 40
#: A model with fewer machines is judged by what all machines of the product taught.
FEWEST_OF_MODEL = 3


def learning_days(days: int) -> list[int]:
    """The days on which a fleet of `days` of history was learned from."""
    return [
        day
        for day in sorted({*FIRST_DAYS, *range(EVERY_DAYS, days + 1, EVERY_DAYS)})
        if day <= days
    ]


def learned(
    detector: DetectorRule, seen: Seen, models: Mapping[int, str], at_ms: int
) -> dict[str, Normal]:
    """What the stretches before `at_ms` teach: by machine model, and under "" of all machines.

    Raises TooLittleToLearn where not even all together teach anything.
    """
    inputs = detector.normal.inputs
    recent = newest(seen, at_ms, MOST_OF_ONE)
    found: dict[str, Normal] = {}
    for model, own in of_models(recent, models, FEWEST_OF_MODEL).items():
        try:
            found[model] = learn_normal(detector.features, inputs, own, at_ms, detector.bands)
        except TooLittleToLearn:
            if model == "":
                raise
    return found
