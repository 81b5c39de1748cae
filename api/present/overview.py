"""The overview, put together from counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.present.product import bilingual, named
from api.schemas.base import Bilingual, Named
from api.schemas.overview import Decision, GroupHealth, HealthCounts, PriorityCount, Promise
from fleet.plan import Catalogue

Row = Mapping[str, Any]


def health_counts(rows: Iterable[Row]) -> HealthCounts:
    """Machines by health of rows that have `health` and `machines`."""
    counts = dict.fromkeys(HealthCounts.model_fields, 0)
    for row in rows:
        counts[row["health"]] += row["machines"]
    return HealthCounts(**counts)


def health_index(rows: Sequence[Row]) -> int | None:
    """Mean health index of the machines whose health is known; None where there is none."""
    known = [row for row in rows if row["health"] != "unknown"]
    machines = sum(row["machines"] for row in known)
    return round(sum(row["index_sum"] for row in known) / machines) if machines else None


def groups(rows: Sequence[Row], by: str, names: Mapping[str, Bilingual]) -> list[GroupHealth]:
    """Health by `by` (region or product), those named without machines too."""
    answer = []
    for key, name in sorted(names.items()):
        own = [row for row in rows if row[by] == key]
        answer.append(
            GroupHealth(
                id=key,
                name=name,
                machines=sum(row["machines"] for row in own),
                health=health_counts(own),
                health_index=health_index(own),
            )
        )
    return answer


def priorities(rows: Iterable[Row]) -> list[PriorityCount]:
    """Open tickets of all four priorities."""
    found = {row["priority"]: row for row in rows}
    none = {"open": 0, "unassigned": 0, "overdue": 0}
    return [PriorityCount(**{**none, "priority": p, **found.get(p, {})}) for p in (1, 2, 3, 4)]


def promise(row: Row, now: datetime) -> Promise:
    """An open ticket and how long there is until somebody has to be on site."""
    return Promise(
        number=row["number"],
        serial=row["serial"],
        title=Bilingual(**row["title"]),
        status=row["status"],
        priority=row["priority"],
        station=Named(id=row["station"], name=Bilingual(**row["station_name"])),
        assignee=row["assignee"],
        target_at=row["target_at"],
        left_s=round((row["target_at"] - now).total_seconds(), 1),
    )


def decision(rank: int, row: Row, catalogue: Catalogue) -> Decision:
    """What needs a decision, and why, in a sentence."""
    plan = catalogue.plans.get(row["product"])
    subject = _subject(row, catalogue)
    return Decision(
        rank=rank,
        kind=row["kind"],
        serial=row["serial"],
        product=named(row["product"], plan.name if plan is not None else None),
        region=Named(id=row["region"], name=Bilingual(**row["region_name"])),
        health=row["health"],
        reason=_REASONS[row["kind"]](row, subject),
        subject=subject,
        since=row["since"],
        ticket=row["number"],
        alarm_id=row["alarm_id"],
        part_alert_id=row["part_alert_id"],
        machines=row["machines"],
        quantity=row["quantity"],
        of_kind=row["of_kind"],
    )


def _subject(row: Row, catalogue: Catalogue) -> Bilingual:
    """What it is about: the ticket's title, or the name of the rule or part."""
    if row["title"] is not None:
        return Bilingual(**row["title"])
    key = str(row["subject"])
    plan = catalogue.plans.get(row["product"])
    if plan is not None:
        entry = plan.part.get(key) if row["kind"] == "order_part" else plan.rule.get(key)
        if entry is not None:
            return bilingual(entry.name)
    return Bilingual(en=key, zh=key)


def _reason(en: str, zh: str) -> Callable[[Row, Bilingual], Bilingual]:
    def build(row: Row, subject: Bilingual) -> Bilingual:
        said = {name: row[name] or "" for name in ("number", "quantity", "machines")}
        return Bilingual(
            en=en.format(subject=subject.en, s="" if row["machines"] == 1 else "s", **said),
            zh=zh.format(subject=subject.zh, **said),
        )

    return build


_REASONS: dict[str, Callable[[Row, Bilingual], Bilingual]] = {
    "stopped_without_ticket": _reason(
        "Must stand still and nobody is on it: {subject}", "设备须停机且无人处理：{subject}"
    ),
    "stopped_after_visit": _reason(
        "Still must stand still after the visit: {subject}", "上门处理后设备仍须停机：{subject}"
    ),
    "promise_broken": _reason(
        "Promise broken, nobody on site yet: {number} {subject}",
        "已超承诺时限，尚未到场：{number} {subject}",
    ),
    "unassigned": _reason(
        "Nobody is assigned: {number} {subject}", "工单未派工：{number} {subject}"
    ),
    "unacknowledged": _reason(
        "Alarm without ticket, not acknowledged: {subject}", "报警未确认且无工单：{subject}"
    ),
    "order_part": _reason(
        "Order now, or it will be missing: {quantity} × {subject} for {machines} machine{s}",
        "现在不订货将会缺件：{subject} {quantity} 件，{machines} 台设备需要",
    ),
}
