"""The demonstration fleet: regions, customers, stations and machines as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from fleet.plan import ProductPlan
from fleet.registry import Customer, NewMachine, Region, Registration, Station
from fleet.text import Text
from simulators.places import CUSTOMERS, MIX, REGIONS, SITES, STATIONS
from simulators.season import Climate
from simulators.seeds import generator

_TIERS = ("gold", "silver", "silver", "standard", "standard")
_CLIMATE: dict[str, Climate] = {id_: climate for id_, _, _, climate in REGIONS}
_STATION = {row[0]: row for row in STATIONS}


@dataclass(frozen=True, slots=True)
class FleetMachine(NewMachine):
    """A machine of the registry that can be simulated."""

    @property
    def climate(self) -> Climate:
        """The climate of the region that the machine works in."""
        return _CLIMATE[_STATION[self.station][1]]

    @property
    def region(self) -> str:
        """The region of its station."""
        return _STATION[self.station][1]

    @property
    def altitude_m(self) -> float:
        """Height of its station above the sea, metres."""
        return _STATION[self.station][6]


@dataclass(frozen=True, slots=True)
class DemoFleet(Registration):
    """Everything that the registry has to know before the first message."""

    machines: tuple[FleetMachine, ...] = ()


def demo_fleet(
    plans: Mapping[str, ProductPlan], count: int = 60, *, seed: int = 1, today: date
) -> DemoFleet:
    """A fleet of `count` machines of the products in `plans` that this package can simulate.

    A machine is the same in a fleet of any size: it depends on `seed` and its serial only.
    Raises ValueError when `plans` holds no product that can be simulated.
    """
    mix = [product for product in MIX if product in plans]
    if not mix:
        raise ValueError(f"none of {', '.join(sorted(plans))} can be simulated; see places.MIX")
    machines = tuple(_machine(plans[mix[i % len(mix)]], i + 1, seed, today) for i in range(count))
    return DemoFleet(
        tuple(Region(id_, Text(en=en, zh=zh)) for id_, en, zh, _ in REGIONS),
        tuple(Customer(id_, Text(en=en, zh=zh)) for id_, en, zh in CUSTOMERS),
        tuple(
            Station(id_, region, Text(en=f"{en} station", zh=f"{zh}服务站"), lat, lon)
            for id_, region, en, zh, lat, lon, _ in STATIONS
        ),
        machines,
    )


def _machine(plan: ProductPlan, number: int, seed: int, today: date) -> FleetMachine:
    serial = f"{plan.code}-{number:05d}"
    rng = generator(seed, serial, "registry")
    id_, _, en, zh, lat, lon, _ = STATIONS[int(rng.integers(len(STATIONS)))]
    site_en, site_zh = SITES[plan.product][int(rng.integers(len(SITES[plan.product])))]
    lot = int(rng.integers(1, 13))
    return FleetMachine(
        serial=serial,
        product=plan.product,
        model=plan.models[int(rng.integers(len(plan.models)))].id,
        customer=CUSTOMERS[int(rng.integers(len(CUSTOMERS)))][0],
        station=id_,
        tier=_TIERS[int(rng.integers(len(_TIERS)))],
        site=Text(en=f"{en}, {site_en.format(n=lot)}", zh=zh + site_zh.format(n=lot)),
        lat=round(lat + float(rng.uniform(-0.22, 0.22)), 5),
        lon=round(lon + float(rng.uniform(-0.22, 0.22)), 5),
        commissioned_on=today - timedelta(days=int(rng.uniform(200, 2000))),
    )
