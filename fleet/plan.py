"""One product, one plan: all that differs between products, as data.

A plan is one folder under `products/`; `fleet.loader` reads and checks it. Its parts are in modules
of their own: `signals`, `rule`, `failure`, `wear`, `service`, `season`, `stocking`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints

from fleet.failure import FailureMode
from fleet.fields import Code, Key, Model
from fleet.rule import AlarmHandling, Rule
from fleet.season import Season
from fleet.service import Checklist, InspectionTerms, ServiceInterval, ServiceTier
from fleet.signals import Signal
from fleet.stocking import Stocking, SupplyTerms
from fleet.text import Text
from fleet.wear import WearPart


class Component(Model):
    """A part of the machine that alarms, failure modes and wear parts belong to."""

    id: Key
    name: Text


class MachineModel(Model):
    """A model of the product, as sold; `without` the wear parts that it has none of."""

    id: Code
    name: Text
    without: tuple[Key, ...] = ()


class Report(Model):
    """How often a machine reports, in seconds, by what it is doing; and when silence counts.

    A working machine that is silent for `offline_s` is offline; one that said goodbye, or whose
    last regime was not running, is parked until `parked_s`.
    """

    working_s: float = Field(gt=0)
    idle_s: float = Field(gt=0)
    off_s: float = Field(gt=0)
    offline_s: float = Field(gt=0)
    parked_s: float = Field(gt=0)


class Regime(Model):
    """What the machine is doing. The first regime whose condition is true holds."""

    id: Key
    name: Text
    when: str
    running: bool
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class ProductPlan(Model):
    """The whole plan of one product, everything in it already checked against everything."""

    product: Key
    name: Text
    code: Code
    description: Text
    models: tuple[MachineModel, ...] = Field(min_length=1)
    report: Report
    max_gap_s: float = Field(gt=0)
    """Longest time between two samples that still counts as uninterrupted, seconds."""
    hours_signal: Key
    """The counter of operating hours that services follow."""
    operating_hours: Literal["regimes", "counter"] = "regimes"
    """What operating hours in rules are: time in running regimes, or the growth of
    `hours_signal`."""
    season: Season | None = None
    """How busy the months are; without it all are alike."""
    components: tuple[Component, ...] = Field(min_length=1)
    signals: tuple[Signal, ...] = Field(min_length=1)
    regimes: tuple[Regime, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    alarms: AlarmHandling = AlarmHandling()
    failure_modes: tuple[FailureMode, ...] = ()
    parts: tuple[WearPart, ...] = ()
    services: tuple[ServiceInterval, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    stocking: Stocking = Stocking()
    version: str = ""
    """Checksum of the files the plan was read from; set by the loader."""

    @cached_property
    def signal(self) -> dict[str, Signal]:
        return _by(self.signals, "key")

    @cached_property
    def component(self) -> dict[str, Component]:
        return _by(self.components, "id")

    @cached_property
    def regime(self) -> dict[str, Regime]:
        return _by(self.regimes, "id")

    @cached_property
    def rule(self) -> dict[str, Rule]:
        return _by(self.rules, "id")

    @cached_property
    def failure_mode(self) -> dict[str, FailureMode]:
        return _by(self.failure_modes, "id")

    @cached_property
    def part(self) -> dict[str, WearPart]:
        return _by(self.parts, "id")

    @cached_property
    def service(self) -> dict[str, ServiceInterval]:
        return _by(self.services, "id")

    def parts_of(self, model: str) -> tuple[WearPart, ...]:
        """The wear parts of a model; all where the plan does not know it."""
        lacking = {part for known in self.models if known.id == model for part in known.without}
        return tuple(part for part in self.parts if part.id not in lacking)

    @property
    def signal_keys(self) -> tuple[str, ...]:
        """Keys of all signals in column order."""
        return tuple(signal.key for signal in self.signals)


class Catalogue(Model):
    """All product plans and what they share."""

    plans: dict[str, ProductPlan]
    tiers: dict[str, ServiceTier]
    fmi: dict[int, Text]
    """J1939 failure mode identifiers 0-31."""
    spn: dict[int, Text]
    """Names of the suspect parameters whose codes may arrive."""
    supply: SupplyTerms = SupplyTerms()
    inspection: InspectionTerms = InspectionTerms()


T = TypeVar("T")


def _by(items: Iterable[T], field: str) -> dict[str, T]:
    return {getattr(item, field): item for item in items}
