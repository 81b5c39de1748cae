"""What sets one machine apart from its sisters, for as long as it lives."""

from __future__ import annotations

from simulators.seeds import generator


class Traits:
    """Standard normal numbers by name, the same whenever the same machine is asked."""

    def __init__(self, seed: int, serial: str) -> None:
        self._seed = seed
        self._serial = serial
        self._known: dict[str, float] = {}

    def of(self, name: str) -> float:
        """This machine's number for `name`, within two and a half sigma."""
        if name not in self._known:
            drawn = generator(self._seed, self._serial, "trait", name).standard_normal()
            self._known[name] = float(min(2.5, max(-2.5, drawn)))
        return self._known[name]
