"""What a file of history says of its machines: the model and the region of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from fleet.errors import IronpulseError
from ironpulse.backtest.csv_blocks import MACHINE
from ironpulse.backtest.tables import Table
from rules.condition import Identity


@dataclass
class Traits:
    """Model and region of machines, gathered block by block."""

    table: Table
    found: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, block: pa.RecordBatch) -> None:
        """Learn from a block. Raises IronpulseError where a machine has two of a kind."""
        machines = block.column(MACHINE)
        for trait in self.table.traits:
            values = block.column(trait)
            told = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
            if len(told) == 0:
                continue
            owner = machines.indices.to_numpy()[told].astype(np.int64)
            value = values.indices.take(pa.array(told)).to_numpy().astype(np.int64)
            count = len(values.dictionary)
            for pair in np.unique(owner * count + value).tolist():
                machine = machines.dictionary[pair // count].as_py()
                self._learn(machine, trait, values.dictionary[pair % count].as_py())

    def _learn(self, machine: str, trait: str, value: str) -> None:
        known = self.found.setdefault((machine, trait), value) if value else value
        if value and known != value:
            raise IronpulseError(
                f"{self.table.path}: machine {machine} has the {trait} {known!r} in one row and "
                f"{value!r} in another. A machine has one {trait} all through a history; give the "
                "one that counts in every row, or leave the column out."
            )

    def identity(self, machine: str) -> Identity:
        """Who a machine is; a model or region that the file does not tell is no override's."""
        model, region = (self.found.get((machine, trait), "") for trait in ("model", "region"))
        return Identity(machine, model, region)
