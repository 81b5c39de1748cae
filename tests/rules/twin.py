"""The engine once more: slow, row by row, with everything it ever saw at hand."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from fleet.batch import SampleBatch
from fleet.calls import called, text_of, window_of
from fleet.evaluate import evaluate
from fleet.expression import Expression, part_of
from fleet.pace import Pace, pace_of
from fleet.windows import Columns
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.condition import ConditionRule, Identity
from rules.remembered.peers import NO_PEERS, PeerDays

Found = tuple[int, str, str, int, int, int]
#: `max_gap_s` of the plan of these tests.
GAP_MS = 60_000
NOBODY = Identity("", "", "")


@dataclass
class Machine:
    """One machine's rows so far, carried forward, and where its rules stand."""

    times: list[int] = field(default_factory=list)
    last: dict[str, tuple[int, float]] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    raised: dict[str, int] = field(default_factory=dict)
    run: dict[str, tuple[int, int]] = field(default_factory=dict)
    regimes: list[str | None] = field(default_factory=list)
    clock: list[int] = field(default_factory=list)
    arguments: dict[str, list[float]] = field(default_factory=dict)
    habits: dict[str, Habit] = field(default_factory=dict)
    who: Identity = NOBODY
    first_hours: float = math.nan


@dataclass
class Habit:
    """A baseline: blocks learned so far, and the rows of the open one as (value, ill, alarmed)."""

    blocks: list[float] = field(default_factory=list)
    opened: int = 0
    rows: list[tuple[float, bool, bool]] = field(default_factory=list)
    repaired: int = -1


def told(changes: list[AlarmChange]) -> list[Found]:
    """Changes as plain tuples, in order."""
    return sorted((c.machine_id, c.rule, c.kind, c.at, c.since, c.raised_at) for c in changes)


def slow_fold(
    compiled: CompiledPlan,
    identities: dict[int, Identity],
    batch: SampleBatch,
    peers: PeerDays = NO_PEERS,
    machines: dict[int, Machine] | None = None,
) -> list[Found]:
    """The changes of a stream of unique rows, machine by machine and row by row; `machines` are
    left as they stand at the end."""
    found: list[Found] = []
    machines = {} if machines is None else machines
    for i in np.lexsort((batch.measured_at, batch.machine_id)):
        identity = int(batch.machine_id[i])
        machine = machines.setdefault(identity, Machine(who=identities[identity]))
        take_row(compiled, machine, int(batch.measured_at[i]), batch.values[i])
        tick(compiled, machine)
        who = identities[identity]
        known = [
            {text_of(call): recall(compiled, rule, call, machine, who, peers)
             for e in (rule.when, rule.clear) for call in e.remembered}
            for rule in compiled.conditions
        ]  # fmt: skip
        for condition, own in zip(compiled.conditions, known, strict=True):
            found += judge(compiled, condition, identity, who, machine, machine.regimes[-1], own)
        remember(compiled, machine)
    return sorted(found)


def tick(compiled: CompiledPlan, machine: Machine) -> None:
    """Operating time goes on while a running regime held, and not across a gap."""
    machine.regimes.append(regime_of(compiled, machine))
    if len(machine.times) == 1:
        machine.clock.append(0)
        return
    step = machine.times[-1] - machine.times[-2]
    was = compiled.plan.regime.get(machine.regimes[-2] or "")
    counts = was is not None and was.running and step <= compiled.max_gap_ms
    machine.clock.append(machine.clock[-1] + (step if counts else 0))


