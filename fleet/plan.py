"""One product, one plan: all that differs between products, as data.

A plan is one folder under `products/`; `fleet.loader` reads and checks it. Every number in a
plan carries its `source` as the domain reference marks it: a source number (`S28`), `K` for
handbook knowledge, `J` for engineering judgement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fleet.text import Text

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=40)]
Severity = Literal[1, 2, 3, 4]
Skill = Literal["OP", "T1", "T2", "T3"]
Span = tuple[float, float]


class Model(BaseModel):
    """Base of all parts of a plan: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class J1939(Model):
    """Where a signal comes from on the CAN bus and how its raw value is coded.

    Engineering value = raw * `resolution` + `offset`; `bits` is the raw width. The top of the
    raw range means error or not available (J1939-71) and is never a number.
    """

    spn: int = Field(ge=0, lt=2**19)
    pgn: int = Field(ge=0, lt=2**18)
    bits: Literal[2, 5, 8, 16, 32] | None = None
    resolution: float = Field(default=1.0, gt=0)
    offset: float = 0.0


class Limit(Model):
    """A limit as charts draw it: a value beyond it is of that grade."""

    above: float | None = None
    below: float | None = None


class Signal(Model):
    """One measured value of a machine.

    `range` is what the sensor can physically say: outside it the value is stored as NULL and
    counted. `period_s` is the expected time between values while the machine works; a value is
    carried forward for three periods (at least `Report.working_s` * 3) and unknown after that.
    `metrics` are names under which edge nodes of Sparkplug report it, besides its key.
    """

    key: Key
    name: Text
    component: Key
    unit: str | None = None
    type: Literal["real", "double", "integer", "smallint"] = "real"
    kind: Literal["gauge", "counter", "enum", "flag"] = "gauge"
    range: Span
    normal: Span | None = None
    warn: Limit | None = None
    alarm: Limit | None = None
    period_s: float = Field(gt=0)
    values: dict[int, Text] = Field(default_factory=dict)
    j1939: J1939 | None = None
    metrics: list[str] = Field(default_factory=list)
    headline: bool = False
    note: Text | None = None
    source: str = "J"


class Component(Model):
    """A part of the machine that alarms, failure modes and wear parts belong to."""

    id: Key
    name: Text


class MachineModel(Model):
    """A model of the product, as sold."""

    id: Code
    name: Text


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


class FaultMatch(Model):
    """Which trouble codes a rule looks at; what is left out matches everything."""

    spn: tuple[int, ...] = ()
    fmi: tuple[int, ...] = ()
    lamp: tuple[Literal["stop", "warning", "mil", "protect"], ...] = ()
    code: tuple[str, ...] = ()
    occurrences: int | None = Field(default=None, ge=1)
    """The code's occurrence count (`oc`) must have reached this; unknown has not."""
    unmatched: bool = False
    """True: only codes that no other fault rule of the product matches."""


class Override(Model):
    """Other parameters of a rule for one model, region or machine (serial)."""

    model: str | None = None
    region: str | None = None
    machine: str | None = None
    params: dict[Key, float]


#: What a rule may be triggered by, one of them.
TRIGGERS = ("when", "faults", "silence", "normal", "sensors")


class Normal(Model):
    """What a learned detector compares with what is normal: means of `signals` over stretches of
    `every_s` seconds in the rule's regimes, and how much those of `unsteady` fluctuate within
    them, against what the operating point (`inputs`) lets one expect. `limit` is how often as far
    as healthy stretches get counts as an alarm: less finds more, and more that is nothing."""

    signals: tuple[Key, ...] = Field(min_length=2)
    inputs: tuple[Key, ...] = Field(default=(), max_length=6)
    unsteady: tuple[Key, ...] = ()
    every_s: float = Field(default=900, ge=60, le=86400)
    limit: float = Field(default=2.2, gt=1)


class Flapping(Model):
    """An alarm that is raised or returns `changes` times within `within_s` of machine time flaps,
    until it has been quiet for as long."""

    changes: int = Field(ge=3)
    within_s: float = Field(gt=0)


