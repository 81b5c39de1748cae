"""Where a backtest's history comes from: a file, or the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fleet.batch import FaultReport
from fleet.errors import IronpulseError
from fleet.loader import load_plan, load_tiers
from fleet.peer_day import PeerDay
from fleet.plan import ProductPlan
from fleet.service import ServiceTier
from ironpulse.backtest.fault_file import read_reports
from ironpulse.backtest.history import put_aside, store_groups, with_reports
from ironpulse.backtest.period import Period, refuse_elsewhen
from ironpulse.backtest.spread import Group
from ironpulse.backtest.tables import open_table
from ironpulse.backtest.truth import read_truth
from ironpulse.backtest.work_file import Work, read_repairs, read_services
from rules.backtest.course import warm_up_ms
from rules.backtest.known_faults import FORESIGHT_MS, faults_found, known_within
from rules.backtest.report import Asked
from rules.compiled import compile_plan
from rules.condition import Identity
from rules.detectors.lessons import Lesson
from rules.live.known_before import identities_of, lessons_in, peers_in
from rules.state import NEVER
from store import ledger, plans, suppressions, tickets
from store.connection import connect, our_errors
from store.machines import list_machines


@dataclass(frozen=True)
class History:
    """History ready to be folded: groups of machines, what overrides ask of these, what a report
    needs to know of them, remarks on the source, its `end` (milliseconds since 1970 UTC, the same
    for all machines), what the fleet taught its detectors, and whether it tells trouble codes
    (`coded`)."""

    groups: Sequence[Group]
    identities: Mapping[int, Identity]
    asked: Asked
    source: Mapping[str, Any]
    end: int
    lessons: Sequence[Lesson] = ()
    peers: Sequence[PeerDay] = ()
    coded: bool = True


def plan_of(products: Path, product: str, rules: Path | None) -> ProductPlan:
    """The plan in a folder, or of a product under `products`, with `rules` for its own."""
    folder = _folder(products, product)
    if rules is not None and not rules.is_file():
        raise IronpulseError(f"{rules} is no file; give rules as in a product's rules.yaml.")
    plan = load_plan(folder, _common(products, folder), rules)
    if not plan.rules:
        raise IronpulseError(f"{rules or folder} has no rule, so there is nothing to try.")
    return plan


def tier_of(products: Path, product: str, tier: str) -> ServiceTier:
    """The service tier of that name, of those beside the product."""
    common = _common(products, _folder(products, product))
    tiers = load_tiers(common) or load_tiers(products / "common")
    if tier not in tiers:
        raise IronpulseError(f"There is no service tier {tier!r}; there are {', '.join(tiers)}.")
    return tiers[tier]


def _folder(products: Path, product: str) -> Path:
    for folder in (Path(product), products / product):
        if (folder / "product.yaml").is_file():
            return folder.resolve()
    known = ", ".join(sorted(path.parent.name for path in products.glob("*/product.yaml")))
    raise IronpulseError(
        f"{product} is neither a folder with a product.yaml nor a product of {products}; "
        f"there are {known or 'none'}."
    )


def _common(products: Path, folder: Path) -> Path:
    beside = folder.parent / "common"
    return beside if beside.is_dir() else products / "common"


@dataclass(frozen=True, slots=True)
class Beside:
    """Files that go with a history: all faults there were (`truth`), trouble codes, services,
    repairs."""

    truth: Path | None = None
    codes: Path | None = None
    services: Path | None = None
    repairs: Path | None = None


def file_history(
    path: Path,
    rule_sets: Sequence[ProductPlan],
    period: Period,
    folder: Path,
    tier: ServiceTier,
    beside: Beside,
    told: Callable[[float], None],
) -> History:
    """The history in a file, put aside in `folder` by groups of machines, with what stands
    `beside` it; `told` hears the share that has been read."""
    plan = rule_sets[0]
    table = open_table(path, plan)
    services = None if beside.services is None else read_services(beside.services, plan)
    repairs = None if beside.repairs is None else read_repairs(beside.repairs, plan)
    aside = put_aside(table, plan, folder, _begin(rule_sets, period), period[1], told)
    refuse_elsewhen(str(path), aside.span, period)
    serials = {number: who.serial for number, who in aside.identities.items()}
    ids = {serial: number for number, serial in serials.items()}
    source: dict[str, Any] = {
        "file": path.name,
        "columns_left_out": list(table.strangers),
        "signals_missing": list(table.missing),
    }
    reports: list[FaultReport] = []
    if beside.codes is not None:
        reports, strangers = read_reports(beside.codes, ids)
        source |= {"fault_reports": len(reports), "machines_left_out": strangers}
    for name, work in (("services", services), ("repairs", repairs)):
        if work is not None:
            source[name] = sum(own.count for serial, own in work.items() if serial in ids)
            source[f"{name}_left_out"] = sorted(work.keys() - ids.keys())
    identities = {
        number: replace(
            who,
            services=_counted(services, who.serial),
            repairs=_counted(repairs, who.serial),
        )
        for number, who in aside.identities.items()
    }
    faults = None
    if beside.truth is not None:
        found, source["truth_left_out"] = read_truth(beside.truth, plan, ids)
        faults = known_within(found, *period)
    end = min(period[1], aside.span[1] + 1)
    tiers = dict.fromkeys(serials, tier)
    asked = Asked(serials, tiers, faults, whole=faults is not None, end=end)
    groups = with_reports(aside.groups, reports)
    return History(groups, identities, asked, source, end, coded=beside.codes is not None)


def _counted(work: Mapping[str, Work] | None, serial: str) -> tuple[tuple[str, int], ...]:
    return () if work is None or serial not in work else tuple(work[serial].counted)


def store_history(
    url: str, rule_sets: Sequence[ProductPlan], period: Period, truth: Path | None
) -> History:
    """The store's history of a product; without a file of `truth`, what technicians found."""
    plan = rule_sets[0]
    with our_errors(), connect(url) as connection:
        tiers = plans.load_catalogue(connection).tiers
        machines = [one for one in list_machines(connection) if one.product == plan.product]
        ids = sorted(machine.id for machine in machines)
        span = ledger.span(connection, ids)
        if span is None:
            count = f"{len(ids)} machines" if ids else "no machine"
            raise IronpulseError(
                f"The store has {count} of {plan.product} and no history; give a file with --csv."
            )
        refuse_elsewhen("The store", span, period)
        begin, end = max(_begin(rule_sets, period), span[0]), min(period[1], span[1] + 1)
        serials = {machine.id: machine.serial for machine in machines}
        source: dict[str, Any] = {"store": plan.product}
        if truth is None:
            # Somebody may have looked after the last sample, and found what was in the history.
            looked = min(period[1], span[1] + FORESIGHT_MS)
            items = tickets.found_items(connection, ids, max(period[0], span[0]), looked)
            faults = faults_found(items)
        else:
            numbers = {name: key for key, name in serials.items()}
            faults, source["truth_left_out"] = read_truth(truth, plan, numbers)
        asked = Asked(
            serials,
            {one.id: tiers[one.tier] for one in machines},
            known_within(faults, *period),
            whole=truth is not None,
            holds=suppressions.of_machines(connection, ids, max(period[0], span[0])),
            end=end,
        )
        return History(
            store_groups(url, plan, ids, begin, end),
            identities_of(connection, plan, ids),
            asked,
            source,
            end,
            lessons_in(connection, plan.product),
            peers_in(connection, plan.product),
        )


def _begin(rule_sets: Sequence[ProductPlan], period: Period) -> int:
    """Where to begin reading so that every rule is in step at the first moment asked for."""
    if period[0] == NEVER:
        return NEVER
    return period[0] - max(warm_up_ms(compile_plan(plan)) for plan in rule_sets)
