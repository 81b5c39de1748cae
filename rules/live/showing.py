"""What is known of each machine now, as people are shown it.

It is most of what the rules could write, and people do not look four times a second: a machine that
has moved on waits for its turn. What a worker did not live to show, the one that takes over does.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress

import numpy as np

from fleet.batch import FloatColumn
from rules.codec import load
from rules.compiled import CompiledPlan
from rules.live.keeping import Known
from rules.state import NEVER, NO_REGIME, FleetState
from store import rule_state
from store.connection import Connection
from store.rule_state import Now


def show(connection: Connection, compiled: CompiledPlan, known: Known, share: float) -> None:
    """Write what is known of a share of the machines that wait, those that wait for longest."""
    count = int(np.ceil(share * len(known.unshown)))
    machines = sorted(list(known.unshown)[:count])
    if machines:
        show_states(connection, compiled, known.states.take(machines))
    for machine in machines:
        del known.unshown[machine]


def show_left_behind(
    connection: Connection, compiled: Mapping[str, CompiledPlan], partitions: tuple[int, ...]
) -> None:
    """Write what is known of machines whose states are ahead of what people are shown."""
    for machine, product, state in rule_state.unshown(connection, partitions):
        if product in compiled:
            snapshot = load(compiled[product], machine, state)
            show_states(connection, compiled[product], snapshot.state)


def show_states(connection: Connection, compiled: CompiledPlan, state: FleetState) -> None:
    """Write what is known of machines that have sent a sample."""
    now = [known for known in _known_now(compiled, state) if known.measured_at != NEVER]
    if now:
        rule_state.put_now(connection, now)


def _known_now(compiled: CompiledPlan, state: FleetState) -> list[Now]:
    regimes = [regime.id for regime in compiled.plan.regimes]
    keys, known = compiled.signals, state.last_time != NEVER
    columns = zip(
        state.machine_id.tolist(), state.as_of.tolist(), state.regime.tolist(),
        state.regime_since.tolist(), _shown(compiled, state.last_value).tolist(),
        state.last_time.tolist(), known.tolist(), strict=True,
    )  # fmt: skip
    return [
        Now(
            machine,
            as_of,
            None if regime == NO_REGIME else regimes[regime],
            None if since == NEVER else since,
            # Without a loop of its own: a fleet has hundreds of thousands of values.
            dict(compress(zip(keys, zip(values, times, strict=True), strict=True), own)),
        )
        for machine, as_of, regime, since, values, times, own in columns
    ]


def _shown(compiled: CompiledPlan, values: FloatColumn) -> FloatColumn:
    """Values (m, s) without the digits that a column of type real does not hold: 7 of them."""
    real = [signal.type == "real" for signal in compiled.plan.signals]
    own = values[:, real]
    with np.errstate(divide="ignore"):
        digits = 6 - np.floor(np.log10(np.abs(own)))
    digits = np.where(np.isfinite(digits), digits, 0)
    # Powers of ten up to 22 are exact, so what is divided by one is what its digits would be read
    # as; of values below 1e-16 the last bit may differ.
    up, down = 10.0 ** np.maximum(digits, 0), 10.0 ** np.maximum(-digits, 0)
    shown = values.copy()
    shown[:, real] = np.rint(own * up / down) / up * down
    return shown