class AlarmHandling(Model):
    """How often the same alarm may come: not anew within `again_after_h` hours of machine time
    after its condition was gone. What a rule says itself goes before."""

    again_after_h: float = Field(default=0, ge=0)
    flapping: Flapping | None = None
    source: str = "J"


class Rule(Model):
    """When an alarm is raised and when it returns.

    Exactly one of `when` (an expression over signals), `faults` (active trouble codes), `silence`
    (the connection state that alarms), `normal` (a learned detector) and `sensors` (sensors that
    learned detectors of the product caught lying) is given. A `when` rule raises once the
    condition has held for `hold_s` in one of its `regimes`, and returns once `clear` has held
    for `clear_hold_s`. Unknown is neither true nor false: it starts nothing and ends nothing.
    """

    id: Key
    name: Text
    component: Key
    severity: Severity
    when: str | None = None
    faults: FaultMatch | None = None
    silence: Literal["late", "offline", "never_seen"] | None = None
    normal: Normal | None = None
    sensors: Literal[True] | None = None
    regimes: tuple[Key, ...] | Literal["any"] | None = None
    hold_s: float | None = Field(default=None, ge=0)
    clear: str | None = None
    clear_hold_s: float = Field(default=0, ge=0)
    params: dict[Key, float] = Field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    shows: tuple[Key, ...] = ()
    failure_modes: tuple[Code, ...] = ()
    advice: Text
    late: Literal["page", "record", "ignore"] = "record"
    ticket: bool = True
    again_after_h: float | None = Field(default=None, ge=0)
    flapping: Flapping | None = None
    source: str = "J"

    @cached_property
    def judgement(self) -> str:
        """Checksum of all that decides when the alarm is raised and when it returns: a rule of
        another judgement starts anew."""
        return _checksum(self._said(set(_JUDGING)))

    @cached_property
    def checksum(self) -> str:
        """Checksum of the whole rule; another one is another version."""
        return _checksum(self._said(None))

    def _said(self, keys: set[str] | None) -> Any:
        """What the rule says beyond defaults: a key added to the language changes no checksum."""
        return self.model_dump(mode="json", include=keys, exclude_defaults=True)

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        given = [name for name in TRIGGERS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a rule has exactly one of {', '.join(TRIGGERS)}; found {found}")
        if self.normal is not None and not isinstance(self.regimes, tuple):
            raise ValueError("a rule with `normal` names its regimes: normal differs between them")
        if self.when is not None:
            missing = [n for n in ("regimes", "hold_s", "clear") if getattr(self, n) is None]
            if missing:
                raise ValueError(
                    f"a rule with `when` also says {', '.join(missing)}: "
                    "every alarm has a regime guard, a hold and a hysteresis"
                )
        return self


#: What decides when a rule's alarm is raised and when it returns.
_JUDGING = (
    "component", "when", "faults", "silence", "normal", "sensors", "regimes", "hold_s",
    "clear", "clear_hold_s", "params", "overrides",
)  # fmt: skip


def _checksum(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Symptom(Model):
    """How a failure mode shows in one signal."""

    signal: Key
    direction: Literal["up", "down", "stuck", "noisy", "step", "asymmetric"]


class FailureMode(Model):
    """A way in which the machine fails. `lead_h` is (from, to): operating hours from the first
    symptom to the failure; `base_rate` failures per 1,000 operating hours where known."""

    id: Code
    name: Text
    category: Literal["electrical", "mechanical", "hydraulic", "other"]
    severity: Severity
    component: Key
    symptoms: Text
    causes: Text
    remedy: Text
    parts: tuple[Key, ...] = ()
    lead_h: Span | None = None
    skill: Skill
    minutes: int = Field(gt=0)
    signature: tuple[Symptom, ...] = ()
    regimes: tuple[Key, ...] = ()
    detectable: bool
    base_rate: float | None = Field(default=None, ge=0)
    source: str = "J"


class Driver(Model):
    """What uses a part up, in the part's own unit.

    Exactly one source: `counter` (a counter signal whose growth is the use, times `per_count`),
    `hours` (regimes whose running time in hours is the use, `running` for all running regimes)
    or `age` (months since it was fitted). `factor` is an expression that makes heavy use count
    more; unknown counts as 1.
    """

    unit: Literal["m3", "h", "t", "lift", "stroke", "stop", "cycle", "km", "month"]
    counter: Key | None = None
    per_count: float = Field(default=1.0, gt=0)
    hours: tuple[Key, ...] | Literal["running"] | None = None
    age: bool = False
    factor: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum((self.counter is not None, self.hours is not None, self.age)) != 1:
            raise ValueError("a driver has exactly one of counter, hours and age")
        return self


class Life(Model):
    """Life of a new part in its driver's unit: `mid` (median) and the `low`-`high` range that
    holds 80 % of parts. `shape` is the Weibull shape where a source states it."""

    mid: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)
    shape: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.mid < self.high:
            raise ValueError("a life needs low < mid < high")
        return self


class Condition(Model):
    """What a part shows of its wear: the expression `shows` over signals while one of `regimes`
    runs. It stands at `new` on a sound part, leaves that value from the share `shows_from` of the
    part's life on, and reaches `limit` when the part is worn out."""

    shows: str
    regimes: tuple[Key, ...] = Field(min_length=1)
    new: float
    limit: float
    shows_from: float = Field(default=0.8, ge=0, lt=1)

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.new == self.limit:
            raise ValueError("a condition needs a limit other than its value on a new part")
        return self


class Position(Model):
    """A place on the machine where a part is fitted."""

    id: Key
    name: Text


class WearPart(Model):
    """A part that wears out. One fitted part stands at each position; `quantity` pieces are
    ordered for one position."""

    id: Key
    name: Text
    number: Code
    component: Key
    positions: tuple[Position, ...] = Field(min_length=1)
    quantity: int = Field(default=1, gt=0)
    driver: Driver
    life: Life
    condition: Condition | None = None
    discard: Text
    price_class: Literal["A", "B", "C", "D", "E"]
    lead_class: Literal["L0", "L1", "L2", "L3"]
    minutes: int = Field(gt=0)
    failure_modes: tuple[Code, ...] = ()
    source: str = "J"


class PartNeed(Model):
    """So many pieces of a part."""

    part: Key
    quantity: int = Field(default=1, gt=0)


class ServiceInterval(Model):
    """A scheduled service: every `every_h` operating hours, or once at `first_h`.

    A longer interval contains the shorter ones named in `includes`. `every_months` makes it due
    by the calendar too, whichever comes first.
    """

    id: Key
    name: Text
    every_h: float | None = Field(default=None, gt=0)
    first_h: float | None = Field(default=None, gt=0)
    every_months: int | None = Field(default=None, gt=0)
    by: Literal["operator", "service"]
    items: tuple[Text, ...] = Field(min_length=1)
    includes: tuple[Key, ...] = ()
    parts: tuple[PartNeed, ...] = ()
    skill: Skill
    minutes: int = Field(gt=0)
    source: str = "J"

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if (self.every_h is None) == (self.first_h is None):
            raise ValueError("a service interval has exactly one of every_h and first_h")
        return self


class CheckItem(Model):
    """One line of an inspection checklist, answered by the technician.

    `result` says how: `ok` (yes or no), `number` (in `unit`, within `limits` where given),
    `choice` (one of `choices`; those not in `passes` fail) or `text`.
    """

    id: Key
    check: Text
    method: Text
    result: Literal["ok", "number", "choice", "text"]
    unit: str | None = None
    limits: Limit | None = None
    choices: tuple[Text, ...] = ()
    passes: tuple[int, ...] = ()
    photo: bool = False
    fail_severity: Severity
    component: Key
    failure_modes: tuple[Code, ...] = ()
    minutes: float = Field(gt=0)
    source: str = "J"


class Checklist(Model):
    """An inspection checklist; its items in the order they are walked. One that is `on_demand` is
    never walked whole: its items join a visit for their component."""

    id: Key
    name: Text
    on_demand: bool = False
    items: tuple[CheckItem, ...] = Field(min_length=1)


class Season(Model):
    """Activity of the months January to December by climate; 1.0 is the mean of the year."""

    south: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=12, max_length=12)
    north: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=12, max_length=12)

    @model_validator(mode="after")
    def _about_one(self) -> Self:
        for name in ("south", "north"):
            mean = sum(self.of(name)) / 12
            if not 0.9 <= mean <= 1.1:
                raise ValueError(f"the months of {name} have a mean of {mean:.2f}; it must be 1")
        return self

    def of(self, climate: str) -> tuple[float, ...]:
        """The twelve months of `south` or `north`."""
        return self.north if climate == "north" else self.south


