"""Trouble codes: which rule a code belongs to, and when its alarm is raised and cleared.

A report is the full list of codes active at its moment (J1939 DM1): a code is active from the
first report that holds it to the first that does not. Each code is an alarm of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from fleet.batch import FaultCode, FaultReport
from fleet.rule import FaultMatch, Rule
from rules.changes import AlarmChange
from rules.compiled import CompiledPlan
from rules.state import NEVER


@dataclass(frozen=True, slots=True)
class ActiveCode:
    """A code, the moment (milliseconds since 1970 UTC) from which it has been active, and those
    from which its occurrence count has stood as it does, and its lamp; `anew_at` is when something
    else than a report closed an alarm of it, from when on its rules begin anew."""

    code: FaultCode
    since: int
    counted_at: int = NEVER
    lit_at: int = NEVER
    anew_at: int = NEVER

    def due(self, rule: Rule) -> int:
        """When the alarm of a rule that looks at the code is raised: after its hold, and not before
        the code was what the rule asks for."""
        match, since = rule.faults, max(self.since, self.anew_at)
        assert match is not None
        if match.lamp or match.unmatched:
            since = max(since, self.lit_at)
        due = since + round((rule.hold_s or 0) * 1000)
        counts = match.occurrences is not None or match.unmatched
        return max(due, self.counted_at) if counts else due


@dataclass(frozen=True, slots=True)
class FaultState:
    """What is known of a machine's trouble codes: `active` by the code's key, `raised` rule and
    key -> when its alarm was raised, all as of `as_of`."""

    as_of: int = NEVER
    active: Mapping[str, ActiveCode] = field(default_factory=dict)
    raised: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def begun_anew(self, closed: Collection[tuple[str, str]], at: int) -> FaultState:
        """Without alarms (rule and key) that something else than a report closed: what still holds
        is raised again, by its rule's hold, later than `at`: one moment is one finding."""
        raised = {one: since for one, since in self.raised.items() if one not in closed}
        keys = {key for _, key in closed}
        active = {
            key: replace(one, anew_at=at + 1) if key in keys else one
            for key, one in self.active.items()
        }
        return replace(self, active=active, raised=raised)


def fold_faults(
    compiled: CompiledPlan, state: FaultState, reports: Sequence[FaultReport]
) -> tuple[FaultState, list[AlarmChange]]:
    """Fold one machine's reports, each newer than `state.as_of`, over what is known of it."""
    changes: list[AlarmChange] = []
    for report in sorted(reports, key=lambda report: report.measured_at):
        # What is gone at the moment at which its hold would have run out has not held.
        state, ripe = _ripen(compiled, state, report.machine_id, report.measured_at - 1)
        state, gone = _take(compiled, state, report)
        state, fresh = _ripen(compiled, state, report.machine_id, report.measured_at)
        changes += ripe + gone + fresh
    return state, changes


def ripen(
    compiled: CompiledPlan, state: FaultState, machine_id: int, clock: int
) -> tuple[FaultState, list[AlarmChange]]:
    """Raise what has been active for its rule's hold at `clock`, as telemetry shows the machine
    to be alive."""
    after, changes = _ripen(compiled, state, machine_id, clock)
    newest = max((change.at for change in changes), default=NEVER)
    return replace(after, as_of=max(after.as_of, newest)), changes


def rules_of(rules: Sequence[Rule], code: FaultCode) -> Iterator[Rule]:
    """The fault rules that look at a code."""
    plain = [rule for rule in rules if rule.faults is not None and not rule.faults.unmatched]
    found = [rule for rule in plain if rule.faults is not None and matches(rule.faults, code)]
    yield from found
    if not found:
        for rule in rules:
            if rule.faults is not None and rule.faults.unmatched and matches(rule.faults, code):
                yield rule


def matches(match: FaultMatch, code: FaultCode) -> bool:
    """Whether a code is one of those a rule names; what the rule leaves out matches all."""
    return (
        (not match.spn or code.spn in match.spn)
        and (not match.fmi or code.fmi in match.fmi)
        and (not match.lamp or code.lamp in match.lamp)
        and (not match.code or code.code in match.code)
        and (match.occurrences is None or (code.oc or 0) >= match.occurrences)
    )


def active_codes(report: FaultReport) -> dict[str, FaultCode]:
    """The codes of a report by key."""
    return {code.key: code for code in report.active if not code.says_none}


def active_state(state: FaultState) -> list[dict[str, object]]:
    """The active codes as JSON, each with the moment from which it has been active."""
    return [
        {"key": key, **_told(entry.code), "since_ms": entry.since}
        for key, entry in state.active.items()
    ]


def standing_codes(
    compiled: CompiledPlan, machine_id: int, state: FaultState
) -> list[tuple[tuple[int, str, str], int]]:
    """The alarms of codes that stand: machine, component and rule, and when each was raised."""
    return [
        ((machine_id, _component(compiled, rule, key), rule), at)
        for (rule, key), at in state.raised.items()
    ]


def _take(
    compiled: CompiledPlan, state: FaultState, report: FaultReport
) -> tuple[FaultState, list[AlarmChange]]:
    """The state once a report is known: codes it lacks are over."""
    at = report.measured_at
    active = {}
    for key, code in active_codes(report).items():
        before = state.active.get(key)
        if before is None:
            active[key] = ActiveCode(code, at, at, at)
        else:
            counted_at = before.counted_at if code.oc == before.code.oc else at
            lit_at = before.lit_at if code.lamp == before.code.lamp else at
            active[key] = ActiveCode(code, before.since, counted_at, lit_at, before.anew_at)
    changes, raised = [], dict(state.raised)
    for rule, key in state.raised:
        if key not in active:
            raised_at = raised.pop((rule, key))
            component = _component(compiled, rule, key)
            changes.append(
                AlarmChange(report.machine_id, rule, component, "cleared", at, at, raised_at)
            )
    return FaultState(at, active, raised), changes


def _ripen(
    compiled: CompiledPlan, state: FaultState, machine_id: int, clock: int
) -> tuple[FaultState, list[AlarmChange]]:
    changes, raised = [], dict(state.raised)
    for key, entry in state.active.items():
        for rule in rules_of(compiled.fault_rules, entry.code):
            due = entry.due(rule)
            if (rule.id, key) in raised or due > clock:
                continue
            raised[rule.id, key] = due
            codes = ({"key": key, **_told(entry.code)},)
            component = _component(compiled, rule.id, key)
            changes.append(
                AlarmChange(
                    machine_id, rule.id, component, "raised", due, entry.since, due, codes=codes
                )
            )
    changes.sort(key=lambda change: (change.at, change.rule, change.component))
    return replace(state, raised=raised), changes


def _told(code: FaultCode) -> dict[str, object]:
    return {name: value for name, value in asdict(code).items() if value is not None}


def _component(compiled: CompiledPlan, rule: str, key: str) -> str:
    return f"{compiled.plan.rule[rule].component}/{key}"
