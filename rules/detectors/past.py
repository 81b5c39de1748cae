"""Stretches of a machine's past, for learning. The same gathering as live (stretches.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fleet.batch import SampleBatch
from fleet.carry import first_true
from rules.compiled import CompiledPlan
from rules.detectors.fitting import TooLittleToLearn
from rules.detectors.learning import Seen
from rules.detectors.live import features_of, still_of
from rules.detectors.stretches import gather
from rules.detectors.watched import nothing_open
from rules.sheet import sheet_of
from rules.state import empty_state


def past_of(compiled: CompiledPlan, batch: SampleBatch) -> dict[str, Seen]:
    """What each detector saw of machines whose whole past of interest is in `batch`, by rule."""
    if len(batch) == 0 or not compiled.detectors:
        return {}
    machines = np.unique(batch.machine_id)
    sheet = sheet_of(compiled, empty_state(compiled, machines.tolist()), batch)
    regime = first_true(compiled.regimes, sheet.columns).astype(np.int16)
    found = {}
    for detector in compiled.detectors:
        opened = np.tile(nothing_open(detector), (len(machines), 1))
        _, ended = gather(detector, machines, opened, sheet.grid, sheet.columns.values, regime)
        found[detector.rule.id] = Seen(
            machines[ended.machine],
            ended.end_ms,
            features_of(detector, ended),
            still_of(detector, ended),
        )
    return found


def joined(parts: Sequence[Seen]) -> Seen:
    """Pasts of several machines as one. Raises TooLittleToLearn where there are none."""
    if not parts:
        raise TooLittleToLearn("No machine has sent anything yet.")
    return Seen(
        np.concatenate([part.machine for part in parts]),
        np.concatenate([part.end_ms for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.still for part in parts]),
    )


def newest(seen: Seen, before_ms: int, most: int) -> Seen:
    """At most the newest `most` stretches of each machine that ended before a moment."""
    seen = seen.where(seen.end_ms <= before_ms)
    if len(seen.machine) == 0:
        return seen
    starts = np.flatnonzero(np.append(True, seen.machine[1:] != seen.machine[:-1]))
    ends = np.append(starts[1:], len(seen.machine))
    keep = np.zeros(len(seen.machine), bool)
    for start, end in zip(starts, ends, strict=True):
        keep[max(start, end - most) : end] = True
    return seen.where(keep)


def of_models(seen: Seen, models: Mapping[int, str], fewest_machines: int) -> dict[str, Seen]:
    """The past by machine model where enough machines of one are known, and of all under ""."""
    found = {"": seen}
    own = np.array([models.get(machine, "") for machine in seen.machine.tolist()])
    for model in sorted(set(own.tolist()) - {""}):
        chosen = seen.where(own == model)
        if len(np.unique(chosen.machine)) >= fewest_machines:
            found[model] = chosen
    return found