class Stocking(Model):
    """How a product's parts are stocked. Parts are of value class A as long as they make up the
    first `a_share` of what a year's use is worth, B up to `b_share`, else C; `service_levels` says
    by value class and by what the part's failure does (stop, alarm, other) which share of its
    demand the shelf is to serve. A replaced part less than `warranty_months` old goes back."""

    a_share: float = Field(default=0.8, gt=0, lt=1)
    b_share: float = Field(default=0.95, gt=0, lt=1)
    service_levels: dict[
        Literal["A", "B", "C"],
        dict[Literal["stop", "alarm", "other"], Annotated[float, Field(gt=0.5, lt=1)]],
    ] = {
        "A": {"stop": 0.97, "alarm": 0.95, "other": 0.92},
        "B": {"stop": 0.98, "alarm": 0.97, "other": 0.95},
        "C": {"stop": 0.99, "alarm": 0.98, "other": 0.97},
    }
    warranty_months: float = Field(default=12, ge=0)
    source: str = "J"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.a_share >= self.b_share:
            raise ValueError("a_share lies below b_share")
        lacking = [
            f"{value}.{effect}"
            for value in ("A", "B", "C")
            for effect in ("stop", "alarm", "other")
            if effect not in self.service_levels.get(value, {})
        ]
        if lacking:
            raise ValueError(f"service_levels lacks {', '.join(lacking)}")
        return self


