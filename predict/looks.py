"""The next inspection of every machine, with why it is then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from fleet.batch import FloatColumn, IntColumn
from fleet.clock import MS_PER_DAY, to_datetime, to_ms
from fleet.plan import ProductPlan
from fleet.service import InspectionTerms
from fleet.text import Text
from fleet.wear import WearPart
from predict.inspection import (
    LATEST_DAYS,
    SIGHT_DAYS,
    Choice,
    Occasion,
    choose,
    fixed_day,
    prevented,
)
from predict.pace import Ahead
from store.inspections import DueInspection
from store.wear import DueService, Row

#: Days on which chances are kept for choosing.
CHANCE_DAYS = np.concatenate([[0.0], np.arange(7.0, LATEST_DAYS + SIGHT_DAYS + 14, 7.0)])
_DAYS = np.arange(0.0, LATEST_DAYS + 1)
_MOST_PARTS = 3
#: The weeks after and before a day differ so much that the season is worth a word.
_TURNS = 1.5
_SEASON_DAYS = 42.0
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Watched:
    """A part in its place, whose `chance` to be worn out by CHANCE_DAYS is watched."""

    part: str
    position: str
    severity: int
    chance: FloatColumn


def severity_of(plan: ProductPlan, part: str) -> int:
    """The worst that the part leads to; 1 where nothing is known of it."""
    modes = plan.part[part].failure_modes
    return max((plan.failure_mode[mode].severity for mode in modes), default=1)


def next_look(
    machine: Row,
    plan: ProductPlan,
    terms: InspectionTerms,
    watched: Sequence[Watched],
    coming: Ahead | None,
    services: Sequence[DueService],
    visits: PlannedVisits,
    now_ms: int,
) -> DueInspection:
    """The next inspection of a machine (id, lat, lon, commissioned_on, registered_at, looked_at):
    what weighs, its `watched` parts, its coming hours, the `services` that are due on it, `visits`
    planned to other machines."""
    now = to_datetime(now_ms)
    # What was done before it was registered is unknown: it counts as looked at then.
    begun = to_ms(machine["looked_at"] or machine["registered_at"])
    since = max(0.0, (now_ms - begun) / MS_PER_DAY)
    chance = np.array([each.chance for each in watched]).reshape(len(watched), len(CHANCE_DAYS))
    by_week = prevented(CHANCE_DAYS, chance, [terms.loss[each.severity] for each in watched])
    gain = np.interp(_DAYS, CHANCE_DAYS, by_week)
    occasions = [
        *_services(plan, terms, services, now),
        *_neighbours(machine, terms, visits),
    ]
    choice = choose(_DAYS, gain, since, occasions)
    age = (now.date() - machine["commissioned_on"]).days
    fixed = fixed_day(float(age))
    parts = _likely(terms, watched, choice.day)
    season = _season(coming, choice.day)
    evidence: dict[str, Any] = {
        "prevents": round(choice.prevents, 3),
        "price": choice.price,
        "sight_days": SIGHT_DAYS,
        "parts": [{"part": p, "position": q, "chance": round(c, 3)} for p, q, c in parts],
        "season": round(season, 2) if season is not None else None,
        "together_with": choice.occasion.name if choice.occasion else None,
        "fixed_at": to_ms(now + timedelta(days=fixed)),
        "fixed_prevents": round(float(np.interp(fixed, _DAYS, gain)), 3),
        "looked_at": to_ms(machine["looked_at"]) if machine["looked_at"] else None,
    }
    due_at = now + timedelta(days=choice.day)
    reason = _why(plan, choice, parts, season)
    modes = dict.fromkeys(m for p, _, _ in parts for m in plan.part[p].failure_modes)
    return DueInspection(machine["id"], due_at, reason, evidence, tuple(modes))


def _services(
    plan: ProductPlan, terms: InspectionTerms, services: Sequence[DueService], now: datetime
) -> list[Occasion]:
    return [
        Occasion(
            float(max(0, (each.due_at - now).days)),
            terms.with_service,
            f"service:{each.service}",
        )
        for each in services
        if each.due_at is not None and each.service in plan.service
    ]


@dataclass(frozen=True, slots=True)
class PlannedVisits:
    """Visits that are planned, and where: `machine_id`, `lat`, `lon`, `days` from now, (n,), and
    their numbers."""

    machine_id: IntColumn
    lat: FloatColumn
    lon: FloatColumn
    days: FloatColumn
    numbers: tuple[str, ...]

    def near(self, machine: Row, most_km: float) -> IntColumn:
        """Those to other machines not further away than that, as the crow flies; good enough over
        some tens of kilometres."""
        north = machine["lat"] - self.lat
        east = (machine["lon"] - self.lon) * math.cos(math.radians(machine["lat"]))
        close = np.hypot(north, east) * _KM_PER_DEGREE <= most_km
        return np.flatnonzero(close & (self.machine_id != machine["id"]))


def planned_visits(rows: Sequence[Row], now_ms: int) -> PlannedVisits:
    """Rows with number, machine_id, lat, lon and the time `at`."""
    now = to_datetime(now_ms)
    return PlannedVisits(
        np.array([row["machine_id"] for row in rows], np.int64),
        np.array([row["lat"] for row in rows], np.float64),
        np.array([row["lon"] for row in rows], np.float64),
        np.array([max(0, (row["at"] - now).days) for row in rows], np.float64),
        tuple(row["number"] for row in rows),
    )


def _neighbours(machine: Row, terms: InspectionTerms, visits: PlannedVisits) -> list[Occasion]:
    """One for each day on which somebody is near."""
    near = visits.near(machine, terms.near_km)
    _, first = np.unique(visits.days[near], return_index=True)
    return [
        Occasion(float(visits.days[i]), terms.with_neighbour, f"visit:{visits.numbers[i]}")
        for i in near[first].tolist()
    ]


def _likely(
    terms: InspectionTerms, watched: Sequence[Watched], day: float
) -> list[tuple[str, str, float]]:
    """The parts a look on that day is for: part, position, chance to wear out soon after."""
    found = []
    for each in watched:
        then, later = np.interp([day, day + SIGHT_DAYS], CHANCE_DAYS, each.chance)
        chance = float(later - then)
        found.append((chance * terms.loss[each.severity], each.part, each.position, chance))
    found.sort(key=lambda item: -item[0])
    return [(part, position, chance) for _, part, position, chance in found[:_MOST_PARTS]]


def _season(coming: Ahead | None, day: float) -> float | None:
    """Activity of the weeks after a day over that of the weeks before it."""
    if coming is None:
        return None
    edges = np.array([max(day - _SEASON_DAYS, 0.01), max(day, 0.02), day + _SEASON_DAYS])
    reached = coming.activity(edges)[0]
    before = (reached[1] - reached[0]) / (edges[1] - edges[0])
    after = (reached[2] - reached[1]) / _SEASON_DAYS
    return float((after + 0.05) / (before + 0.05)) if day >= _SEASON_DAYS else None


def _why(
    plan: ProductPlan,
    choice: Choice,
    parts: Sequence[tuple[str, str, float]],
    season: float | None,
) -> Text:
    named = [(_placed(plan.part[p], place), c) for p, place, c in parts if c >= 0.01]
    en = ", ".join(f"{name.en} ({chance:.0%})" for name, chance in named)
    zh = "、".join(f"{name.zh}（{chance:.0%}）" for name, chance in named)
    sentences = [
        Text(
            en=f"Most likely to wear out in the {SIGHT_DAYS:.0f} days after: {en}.",
            zh=f"其后{SIGHT_DAYS:.0f}天内最可能磨损到限的是：{zh}。",
        )
        if named
        else Text(
            en=f"Nothing is likely to wear out in the {SIGHT_DAYS:.0f} days after.",
            zh=f"其后{SIGHT_DAYS:.0f}天内没有部件可能磨损到限。",
        )
    ]
    if not choice.pays:
        sentences.append(
            Text(
                en="No day is worth a visit by itself; every machine is looked at once a year.",
                zh="没有哪一天值得单独上门，但每台设备每年至少检查一次。",
            )
        )
    if season is not None and (season >= _TURNS or season <= 1 / _TURNS):
        busy = season >= _TURNS
        sentences.append(
            Text(
                en="The visit comes before the machine's busy season."
                if busy
                else "The visit comes after the machine's busy season.",
                zh="安排在该设备旺季之前。" if busy else "安排在该设备旺季之后。",
            )
        )
    if choice.occasion is not None:
        sentences.append(_together(plan, choice.occasion))
    return Text(
        en=" ".join(sentence.en for sentence in sentences),
        zh="".join(sentence.zh for sentence in sentences),
    )


def _placed(part: WearPart, position: str) -> Text:
    """The name of a part, with its place where there are several of its kind."""
    places = {each.id: each.name for each in part.positions}
    if len(places) == 1 or position not in places:
        return part.name
    place = places[position]
    return Text(en=f"{part.name.en}, {place.en}", zh=f"{part.name.zh}·{place.zh}")


def _together(plan: ProductPlan, occasion: Occasion) -> Text:
    kind, _, name = occasion.name.partition(":")
    if kind == "service":
        service = plan.service[name].name
        return Text(
            en=f"The service {service.en} is due then anyway: one drive for both.",
            zh=f"届时正好要做“{service.zh}”，一次上门完成。",
        )
    return Text(
        en=f"Visit {name} goes to a machine nearby on that day: one drive for both.",
        zh=f"当天工单 {name} 前往附近设备，可顺路完成。",
    )
