"""What a finding becomes: a visit, part of the visit already planned, or a recorded reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fleet.clock import MS_PER_HOUR
from fleet.finding import Finding
from fleet.plan import ProductPlan
from fleet.service import ServiceTier
from fleet.text import Text
from fleet.words import SEVERITIES

Outcome = Literal["opened", "merged", "raised", "attached", "recorded"]

#: Below this severity an alarm or a connection case joins a visit, but is worth none of its own.
VISIT_SEVERITY = 2


@dataclass(frozen=True, slots=True)
class Visit:
    """The visit planned for a machine, nobody on the way yet; times in ms."""

    id: int
    number: str
    priority: int
    target_at: int


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that an open ticket of the machine already deals with; `under_way` once the
    technician has set out for it."""

    kind: str
    source: str
    component: str
    number: str
    ticket_id: int = 0
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, why, and the visit's priority (1 most urgent) and target time (ms) with it;
    `ticket_id` is the open ticket an alarm is attached to."""

    outcome: Outcome
    reason: Text
    priority: int
    target_at: int
    ticket_id: int | None = None


def priority_of(severity: int) -> int:
    """1, the most urgent, for severity 4 down to 4 for severity 1."""
    return 5 - severity


def target_of(severity: int, tier: ServiceTier, now_ms: int) -> int:
    """When the technician is promised to be on site, ms."""
    promised = {int(key): hours for key, hours in tier.target_h.items()}
    return now_ms + round(promised.get(severity, max(promised.values())) * MS_PER_HOUR)


def decide(
    finding: Finding,
    plan: ProductPlan,
    tier: ServiceTier,
    visit: Visit | None,
    open_items: tuple[OpenItem, ...],
    now_ms: int,
) -> Verdict:
    """The outcome of one finding, given what is open on its machine."""
    priority, target = priority_of(finding.severity), target_of(finding.severity, tier, now_ms)
    item = _on_it(finding, open_items) if _may_page(finding, plan) else None
    if item is not None:
        return Verdict("attached", _attached(finding, item), priority, target, item.ticket_id)
    obstacle = _obstacle(finding, plan, open_items) or (
        _too_small(finding) if visit is None else None
    )
    if obstacle is not None:
        return Verdict("recorded", obstacle, priority, target)
    if visit is None:
        return Verdict("opened", _opened(finding, tier), priority, target)
    if priority < visit.priority:
        reason = _raised(finding, visit, priority)
        return Verdict("raised", reason, priority, min(target, visit.target_at))
    return Verdict("merged", _merged(visit), visit.priority, visit.target_at)


def out_of_fleet(finding: Finding, now_ms: int) -> Verdict:
    """The outcome of a finding on a machine that was retired before it was decided."""
    reason = Text(en="The machine is retired.", zh="设备已退役。")
    return Verdict("recorded", reason, priority_of(finding.severity), now_ms)


def _may_page(finding: Finding, plan: ProductPlan) -> bool:
    rule = plan.rule.get(finding.source)
    return finding.kind == "alarm" and finding.page and (rule is None or rule.ticket)


def _on_it(finding: Finding, open_items: tuple[OpenItem, ...]) -> OpenItem | None:
    """The item of an open ticket that an alarm belongs to: the same alarm, or another one of a
    component that somebody is on the way to. While the visit is only planned, another alarm joins
    it as an item of its own, with its checks and parts."""
    for item in open_items:
        if _same(finding, item):
            return item
    component = finding.component.split("/")[0]
    under_way = (item for item in open_items if item.under_way)
    return next((one for one in under_way if one.component.split("/")[0] == component), None)


def _same(finding: Finding, item: OpenItem) -> bool:
    return (item.kind, item.source, item.component) == (
        finding.kind,
        finding.source,
        finding.component,
    )


def _attached(finding: Finding, item: OpenItem) -> Text:
    if _same(finding, item):
        return Text(
            en=f"Ticket {item.number} already deals with it.",
            zh=f"工单 {item.number} 已在处理同一问题。",
        )
    return Text(
        en=f"Somebody is already on the way to this component with ticket {item.number}.",
        zh=f"已有人员持工单 {item.number} 前往处理该部件。",
    )


def _obstacle(finding: Finding, plan: ProductPlan, open_items: tuple[OpenItem, ...]) -> Text | None:
    rule = plan.rule.get(finding.source) if finding.kind in ("alarm", "connection") else None
    if rule is not None and not rule.ticket:
        return Text(
            en=f"The rule {rule.name.en} records and opens no visits.",
            zh=f"规则“{rule.name.zh}”只作记录，不派工。",
        )
    if finding.quiet is not None:
        return finding.quiet
    if not finding.page and finding.late:
        return Text(
            en="It was reported late and is over by now; nobody needs to drive out for it.",
            zh="数据迟到且情况已结束，无需上门。",
        )
    if not finding.page:
        return Text(en="It is to be recorded only.", zh="仅作记录，不派工。")
    for item in open_items:
        if _same(finding, item):
            return _attached(finding, item)
    return None


def _too_small(finding: Finding) -> Text | None:
    if finding.kind in ("wear", "service", "inspection") or finding.severity >= VISIT_SEVERITY:
        return None
    grade = SEVERITIES[finding.severity]
    return Text(
        en=f"Severity {grade.en} alone is no reason to drive out, and no visit is planned.",
        zh=f"级别为“{grade.zh}”，单独不足以派工，且当前无待上门工单。",
    )


def _opened(finding: Finding, tier: ServiceTier) -> Text:
    grade = SEVERITIES[finding.severity]
    return Text(
        en=f"No visit was planned for this machine; severity {grade.en}, promise {tier.name.en}.",
        zh=f"该设备暂无待上门工单；级别“{grade.zh}”，服务承诺“{tier.name.zh}”。",
    )


def _merged(visit: Visit) -> Text:
    return Text(
        en=f"Joins visit {visit.number}, which is planned for this machine already.",
        zh=f"并入该设备已计划的工单 {visit.number}。",
    )


def _raised(finding: Finding, visit: Visit, priority: int) -> Text:
    return Text(
        en=f"Joins visit {visit.number} and makes it more urgent: priority {visit.priority} "
        f"becomes {priority}.",
        zh=f"并入工单 {visit.number}，优先级由 {visit.priority} 提升为 {priority}。",
    )
