"""A rule with a condition made ready for the engine, and its numbers for each machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FloatColumn
from fleet.expression import Expression
from fleet.rule import Override, Rule

Params = Mapping[str, float | FloatColumn]


@dataclass(frozen=True, slots=True)
class Identity:
    """What rules ask of a machine beside its samples: who it is, for overrides and peers, and
    which components or failure modes were repaired when (ms since 1970), after which baselines
    are learned anew; and which services were done when, each with those it includes."""

    serial: str
    model: str
    region: str
    repairs: tuple[tuple[str, int], ...] = ()
    services: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class ConditionRule:
    """A rule with a `when`. `regimes` holds the indices of the plan's regimes that guard it,
    None for any; durations are milliseconds."""

    rule: Rule
    when: Expression
    clear: Expression
    regimes: tuple[int, ...] | None
    hold_ms: int
    clear_hold_ms: int

    @property
    def signals(self) -> tuple[str, ...]:
        """Signals that explain the rule: those it reads, then those it shows."""
        own = sorted((self.when.names | self.clear.names) - set(self.rule.params))
        return tuple(dict.fromkeys([*own, *self.rule.shows]))

    def params(self, machines: Sequence[Identity]) -> Params:
        """The rule's numbers: one value for all, or one per machine where they differ."""
        if not self.rule.overrides:
            return self.rule.params
        by_serial = any(override.machine is not None for override in self.rule.overrides)
        known: dict[tuple[str, str, str], dict[str, float]] = {}
        each = []
        for machine in machines:  # many machines, few models and regions
            alike = machine.model, machine.region, machine.serial if by_serial else ""
            if alike not in known:
                known[alike] = _params_of(self.rule, machine)
            each.append(known[alike])
        return {name: np.array([one[name] for one in each]) for name in self.rule.params}


def per_row(params: Params, machine: NDArray[np.intp]) -> Params:
    """The same with one value for every row where there is one for every machine."""
    return {
        name: value if isinstance(value, int | float) else value[machine]
        for name, value in params.items()
    }


def _params_of(rule: Rule, machine: Identity) -> dict[str, float]:
    """Defaults, overlaid by the overrides of region, model and machine, in this order."""
    params = dict(rule.params)
    for override in sorted(_matching(rule.overrides, machine), key=_closeness):
        params.update(override.params)
    return params


def _matching(overrides: Iterable[Override], machine: Identity) -> Iterable[Override]:
    for override in overrides:
        wanted = (
            (override.machine, machine.serial),
            (override.model, machine.model),
            (override.region, machine.region),
        )
        if all(asked is None or asked == found for asked, found in wanted):
            yield override


def _closeness(override: Override) -> tuple[bool, bool, bool]:
    return (
        override.machine is not None,
        override.model is not None,
        override.region is not None,
    )
