"""What the physics of a product hands over for one stretch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.batch import FaultCode, FloatColumn
from simulators.run import Mask

Signals = dict[str, FloatColumn]


@dataclass
class Output:
    """All signals of a stretch by key, each (n,); the trouble codes with the moments in which they
    are active; where the machine says everything (`awake`) and not just its heartbeat."""

    signals: Signals
    awake: Mask
    codes: list[tuple[FaultCode, Mask]] = field(default_factory=list)

    def add(self, more: Mapping[str, FloatColumn]) -> None:
        """Put in further signals; one that is there already is replaced."""
        self.signals.update(more)
