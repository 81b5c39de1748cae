"""What a machine measures: signals, their limits and where they come from on the CAN bus."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleet.fields import Key, Model, Span
from fleet.text import Text

#: First raw value that means error and first that means not available, by width in bits
#: (SAE J1939-71, transmitted signal ranges).
_RAW_TOPS = {
    2: (2, 3),
    5: (30, 31),
    8: (0xFE, 0xFF),
    16: (0xFE00, 0xFF00),
    32: (0xFE000000, 0xFF000000),
}


class J1939(Model):
    """Where a signal comes from on the CAN bus and how its raw value is coded.

    Engineering value = raw * `resolution` + `offset`; `bits` is the raw width. The top of the
    raw range means error or not available (J1939-71) and is never a number.
    """

    spn: int = Field(ge=0, lt=2**19)
    pgn: int = Field(ge=0, lt=2**18)
    bits: Literal[2, 5, 8, 16, 32] | None = None
    resolution: float = Field(default=1.0, gt=0)
    offset: float = 0.0

    @property
    def tops(self) -> tuple[float, float, float] | None:
        """In the signal's own unit, where "error" begins, where "not available" begins and where it
        ends, half a raw step early, as devices round; None where the width is not known."""
        if self.bits is None:
            return None
        error, missing = _RAW_TOPS[self.bits]
        raws = (error - 0.5, missing - 0.5, 2**self.bits - 0.5)
        first, second, last = (raw * self.resolution + self.offset for raw in raws)
        return first, second, last


class Limit(Model):
    """A limit as charts draw it: a value beyond it is of that grade."""

    above: float | None = None
    below: float | None = None


class Signal(Model):
    """One measured value of a machine.

    `range` is what the sensor can physically say: outside it the value is stored as NULL and
    counted. `period_s` is the expected time between values while the machine works; a value is
    carried forward for three periods (at least `Report.working_s` * 3) and unknown after that.
    `metrics` are names under which edge nodes of Sparkplug report it, besides its key.
    """

    key: Key
    name: Text
    component: Key
    unit: str | None = None
    type: Literal["real", "double", "integer", "smallint"] = "real"
    kind: Literal["gauge", "counter", "enum", "flag"] = "gauge"
    range: Span
    normal: Span | None = None
    warn: Limit | None = None
    alarm: Limit | None = None
    period_s: float = Field(gt=0)
    values: dict[int, Text] = Field(default_factory=dict)
    j1939: J1939 | None = None
    metrics: list[str] = Field(default_factory=list)
    headline: bool = False
    note: Text | None = None
    source: str = "J"
