"""Following the ingest log: the use of every part taken on, in one transaction with the cursor.

Late samples, and parts fitted in the past, are folded in from the state kept ahead of their day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fleet.batch import SampleBatch
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.plan import Catalogue, ProductPlan
from predict.state import from_json, to_json
from predict.usage import Folded, MachineUsage, fold, needed_signals
from store import ingest_log, reading, usage
from store.connection import Connection
from store.ingest_log import LogEntry
from store.usage import Row

CONSUMER = "predict"
MOST_ENTRIES = 500
#: Rows folded in one transaction; one entry of the log may be larger.
MOST_SAMPLES = 400_000
#: Machines with newly fitted parts that are measured in one transaction.
MOST_MACHINES = 50
#: Samples later than this are folded in from the beginning of the machine's history.
KEEP_DAYS = 40
#: Days of one machine that are read and folded anew at once.
AGAIN_DAYS = 20


def follow_once(connection: Connection, catalogue: Catalogue) -> set[int] | None:
    """Take the next entries of the log on; the machines whose use changed, None at its end.

    Runs in the caller's transaction.
    """
    usage.lock(connection)
    entries = _portion(ingest_log.follow(connection, CONSUMER, MOST_ENTRIES))
    newly_fitted = usage.unmeasured(connection, MOST_MACHINES)
    products = {entry.product for entry in entries if entry.kind == "telemetry"}
    changed: set[int] = set()
    for product in sorted(products | set(newly_fitted)):
        plan = catalogue.plans[product]
        own = [e for e in entries if e.product == product and e.kind == "telemetry"]
        batch = _read(connection, plan, own)
        fitted = {m: to_ms(at) for m, at in newly_fitted.get(product, {}).items()}
        changed |= _take_on(connection, plan, batch, fitted)
    if entries:
        ingest_log.advance(connection, CONSUMER, entries[-1].position)
    return changed if entries or changed else None


def _portion(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """The first entries up to MOST_SAMPLES, at least one."""
    taken: list[LogEntry] = []
    samples = 0
    for entry in entries:
        samples += entry.samples if entry.kind == "telemetry" else 0
        if taken and samples > MOST_SAMPLES:
            break
        taken.append(entry)
    return taken


def _read(connection: Connection, plan: ProductPlan, entries: Sequence[LogEntry]) -> SampleBatch:
    return reading.read_batches(connection, plan, entries, needed_signals(plan))


def _take_on(
    connection: Connection, plan: ProductPlan, batch: SampleBatch, fitted: Mapping[int, int]
) -> set[int]:
    """Fold a batch, and parts fitted at moments that were folded already, into the use."""
    machines, first = np.unique(batch.machine_id, return_index=True)
    oldest = dict(zip(machines.tolist(), batch.measured_at[first].tolist(), strict=True))
    known = {
        machine: from_json(state)
        for machine, state in usage.states(connection, oldest.keys() | fitted.keys()).items()
    }
    late = {m: at for m, at in oldest.items() if m in known and at <= known[m].as_of}
    late |= {m: min(at, late.get(m, at)) for m, at in fitted.items() if m in known}
    on_time = batch.take(~np.isin(batch.machine_id, list(late)))
    starts = {m: state for m, state in known.items() if m not in late}
    _fold(connection, plan, starts, on_time)
    if late:
        again = {
            machine: from_json(state)
            for machine, state in usage.checkpoints_ahead(connection, late).items()
        }
        folded = _fold_again(connection, plan, batch, known, again, late)
        _begin_now(connection, known, fitted.keys() - folded)
    return set(oldest) | set(late)


def _fold_again(
    connection: Connection,
    plan: ProductPlan,
    batch: SampleBatch,
    known: Mapping[int, MachineUsage],
    starts: Mapping[int, MachineUsage],
    machines: Collection[int],
) -> set[int]:
    """Fold the samples of the machines anew, from where `starts` end to the newest that was folded
    or has come now; some days of one machine at a time. The machines that had samples."""
    found = set()
    for machine in machines:
        states = {machine: starts[machine]} if machine in starts else {}
        own = batch.measured_at[batch.machine_id == machine].tolist()
        first = min([known[machine].first_at, *own[:1]])
        since = starts[machine].as_of + 1 if machine in starts else first
        until = max([known[machine].as_of, *own[-1:]]) + 1
        for begin in range(since, until, AGAIN_DAYS * MS_PER_DAY):
            end = min(begin + AGAIN_DAYS * MS_PER_DAY, until)
            rows = reading.read_range(connection, plan, [machine], begin, end, needed_signals(plan))
            if len(rows):
                states = _fold(connection, plan, states, rows)
                found.add(machine)
    return found


def _fold(
    connection: Connection,
    plan: ProductPlan,
    starts: Mapping[int, MachineUsage],
    batch: SampleBatch,
) -> dict[int, MachineUsage]:
    """Take states on over a batch and keep what follows; the states after it."""
    machines = np.unique(batch.machine_id).tolist()
    if not machines:
        return {}
    since = {m: starts[m].as_of if m in starts else 0 for m in machines}
    fitted = usage.fitted_since(connection, since)
    cuts: dict[int, list[int]] = {machine: [] for machine in machines}
    for row in fitted:
        moments = (to_ms(at) for at in (row["fitted_at"], row["removed_at"]) if at is not None)
        cuts[row["machine_id"]] += [at for at in moments if at > since[row["machine_id"]]]
    folded = fold(plan, starts, batch, cuts)
    _keep_states(connection, folded)
    _keep_use(connection, fitted, folded, since)
    return folded.states


def _begin_now(
    connection: Connection, known: Mapping[int, MachineUsage], machines: Collection[int]
) -> None:
    """Where the samples since a fitting are no longer kept, its use begins now."""
    rows = [
        row
        for row in usage.fitted_since(connection, {m: known[m].as_of for m in machines})
        if row["at_fitting"] is None and row["removed_at"] is None
    ]
    usage.put_part_usage(
        connection,
        [row["id"] for row in rows],
        [known[row["machine_id"]].totals.get(row["part"], 0.0) for row in rows],
        [row["used_before"] for row in rows],
        [to_datetime(known[row["machine_id"]].as_of) for row in rows],
    )


def _keep_states(connection: Connection, folded: Folded) -> None:
    states = {m: (state.as_of, to_json(state)) for m, state in folded.states.items()}
    checkpoints = {
        (machine, cut): (state.as_of, to_json(state))
        for (machine, cut), state in folded.before.items()
        if state is not None
        and cut % MS_PER_DAY == 0
        and cut > folded.states[machine].as_of - KEEP_DAYS * MS_PER_DAY
    }
    usage.put(connection, states, checkpoints, KEEP_DAYS)
    ahead_of_days = {
        (machine, cut): {"hours": state.hours, "totals": state.totals}
        for (machine, cut), state in folded.before.items()
        if state is not None and cut % MS_PER_DAY == 0
    }
    usage.put_months(connection, ahead_of_days)
    usage.put_shown(connection, _shown(folded))


def _shown(folded: Folded) -> list[usage.ShownDay]:
    """What parts showed on the days that were folded, each with the use of the part by its end."""
    found: dict[tuple[int, str, int], usage.ShownDay] = {}
    states = [(machine, state) for (machine, _), state in folded.before.items() if state]
    for machine, state in [*states, *folded.states.items()]:
        for part, (day, samples, total) in state.shown.items():
            known = found.get((machine, part, day))
            if known is None or known.samples <= samples:
                mean, use = total / samples, state.totals.get(part, 0.0)
                found[machine, part, day] = usage.ShownDay(machine, part, day, samples, mean, use)
    return list(found.values())


def _keep_use(
    connection: Connection, fitted: Sequence[Row], folded: Folded, since: Mapping[int, int]
) -> None:
    """The use of each fitted part: the machine's total now, or when it was removed, less the
    total when it was fitted."""
    ids, at_fitting, used, as_of = [], [], [], []
    for row in fitted:
        machine, part = row["machine_id"], row["part"]
        now = folded.states[machine]
        start, end = to_ms(row["fitted_at"]), now
        if row["removed_at"] is not None:
            end = folded.before.get((machine, to_ms(row["removed_at"]))) or replace(now, totals={})
        begin = row["at_fitting"] or 0.0
        if start > since[machine]:
            ahead = folded.before[machine, start]
            begin = ahead.totals.get(part, 0.0) if ahead else 0.0
        ids.append(row["id"])
        at_fitting.append(begin)
        used.append(row["used_before"] + max(0.0, end.totals.get(part, 0.0) - begin))
        as_of.append(row["removed_at"] or to_datetime(now.as_of))
    usage.put_part_usage(connection, ids, at_fitting, used, as_of)
