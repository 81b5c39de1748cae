"""What a finding adds to a visit: what to check, what to bring, who is needed, how long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleet.failure import FailureMode
from fleet.finding import Finding
from fleet.plan import ProductPlan
from fleet.service import CheckItem, Checklist, ServiceInterval
from fleet.text import Text
from fleet.wear import WearPart

SKILL_ORDER = ("OP", "T1", "T2", "T3")
SAFETY_SEVERITY = 4
#: Parts of so many of the likeliest causes are brought; dear ones for the likeliest alone.
CAUSES_TO_PREPARE = 3
DEAR = ("D", "E")
#: Findings that a repair answers; the others ask for a replacement, a service or a look.
REPAIRED = ("alarm", "connection", "service")


@dataclass(frozen=True, slots=True)
class FittedPlace:
    """A part standing in a place of the machine."""

    id: int
    part: str
    position: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check and the list it comes from."""

    checklist: str
    item: CheckItem


@dataclass(frozen=True, slots=True)
class PartToBring:
    """Pieces of a part, for the place it is fitted in where one is known."""

    part: str
    fitted_part_id: int | None
    quantity: int
    reason: Text


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one finding adds; `minutes` without those of `checks`."""

    checks: tuple[Check, ...]
    parts: tuple[PartToBring, ...]
    minutes: int
    skill: str


def contribution(
    plan: ProductPlan,
    finding: Finding,
    fitted: Sequence[FittedPlace],
    prepared: Collection[str] = (),
) -> Contribution:
    """What `finding` adds to the visit of a machine with `fitted` parts.

    `prepared` are failure modes whose repair the visit already allows for.
    """
    services = contained(plan, finding.source) if finding.kind == "service" else ()
    causes = likely_causes(plan, [finding.failure_modes])
    repair = [mode for mode in causes[:1] if mode.id not in prepared and finding.kind in REPAIRED]
    worn = [p for p in (plan.part.get(finding.source),) if p and finding.kind == "wear"]
    minutes = sum(mode.minutes for mode in repair) + sum(
        part.minutes * max(1, len(_places(finding, part, fitted))) for part in worn
    )
    skills = [mode.skill for mode in causes[:1]] + [service.skill for service in services[:1]]
    return Contribution(
        tuple(_checks(plan, finding, services)),
        tuple(_parts(plan, finding, causes, services, fitted)),
        minutes,
        highest_skill(["T1", *skills]),
    )


def likely_causes(plan: ProductPlan, named: Iterable[Sequence[str]]) -> tuple[FailureMode, ...]:
    """Failure modes by likelihood: how early and how often the items name them (each item names
    the likeliest first), then how often they happen."""
    weight: dict[str, float] = {}
    for modes in named:
        for rank, mode in enumerate(modes):
            weight[mode] = weight.get(mode, 0.0) + 1 / (rank + 1)
    known = [plan.failure_mode[mode] for mode in weight if mode in plan.failure_mode]
    return tuple(sorted(known, key=lambda m: (-weight[m.id], -(m.base_rate or 0.0))))


def contained(plan: ProductPlan, service: str) -> tuple[ServiceInterval, ...]:
    """The service and all it includes, itself first."""
    found: dict[str, ServiceInterval] = {}
    waiting = [service]
    while waiting:
        key = waiting.pop(0)
        if key in plan.service and key not in found:
            found[key] = plan.service[key]
            waiting += plan.service[key].includes
    return tuple(found.values())


def widest(plan: ProductPlan, services: Collection[str]) -> tuple[str, ...]:
    """The services without those that another of them includes."""
    inside = {each.id for key in services for each in contained(plan, key)[1:] if each.id != key}
    return tuple(key for key in services if key not in inside)


def highest_skill(skills: Iterable[str]) -> str:
    """The most demanding of the skills."""
    return max(skills, key=SKILL_ORDER.index)


def title_of(items: Sequence[tuple[int, Text]]) -> Text:
    """Title of a visit from the (severity, title) of its items: the most severe, and how many
    more."""
    first = max(items, key=lambda item: item[0])[1]
    more = len(items) - 1
    if not more:
        return first
    return Text(en=f"{first.en} (+{more} more)", zh=f"{first.zh}（另{more}项）")


def _checks(
    plan: ProductPlan, finding: Finding, services: Sequence[ServiceInterval]
) -> Iterator[Check]:
    routine = routine_checklist(plan)
    modes = set(finding.failure_modes)
    # A finding may name which of a component it is about, such as control/hyd_oil_temp_c.
    component = finding.component.split("/")[0]
    for checklist in plan.checklists:
        for item in checklist.items:
            concerned = item.component == component or modes & set(item.failure_modes)
            whole = (bool(services) or finding.kind == "inspection") and checklist is routine
            if concerned or whole or item.fail_severity == SAFETY_SEVERITY:
                yield Check(checklist.id, item)
    # A longer service lists its own lines first, then those of the shorter ones it includes.
    total = services[0].minutes if services else 0
    lines = [(service, index) for service in services for index in range(len(service.items))]
    for service, index in lines:
        yield Check(f"service_{service.id}", _line(service, index, total / len(lines)))


def routine_checklist(plan: ProductPlan) -> Checklist | None:
    """The plan's first checklist: it is walked whole at scheduled services."""
    return next((one for one in plan.checklists if not one.on_demand), None)