def recall(
    compiled: CompiledPlan,
    condition: ConditionRule,
    call: ast.Call,
    machine: Machine,
    who: Identity,
    peers: PeerDays,
) -> float:
    """The value of a call that remembers, in the newest row."""
    name, rule, here = called(call), condition.rule, machine.regimes[-1]
    if name in ("peers", "peer_spread"):
        where = "any" if rule.regimes == "any" else "+".join(rule.regimes or ())
        key = f"{ast.unparse(call.args[0])}|{where}"
        day = peers.before(key, who.region, (machine.times[-1] - 8 * 3_600_000) // 86_400_000)
        return math.nan if day is None else day.level if name == "peers" else day.spread
    argument = part_of(condition.when, call.args[0])
    inside = rule.regimes == "any" or here in (rule.regimes or ())
    value = now(argument, machine, dict(rule.params)) if inside else math.nan
    if name in ("baseline", "spread"):
        if not inside:
            return math.nan
        key = f"{argument.text}|{window_of(call).ms}|{here if rule.regimes != 'any' else 'any'}"
        return normal(name, machine.habits.get(key, Habit()), call, machine, who, rule.component)
    service = window_of(call).service
    if service:
        value = now(argument, machine, dict(rule.params))
    series = machine.arguments.setdefault(f"{rule.id}|{text_of(call)}", [])
    if len(series) < len(machine.times):
        series.append(value)
    if service:
        return since_service(compiled, name, argument.text, series, machine, who, service)
    pace = pace_of(compiled.plan, argument.text)
    return over_bins(name, series, machine, window_of(call).ms // 8, compiled.max_gap_ms, pace)


def slow_rises(times: list[int], series: list[float], pace: Pace, begun: float) -> list[float]:
    """What a counter counted in each row, one after the other; `begun` is where it stood ahead of
    them, NaN where nobody knows."""
    runs: list[tuple[float, int | None]] = [] if math.isnan(begun) else [(begun, None)]
    found = []

    def could(old: tuple[float, int | None], new: float, at: int) -> bool:
        return pace.allows(new - old[0], 0 if old[1] is None else at - old[1]) or (
            old[1] is None and new >= old[0]
        )

    for at, value in zip(times, series, strict=True):
        counted = 0.0
        if runs and not math.isnan(value):
            if could(runs[-1], value, at):
                counted = value - runs[-1][0]
            elif len(runs) > 1:
                last, last_at = runs[-1]
                wild = last_at is not None and not could(runs[-2], last, last_at)
                counted = value - runs[-2][0] if wild and could(runs[-2], value, at) else 0.0
        found.append(counted)
        if runs and runs[-1][0] == value:
            runs[-1] = (value, at)
        elif not math.isnan(value):
            runs.append((value, at))
    return found


def over_bins(
    name: str, series: list[float], machine: Machine, width: int, gap: int, pace: Pace
) -> float:
    """A window of operating hours over the eight whole bins before the present one."""
    present = machine.clock[-1] // width
    rows = [i for i, at in enumerate(machine.clock) if present - 8 <= at // width < present]
    known = [i for i in rows if not math.isnan(series[i])]
    if present < 8 or not known:
        return math.nan

    def before(row: int) -> float:
        return next((v for v in reversed(series[:row]) if not math.isnan(v)), math.nan)

    first, last = known[0], known[-1]
    match name:
        case "avg":
            return math.fsum(series[i] for i in known) / len(known)
        case "low":
            return min(series[i] for i in known)
        case "high":
            return max(series[i] for i in known)
        case "delta":
            return series[last] - series[first]
        case "rate":
            minutes = (machine.clock[last] - machine.clock[first]) / 60_000
            return (series[last] - series[first]) / minutes if minutes > 0 else math.nan
        case "count":
            return float(sum(series[i] != 0 and before(i) == 0 for i in known))
        case "hours":
            steps = [machine.times[i] - machine.times[i - 1] for i in rows
                     if i > 0 and not math.isnan(series[i - 1]) and series[i - 1] != 0]  # fmt: skip
            return sum(step for step in steps if step <= gap) / 3_600_000
    counted = slow_rises(machine.times, series, pace, math.nan)
    return math.fsum(counted[i] for i in known)


def since_service(
    compiled: CompiledPlan,
    name: str,
    counter: str,
    series: list[float],
    machine: Machine,
    who: Identity,
    service: str,
) -> float:
    """What was counted in the rows since the service, looked at one after the other."""
    done = [at for what, at in who.services if what == service and at <= machine.times[-1]]
    if done and max(done) <= machine.times[0]:
        return math.nan
    first = next((i for i, at in enumerate(machine.times) if done and at >= max(done)), 0)
    last, total = 0.0 if name == "hours" else math.nan, 0.0
    if not done:
        interval = compiled.plan.service[service]
        if name != "growth" or not machine.first_hours < (interval.every_h or interval.first_h):
            return math.nan
        last = 0.0
    if name == "growth":
        pace = pace_of(compiled.plan, counter)
        total = math.fsum(slow_rises(machine.times[first:], series[first:], pace, last))
    for i in range(first, len(series)):
        step, value = machine.times[i] - machine.times[i - 1] if i > first else 0, series[i]
        if name == "hours":
            total += step / 3_600_000 if last and step <= GAP_MS else 0
            last = 0.0 if math.isnan(value) else value
        elif not math.isnan(value):
            total += name == "count" and value != 0 and last == 0
            last = value
    return math.nan if all(math.isnan(value) for value in series[first:]) else total


def normal(
    name: str, habit: Habit, call: ast.Call, machine: Machine, who: Identity, component: str
) -> float:
    """What is normal in the newest row: of the blocks that ended before it."""
    blocks = closed(habit, machine.clock[-1] // (window_of(call).ms // 25)).blocks
    if repaired(habit, machine, who, component) or len(blocks) < 25:
        return math.nan
    level = median(blocks)
    return level if name == "baseline" else 1.4826 * median(abs(b - level) for b in blocks)


def repaired(habit: Habit, machine: Machine, who: Identity, component: str) -> int | None:
    """The repair that takes effect in the newest row."""
    due = [at for what, at in who.repairs
           if what == component and habit.repaired < at <= machine.times[-1]]  # fmt: skip
    return max(due, default=None)


def closed(habit: Habit, block: int) -> Habit:
    """The baseline once its open block has ended, if it has."""
    if block == habit.opened:
        return habit
    blocks, values = list(habit.blocks), [v for v, _, _ in habit.rows if not math.isnan(v)]
    healthy = not any(ill for _, ill, _ in habit.rows)
    follows = habit.opened % 10 == 0 and not any(alarmed for _, _, alarmed in habit.rows)
    if len(values) >= 6 and healthy and (len(blocks) < 25 or follows):
        blocks = [*blocks, math.fsum(values) / len(values)][-25:]
    return Habit(blocks, block, [], habit.repaired)


def remember(compiled: CompiledPlan, machine: Machine) -> None:
    """Learn the newest row, now that it is judged."""
    gauges = compiled.gauges
    for gauge in gauges.baselines:
        where = "any"
        if gauge.regimes is not None:
            where = compiled.plan.regimes[gauge.regimes[0]].id
        key = f"{gauge.argument.text}|{gauge.span_ms}|{where}"
        inside = where in ("any", machine.regimes[-1])
        value = now(gauge.argument, machine, {}) if inside else math.nan
        ill = any(
            rule.rule.id in machine.raised and i not in gauges.learning
            and rule.rule.component in gauge.components
            for i, rule in enumerate(compiled.conditions)
        )  # fmt: skip
        alarmed = any(compiled.conditions[i].rule.id in machine.raised for i in gauge.users)
        habit = closed(machine.habits.get(key, Habit()), machine.clock[-1] // (gauge.span_ms // 25))
        moment = repaired(habit, machine, machine.who, *gauge.components)
        if moment is not None:
            habit = Habit([], habit.opened, [], moment)
        habit.rows.append((value, ill, alarmed))
        machine.habits[key] = habit


def take_row(compiled: CompiledPlan, machine: Machine, time: int, values: np.ndarray) -> None:
    row = {}
    for s, key in enumerate(compiled.signals):
        if not math.isnan(values[s]):
            if key == compiled.plan.hours_signal and math.isnan(machine.first_hours):
                machine.first_hours = float(values[s])
            machine.last[key] = (time, float(values[s]))
        at, value = machine.last.get(key, (0, math.nan))
        fresh = time - at <= max(compiled.plan.signal[key].period_s, 10) * 3000
        row[key] = value if fresh else math.nan
    machine.times.append(time)
    machine.rows.append(row)


def regime_of(compiled: CompiledPlan, machine: Machine) -> str | None:
    for regime, when in zip(compiled.plan.regimes, compiled.regimes, strict=True):
        if now(when, machine, {}) == 1:
            return regime.id
    return None


def now(
    expression: Expression,
    machine: Machine,
    params: dict[str, float],
    known: dict[str, float] | None = None,
) -> float:
    """The expression in the newest row, from the rows of the machine that windows may reach."""
    reach = machine.times[-1] - 2 * expression.lookback_ms - 1
    recent = [i for i, at in enumerate(machine.times) if at > reach]
    times = np.array([machine.times[i] for i in recent])
    values = {
        key: np.array([machine.rows[i][key] for i in recent])
        for key in machine.rows[0]
        if key in expression.names
    }
    values |= {text: np.full(len(times), value) for text, value in (known or {}).items()}
    return float(evaluate(expression, Columns(times, np.array([0]), values, GAP_MS), params)[-1])


def judge(
    compiled: CompiledPlan,
    condition: ConditionRule,
    identity: int,
    who: Identity,
    machine: Machine,
    regime: str | None,
    known: dict[str, float],
) -> list[Found]:
    rule, time = condition.rule, machine.times[-1]
    params = dict(rule.params)
    for name, wanted in (("region", who.region), ("model", who.model), ("machine", who.serial)):
        for override in rule.overrides:
            if getattr(override, name) == wanted:
                params.update(override.params)
    raised = rule.id in machine.raised
    truth = now(condition.clear if raised else condition.when, machine, params, known)
    if not raised and rule.regimes != "any":
        if regime is None:
            truth = 0.0 if truth == 0 else math.nan
        elif regime not in (rule.regimes or ()):
            truth = 0.0
    if math.isnan(truth):
        return []
    if truth == 0:
        machine.run.pop(rule.id, None)
        return []
    begun, known = machine.run.get(rule.id, (time, time))
    if time - known > compiled.max_gap_ms:
        begun = time
    machine.run[rule.id] = (begun, time)
    if time - begun < (condition.clear_hold_ms if raised else condition.hold_ms):
        return []
    del machine.run[rule.id]
    if raised:
        return [(identity, rule.id, "cleared", time, begun, machine.raised.pop(rule.id))]
    machine.raised[rule.id] = time
    return [(identity, rule.id, "raised", time, begun, time)]
