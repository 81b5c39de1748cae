"""What travels from ingest to store to rules: samples as columns, fault and status reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]


Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Implausible:
    """Values that came and that no sensor of that kind can say, as columns of equal length k: the
    `row` of a batch, the number of the `signal` among the batch's, and the `value` that came. In
    the batch itself they are missing."""

    row: Rows
    signal: Rows
    value: FloatColumn

    def __len__(self) -> int:
        return len(self.row)

    def moved(self, new_row: Rows) -> Implausible:
        """The same in another batch, which has row i of this one at `new_row[i]` (-1: not)."""
        row = new_row[self.row]
        kept = row >= 0
        return Implausible(row[kept], self.signal[kept], self.value[kept])


NOTHING_IMPLAUSIBLE = Implausible(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Samples of machines of one product, as columns of equal length n.

    `machine_id` (n,) int64; `measured_at` and `received_at` (n,) milliseconds since 1970 UTC;
    `values` (n, len(signals)) float64 in the units of the product plan, column-major so that one
    signal is contiguous, NaN where the machine sent nothing usable; `implausible` are those of
    them that came and cannot be true. Order of rows is free and keys (machine_id, measured_at) may
    repeat unless a function says otherwise.
    """

    product: str
    signals: tuple[str, ...]
    machine_id: IntColumn
    measured_at: IntColumn
    received_at: IntColumn
    values: FloatColumn
    implausible: Implausible = NOTHING_IMPLAUSIBLE

    def __len__(self) -> int:
        return len(self.machine_id)

    def take(self, rows: Rows | NDArray[np.bool_]) -> SampleBatch:
        """The batch of the chosen rows (indices, each once, or mask), in that order."""
        implausible = self.implausible
        if len(implausible):
            new_row = np.full(len(self), -1, np.intp)
            chosen = np.arange(len(self))[rows]
            new_row[chosen] = np.arange(len(chosen))
            implausible = implausible.moved(new_row)
        return SampleBatch(
            self.product,
            self.signals,
            self.machine_id[rows],
            self.measured_at[rows],
            self.received_at[rows],
            np.asfortranarray(self.values[rows]),
            implausible,
        )

    def sorted(self) -> SampleBatch:
        """Rows ordered by machine, then time of measurement; stable."""
        return self.take(np.lexsort((self.measured_at, self.machine_id)))


@dataclass(frozen=True, slots=True)
class FaultCode:
    """One active trouble code: J1939 (`spn`, `fmi`) or the maker's own (`code`).

    `oc` is the occurrence count, `sa` the source address, `lamp` one of `stop`, `warning`,
    `mil`, `protect` where the device tells it.
    """

    spn: int | None = None
    fmi: int | None = None
    code: str | None = None
    oc: int | None = None
    sa: int | None = None
    lamp: str | None = None

    @property
    def says_none(self) -> bool:
        """Whether this is how J1939 says that no code is active: SPN and FMI all zeros, or all
        ones as older control units have it (SAE J1939-73, DM1)."""
        return self.code is None and (self.spn, self.fmi or 0) in ((0, 0), (2**19 - 1, 2**5 - 1))

    @property
    def key(self) -> str:
        """The code as one word: `spn110-fmi0`, with `-sa3` behind it where a unit other than the
        engine's (0) reports it; or the maker's own code."""
        if self.code is not None:
            return self.code
        return f"spn{self.spn}-fmi{self.fmi}" + (f"-sa{self.sa}" if self.sa else "")


@dataclass(frozen=True, slots=True)
class FaultReport:
    """The full list of trouble codes active on a machine at one moment; empty means none."""

    machine_id: int
    measured_at: int
    received_at: int
    active: tuple[FaultCode, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a message without a time of its own came: `name`, what the broker calls it until it is
    acknowledged; `again`, whether it may have come under that name before; `retained`, whether it
    is what the broker kept of an earlier time."""

    name: str
    again: bool
    retained: bool


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A machine's connection said `online` or (through its will) `offline`. One without a time of
    its own is about the moment of receipt and has its `delivery`."""

    machine_id: int
    measured_at: int
    received_at: int
    state: str
    delivery: Delivery | None = None