def _line(service: ServiceInterval, index: int, minutes: float) -> CheckItem:
    return CheckItem(
        id=f"{service.id}_{index + 1}"[:60],
        check=service.items[index],
        method=Text(en=f"Part of the service {service.name.en}", zh=f"保养项目：{service.name.zh}"),
        result="ok",
        fail_severity=2,
        component="service",
        minutes=minutes,
    )


def _parts(
    plan: ProductPlan,
    finding: Finding,
    causes: Sequence[FailureMode],
    services: Sequence[ServiceInterval],
    fitted: Sequence[FittedPlace],
) -> Iterator[PartToBring]:
    wanted: dict[str, tuple[int | None, Text]] = {}
    if finding.kind == "inspection":
        causes = ()
    if finding.kind == "wear":
        wanted[finding.source] = (None, finding.reason)
    else:
        for rank, mode in enumerate(causes[:CAUSES_TO_PREPARE]):
            for part in mode.parts:
                if rank == 0 or plan.part[part].price_class not in DEAR:
                    wanted.setdefault(part, (None, _for_mode(mode)))
    for service in services:
        for need in service.parts:
            wanted.setdefault(need.part, (need.quantity, _for_service(service)))
    for part, pieces in finding.parts.items():
        wanted.setdefault(part, (pieces, finding.reason))
    for part, (quantity, reason) in wanted.items():
        yield from _at_places(plan.part.get(part), part, finding, quantity, reason, fitted)


def _at_places(
    part: WearPart | None,
    key: str,
    finding: Finding,
    quantity: int | None,
    reason: Text,
    fitted: Sequence[FittedPlace],
) -> Iterator[PartToBring]:
    places = _places(finding, part, fitted) if part else []
    if part is None or not places:
        yield PartToBring(key, None, quantity or (part.quantity if part else 1), reason)
        return
    for place in places:
        yield PartToBring(part.id, place.id, part.quantity, reason)


def _places(finding: Finding, part: WearPart, fitted: Sequence[FittedPlace]) -> list[FittedPlace]:
    """Where the part is fitted; of a wear finding only the places that are worn."""
    chosen: Mapping[str, object] = finding.evidence
    worn = chosen.get("fitted_part_ids") if finding.kind == "wear" else None
    return [
        place
        for place in fitted
        if place.part == part.id and (not isinstance(worn, list) or place.id in worn)
    ]


def _for_mode(mode: FailureMode) -> Text:
    return Text(en=f"Possible cause: {mode.name.en}", zh=f"可能原因：{mode.name.zh}")


def _for_service(service: ServiceInterval) -> Text:
    return Text(en=f"Service: {service.name.en}", zh=f"保养：{service.name.zh}")
