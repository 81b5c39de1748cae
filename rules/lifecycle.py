"""The life of an alarm after ISA-18.2, and what of it is handed over to tickets. Pure.

active -> (seen) acknowledged. When the condition is gone, an alarm that was acknowledged, is of
no more than a warning, or leads to no ticket is cleared; any other stands as returned until
somebody has seen it, and the same alarm raised again meanwhile is one more occurrence of it.

A late alarm is one that is detected long after it was raised. Nobody is paged for it before it
is known whether it still stands: it is cleared without a page when its end is found, and judged
when the machine's data has caught up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.finding import Finding, Kind
from fleet.plan import Rule
from fleet.text import Text
from rules.changes import AlarmChange
from rules.evidence import Account
from store.alarms import AlarmRecord, Span

#: Up to this severity an alarm that is gone needs nobody to see it.
SELF_CLEARING_SEVERITY = 2
#: Occurrences an alarm remembers one by one.
KEPT_SPANS = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what an alarm is raised: its rule, the plan's version, what kind of finding it makes,
    the time now, and from which age on (ms) it counts as late."""

    rule: Rule
    plan_version: str
    kind: Kind
    now: int
    late_ms: int


@dataclass(slots=True)
class Entry:
    """An alarm being worked on, and the findings it made; `dropped` where it is to be unmade."""

    record: AlarmRecord
    findings: list[Finding] = field(default_factory=list)
    dropped: bool = False


class Ledger:
    """The live alarms of some machines, and everything that becomes of them in one batch."""

    def __init__(self, live: Iterable[AlarmRecord]) -> None:
        self._live = {record.key: Entry(record) for record in live}
        self._touched: dict[int, Entry] = {}

    def raise_(self, change: AlarmChange, account: Account, setting: Setting) -> None:
        """An alarm was raised: a new one, or one more occurrence of one that had returned."""
        key = (change.machine_id, change.component, change.rule)
        entry = self._live.get(key)
        if entry is None:
            entry = Entry(_new(change, account, setting))
        elif entry.record.state == "returned":
            entry.record = again(entry.record, change.at, account, setting)
        else:
            return
        self._keep(entry)
        if not entry.record.late or setting.rule.late == "page":
            self.judge(entry, account, setting, page=True)

    def clear(self, change: AlarmChange, setting: Setting) -> None:
        """The condition of an alarm is gone."""
        entry = self._live.get((change.machine_id, change.component, change.rule))
        if entry is None or entry.record.state == "returned":
            return
        record = entry.record
        entry.record = ended(record, change.at, setting.rule)
        if not record.judged and setting.rule.late == "ignore":
            entry.record = replace(entry.record, judged=True)
            entry.dropped = record.occurrences == 1
        elif not record.judged:
            account = Account(*_texts(record, setting.rule), dict(record.evidence))
            self.judge(entry, account, setting, page=False)
        self._keep(entry)

    def judge(self, entry: Entry, account: Account, setting: Setting, *, page: bool) -> None:
        """Hand the latest occurrence over to tickets."""
        entry.findings.append(finding_of(entry.record, account, setting, page=page))
        entry.record = replace(entry.record, judged=True)
        self._keep(entry)

    def judge_waiting(self, settings: Mapping[str, Setting]) -> None:
        """Page for late alarms that still stand although the machine's data has caught up."""
        for entry in list(self._live.values()):
            setting = settings.get(entry.record.rule)
            if setting is not None and not entry.record.judged:
                texts = _texts(entry.record, setting.rule)
                account = Account(*texts, dict(entry.record.evidence))
                self.judge(entry, account, setting, page=True)

    @property
    def entries(self) -> Sequence[Entry]:
        """All alarms that changed."""
        return list(self._touched.values())

    def _keep(self, entry: Entry) -> None:
        self._touched[id(entry)] = entry
        if entry.record.live and not entry.dropped:
            self._live[entry.record.key] = entry
        elif self._live.get(entry.record.key) is entry:
            del self._live[entry.record.key]


def again(record: AlarmRecord, at: int, account: Account, setting: Setting) -> AlarmRecord:
    """One more occurrence of an alarm that had returned."""
    late = setting.now - at > setting.late_ms
    return replace(
        record,
        state="active",
        plan_version=setting.plan_version,
        severity=setting.rule.severity,
        returned_at=None,
        occurrences=record.occurrences + 1,
        spans=(*record.spans, (at, None))[-KEPT_SPANS:],
        late=late,
        judged=not late,
        evidence=_evidence(account),
    )


def ended(record: AlarmRecord, at: int, rule: Rule) -> AlarmRecord:
    """The alarm once its condition is gone at `at`."""
    spans = (*record.spans[:-1], (record.spans[-1][0], at))
    return settled(replace(record, spans=spans), rule)


def settled(record: AlarmRecord, rule: Rule) -> AlarmRecord:
    """The record with the state that its occurrences and what people did make of it."""
    end = record.spans[-1][1]
    seen = record.acknowledged_at is not None
    if end is None:
        state = "acknowledged" if seen else "active"
        return replace(record, state=state, returned_at=None, cleared_at=None)  # type: ignore[arg-type]  # one of the states
    over = (
        seen
        or not needs_somebody(record, rule)
        or (record.late and not record.judged)
        or record.state == "cleared"
    )
    if over:
        cleared_at = max(end, record.acknowledged_at or end)
        return replace(record, state="cleared", returned_at=end, cleared_at=cleared_at)
    return replace(record, state="returned", returned_at=end, cleared_at=None)


def needs_somebody(record: AlarmRecord, rule: Rule) -> bool:
    """Whether somebody has to see the alarm before it is over."""
    return rule.ticket and record.severity > SELF_CLEARING_SEVERITY


def finding_of(record: AlarmRecord, account: Account, setting: Setting, *, page: bool) -> Finding:
    """What tickets are told of the alarm's latest occurrence."""
    rule = setting.rule
    return Finding(
        record.machine_id,
        setting.kind,
        rule.id,
        record.component,
        record.severity,
        record.spans[-1][0],
        account.title,
        account.reason,
        account.evidence,
        tuple(account.evidence.get("failure_modes", ())) or rule.failure_modes,
        late=record.late,
        page=page,
        alarm_id=record.id,
    )


def new_record(
    at: int, key: tuple[int, str, str], account: Account, setting: Setting
) -> AlarmRecord:
    """An alarm just raised; a late one is not judged yet."""
    machine_id, component, rule = key
    late = setting.now - at > setting.late_ms
    span: Span = (at, None)
    return AlarmRecord(
        None, machine_id, component, rule, setting.plan_version, setting.rule.severity, "active",
        at, None, setting.now, None, None, None, 1, (span,), late, not late, _evidence(account),
    )  # fmt: skip


def _new(change: AlarmChange, account: Account, setting: Setting) -> AlarmRecord:
    key = (change.machine_id, change.component, change.rule)
    return new_record(change.at, key, account, setting)


def _evidence(account: Account) -> dict[str, Any]:
    """Evidence with the words it was told in, for a finding that is made later."""
    return {
        **account.evidence,
        "title": account.title.model_dump(),
        "reason": account.reason.model_dump(),
    }


def _texts(record: AlarmRecord, rule: Rule) -> tuple[Text, Text]:
    title, reason = record.evidence.get("title"), record.evidence.get("reason")
    return (
        Text.model_validate(title) if title else rule.name,
        Text.model_validate(reason) if reason else rule.advice,
    )
