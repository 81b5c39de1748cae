"""The life of an alarm after ISA-18.2, and what of it is handed over to tickets. Pure.

active -> (seen) acknowledged. When the condition is gone, an alarm that was acknowledged, is of
no more than a warning, or leads to no ticket is cleared; any other stands as returned until
somebody has seen it, and the same alarm raised again meanwhile is one more occurrence of it.

An alarm that comes again soon after it was cleared, or flaps, is a further occurrence of the
earlier one (rules.alarms.recurrence). What somebody silenced (rules.alarms.quiet), and what comes
again so soon, is recorded and pages nobody; where it still stands when that is over, it is paged
then.

A late alarm is one that is detected long after it was raised. Nobody is paged for it before it
is known whether it still stands: it is cleared without a page when its end is found, and judged
when the machine's data has caught up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fleet.finding import Finding
from fleet.rule import Rule
from fleet.text import Text
from rules.alarms.evidence import Account
from rules.alarms.paging import (
    Quiet,
    Setting,
    evidence_of,
    finding_of,
    quiet_of,
    texts_of,
    told,
    told_anew,
    visit_forgotten,
)
from rules.alarms.quiet import in_words
from rules.alarms.recurrence import flaps, joins
from rules.changes import AlarmChange
from store.alarms import AlarmRecord, Span
from store.suppressions import Hold

#: Up to this severity an alarm that is gone needs nobody to see it.
SELF_CLEARING_SEVERITY = 2
#: Occurrences an alarm remembers one by one.
KEPT_SPANS = 100


@dataclass(slots=True)
class Entry:
    """An alarm being worked on, and the findings it made; `dropped` where it is to be unmade,
    `absorbed` the ids of alarms whose findings are its own from now on, `reopened` where it was
    recorded as over and is not."""

    record: AlarmRecord
    findings: list[Finding] = field(default_factory=list)
    dropped: bool = False
    absorbed: tuple[int, ...] = ()
    reopened: bool = False


Holds = Mapping[int, Sequence[Hold]]


class Ledger:
    """The live alarms of some machines and those cleared of late, and everything that becomes of
    them in one batch; `holds` is what people silenced on these machines."""

    def __init__(self, records: Iterable[AlarmRecord], holds: Holds | None = None) -> None:
        entries = [Entry(record) for record in records]
        self._live = {entry.record.key: entry for entry in entries if entry.record.live}
        over = [entry for entry in entries if not entry.record.live]
        over.sort(key=lambda entry: entry.record.spans[-1][1] or 0)
        self._over = {entry.record.key: entry for entry in over}
        self._holds: Holds = holds or {}
        self._touched: dict[int, Entry] = {}

    def raise_(self, change: AlarmChange, account: Account, setting: Setting) -> None:
        """An alarm was raised: a new one, or one more occurrence of one that had returned or was
        cleared a short while ago."""
        key = (change.machine_id, change.component, change.rule)
        holds = self._holds.get(change.machine_id, ())
        self._calm(self._live.get(key), setting, change.at)
        entry, over = self._live.get(key), self._over.get(key)
        if entry is None and over is not None:
            entry = over if joins(over.record.spans, change.at, setting.recurrence) else None
        if entry is None:
            entry = Entry(_new(change, account, setting, holds))
        elif entry.record.spans[-1][1] is not None:
            entry.record = again(entry.record, change.at, account, setting, holds)
        else:
            return
        self._keep(entry)
        unjudged = not entry.record.judged and entry.record.suppression is None
        if entry.record.judged or (unjudged and setting.rule.late == "page"):
            self.judge(entry, account, setting, page=True)

    def clear(self, change: AlarmChange, setting: Setting) -> None:
        """The condition of an alarm is gone."""
        entry = self._live.get((change.machine_id, change.component, change.rule))
        if entry is None or entry.record.state == "returned":
            return
        record = entry.record
        silent = quiet_of(record, setting, self._holds.get(change.machine_id, ()))
        entry.record = ended(record, change.at, setting)
        if not record.judged and record.late and setting.rule.late == "ignore":
            entry.record = _ignored(entry.record, setting)
            entry.dropped = record.occurrences == 1
        elif not record.judged:
            self._close_unjudged(entry, silent, change.at, setting)
        self._keep(entry)

    def _close_unjudged(
        self, entry: Entry, silent: Quiet | None, at: int, setting: Setting
    ) -> None:
        """An occurrence nobody was paged for is over: record it, with the reason; where it
        outlived what kept it quiet, it is paged as it would have been then."""
        account = Account(*texts_of(entry.record, setting.rule), dict(entry.record.evidence))
        if silent is None:
            known = None if entry.record.late else entry.record.suppression
            self.judge(entry, account, setting, page=False, quiet=in_words(known))
        elif silent.until <= at:
            late = entry.record.late
            self.judge(entry, account, setting, page=not late)
            if late:
                entry.record = replace(entry.record, suppression=None)
            else:
                entry.record = settled(told(entry.record), setting)
        elif silent.text is not None:
            self.judge(entry, account, setting, page=False, quiet=silent.text)
        else:
            entry.record = replace(entry.record, judged=True)

    def judge(
        self,
        entry: Entry,
        account: Account,
        setting: Setting,
        *,
        page: bool,
        quiet: Text | None = None,
    ) -> None:
        """Hand the latest occurrence over to tickets."""
        finding = finding_of(entry.record, account, setting, page=page)
        reason = told_anew(finding.reason, entry.record) if page else finding.reason
        entry.findings.append(replace(finding, quiet=quiet, reason=reason))
        told = entry.record.told or (page and quiet is None)
        entry.record = replace(entry.record, judged=True, told=told)
        self._keep(entry)

    def judge_waiting(self, settings: Mapping[str, Setting], as_of: Mapping[int, int]) -> None:
        """Page for alarms that waited and still stand: late ones whose machine's data has caught
        up, those that nothing keeps quiet any more, and those that a ticket left standing; on
        these machines (-> newest moment)."""
        for entry in list(self._live.values()):
            record, setting = entry.record, settings.get(entry.record.rule)
            if setting is None or record.judged or record.machine_id not in as_of:
                continue
            silent = quiet_of(record, setting, self._holds.get(record.machine_id, ()))
            if silent is not None and silent.until > setting.now:
                continue
            seen = setting.now if setting.kind == "connection" else as_of[record.machine_id]
            if seen < visit_forgotten(record, setting):
                continue
            waited = record.suppression is not None or record.visited_at is not None
            entry.record = told(record) if waited else record
            account = Account(*texts_of(record, setting.rule), dict(record.evidence))
            self.judge(entry, account, setting, page=True)

    def steady(self, settings: Mapping[str, Setting], as_of: Mapping[int, int]) -> None:
        """End the flapping of alarms that were quiet for long enough in their machine's time
        (machine -> newest moment)."""
        for entry in list(self._live.values()):
            setting = settings.get(entry.record.rule)
            if setting is not None:
                self._calm(entry, setting, as_of.get(entry.record.machine_id, 0))

    def _calm(self, entry: Entry | None, setting: Setting, as_of: int) -> None:
        if entry is None or not entry.record.flapping:
            return
        begin, end = entry.record.spans[-1]
        quiet_at = (begin if end is None else end) + setting.recurrence.within_ms
        if as_of >= quiet_at:
            calm = replace(entry.record, flapping=False)
            entry.record = settled(calm, setting, steady_at=quiet_at)
            self._keep(entry)

    @property
    def entries(self) -> Sequence[Entry]:
        """All alarms that changed."""
        return list(self._touched.values())

    def _keep(self, entry: Entry) -> None:
        self._touched[id(entry)] = entry
        if entry.record.live and not entry.dropped:
            self._live[entry.record.key] = entry
            return
        if self._live.get(entry.record.key) is entry:
            del self._live[entry.record.key]
        if not entry.dropped:
            self._over[entry.record.key] = entry


def again(
    record: AlarmRecord, at: int, account: Account, setting: Setting, holds: Sequence[Hold] = ()
) -> AlarmRecord:
    """One more occurrence of an alarm that had returned, or was cleared a short while ago."""
    late = setting.now - at > setting.late_ms
    more = replace(
        record,
        plan_version=setting.plan_version,
        severity=setting.rule.severity,
        occurrences=record.occurrences + 1,
        spans=(*record.spans, (at, None))[-KEPT_SPANS:],
        late=late,
        evidence=evidence_of(account),
        let_go_at=None,
        visited_at=None,
    )
    silent = quiet_of(more, setting, holds)
    kind = None if silent is None else silent.kind
    return settled(replace(more, judged=not late and silent is None, suppression=kind), setting)


def ended(record: AlarmRecord, at: int, setting: Setting) -> AlarmRecord:
    """The alarm once its condition is gone at `at`."""
    spans = (*record.spans[:-1], (record.spans[-1][0], at))
    return settled(replace(record, spans=spans), setting)


def _ignored(record: AlarmRecord, setting: Setting) -> AlarmRecord:
    """The alarm without its latest occurrence; with it where that is its only one."""
    told = replace(record, judged=True)
    if record.occurrences == 1:
        return told
    spans, occurrences = record.spans[:-1], record.occurrences - 1
    return settled(replace(told, spans=spans, occurrences=occurrences), setting)


def settled(record: AlarmRecord, setting: Setting, *, steady_at: int | None = None) -> AlarmRecord:
    """The record with the state that its occurrences and what people did make of it; `steady_at`
    is when its flapping ended, where it has."""
    end = record.spans[-1][1]
    seen = record.acknowledged_at is not None
    if steady_at is None:
        record = replace(record, flapping=flaps(record.spans, setting.recurrence))
    if end is None:
        state = "acknowledged" if seen else "active"
        return replace(record, state=state, returned_at=None, cleared_at=None)  # type: ignore[arg-type]  # one of the states
    over = (
        seen
        or not needs_somebody(record, setting.rule)
        or not (record.judged or record.told)
        or record.state == "cleared"
    )
    if record.flapping and not record.late:
        over = False
    if over:
        cleared_at = max(end, record.acknowledged_at or end, steady_at or end)
        return replace(record, state="cleared", returned_at=end, cleared_at=cleared_at)
    return replace(record, state="returned", returned_at=end, cleared_at=None)


def needs_somebody(record: AlarmRecord, rule: Rule) -> bool:
    """Whether somebody has to see the alarm before it is over."""
    return rule.ticket and record.severity > SELF_CLEARING_SEVERITY


def wants_somebody(rule: Rule) -> bool:
    """The same of an alarm that the rule raises now."""
    return rule.ticket and rule.severity > SELF_CLEARING_SEVERITY


def new_record(
    at: int,
    key: tuple[int, str, str],
    account: Account,
    setting: Setting,
    holds: Sequence[Hold] = (),
) -> AlarmRecord:
    """An alarm just raised; a late or silenced one is not judged yet."""
    machine_id, component, rule = key
    late = setting.now - at > setting.late_ms
    span: Span = (at, None)
    record = AlarmRecord(
        None, machine_id, component, rule, setting.plan_version, setting.rule.severity, "active",
        at, None, setting.now, None, None, None, 1, (span,), late, not late, evidence_of(account),
    )  # fmt: skip
    silent = quiet_of(record, setting, holds)
    if silent is None:
        return record
    return replace(record, judged=False, suppression=silent.kind)


def _new(
    change: AlarmChange, account: Account, setting: Setting, holds: Sequence[Hold]
) -> AlarmRecord:
    key = (change.machine_id, change.component, change.rule)
    return new_record(change.at, key, account, setting, holds)