class SupplyTerms(Model):
    """How parts come and what they cost where a company says nothing of an article: days from the
    supplier by lead-time class, days of a transfer into a region or a station, days between two
    looks at the stock, what share of the regular days an emergency order takes, and a price in
    yuan by price class."""

    supply_days: dict[Literal["L0", "L1", "L2", "L3"], float] = {
        "L0": 10,
        "L1": 10,
        "L2": 10,
        "L3": 60,
    }
    transfer_days: dict[Literal["region", "station"], float] = {"region": 3, "station": 1}
    review_days: float = Field(default=30, gt=0)
    emergency_share: float = Field(default=0.4, gt=0, le=1)
    prices: dict[Literal["A", "B", "C", "D", "E"], float] = {
        "A": 250,
        "B": 1500,
        "C": 10000,
        "D": 50000,
        "E": 150000,
    }
    source: str = "J"


class InspectionTerms(Model):
    """What weighs when the day of an inspection is chosen, in visits made alone: what a part that
    wears out unseen costs by the severity of what it leads to (most worn parts are noticed in
    time), and what a visit costs on a day on which a service of the machine is due, or a machine
    within `near_km` is visited."""

    # Plain numbers as in ServiceTier: JSON has text for keys.
    loss: dict[Annotated[int, Field(ge=1, le=4)], float] = {1: 0.05, 2: 0.2, 3: 0.6, 4: 1.0}
    with_service: float = Field(default=0.4, gt=0, le=1)
    with_neighbour: float = Field(default=0.7, gt=0, le=1)
    near_km: float = Field(default=40, ge=0)
    source: str = "J"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.loss) != {1, 2, 3, 4}:
            raise ValueError("an inspection's loss is said for each of the severities 1 to 4")
        if min(self.loss.values()) < 0:
            raise ValueError("an inspection's loss is no gain: it cannot be negative")
        return self


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

    @property
    def signal_keys(self) -> tuple[str, ...]:
        """Keys of all signals in column order."""
        return tuple(signal.key for signal in self.signals)


class ServiceTier(Model):
    """What a customer was promised: hours from a ticket's opening to the technician on site,
    by severity."""

    id: Key
    name: Text
    # A plain number and not Severity: JSON has text for keys, which a Literal would refuse.
    target_h: dict[Annotated[int, Field(ge=1, le=4)], float]

    @model_validator(mode="after")
    def _all_severities(self) -> Self:
        if set(self.target_h) != {1, 2, 3, 4}:
            raise ValueError("target_h promises hours for each of the severities 1 to 4")
        return self


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
