"""When an alarm is raised and when it returns, as a plan says it."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from fleet.fields import Code, Key, Model, Product, Severity
from fleet.text import Text

#: Ten years, as of windows (fleet.calls): nothing is waited for longer.
LONGEST_H = 3660 * 24
LONGEST_S = LONGEST_H * 3600


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

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.model is None and self.region is None and self.machine is None:
            raise ValueError(
                "an override says for which model, region or machine; what holds for all "
                "belongs into params"
            )
        return self


#: What a rule may be triggered by, one of them.
Trigger = Literal["when", "faults", "silence", "normal", "sensors", "clock"]
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
#: Keys of a condition; what else triggers a rule does not look at them.
_OF_CONDITIONS = ("hold_s", "regimes", "clear", "clear_hold_s", "params", "overrides")
_ALSO_LOOKED_AT = {"faults": ("hold_s",), "silence": ("hold_s",), "normal": ("regimes",)}


class Normal(Model):
    """What a learned detector compares with what is normal: means of `signals` over stretches of
    `every_s` seconds in the rule's regimes, and how much those of `unsteady` fluctuate within
    them, against what the operating point (`inputs`, signals or products of their means) lets one
    expect. `limit` is how often as far as healthy stretches get counts as an alarm: less finds
    more, and more that is nothing."""

    signals: tuple[Key, ...] = Field(min_length=2)
    inputs: tuple[Product, ...] = Field(default=(), max_length=6)
    unsteady: tuple[Key, ...] = ()
    every_s: float = Field(default=900, ge=60, le=86400)
    limit: float = Field(default=2.2, gt=1)

    @property
    def factors(self) -> tuple[tuple[str, ...], ...]:
        """The signals that each input is the product of."""
        return tuple(tuple(name.split(" * ")) for name in self.inputs)


class Flapping(Model):
    """An alarm that is raised or returns `changes` times within `within_s` of machine time flaps,
    until it has been quiet for as long."""

    changes: int = Field(ge=3)
    within_s: float = Field(gt=0, le=LONGEST_S)


class AlarmHandling(Model):
    """How often the same alarm may come: not anew within `again_after_h` hours of machine time
    after its condition was gone. What a rule says itself goes before. One that still stands
    `after_visit_h` hours of machine time after a visit that dealt with it is told anew: long
    enough for windows to forget, and for baselines to be learned again."""

    again_after_h: float = Field(default=0, ge=0, le=LONGEST_H)
    after_visit_h: float = Field(default=168, ge=0, le=LONGEST_H)
    flapping: Flapping | None = None
    source: str = "J"


class Rule(Model):
    """When an alarm is raised and when it returns.

    Exactly one of `when` (an expression over signals), `faults` (active trouble codes), `silence`
    (the connection state that alarms), `normal` (a learned detector), `sensors` (sensors out of
    their range, and those that learned detectors of the product caught lying) and `clock` (the
    machine's clock is wrong) is given. A `when` rule raises once the condition has held for
    `hold_s` in one of its `regimes`, and returns once `clear` has held for `clear_hold_s`. Unknown
    is neither true nor false: it starts nothing and ends nothing.
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
    clock: Literal[True] | None = None
    regimes: tuple[Key, ...] | Literal["any"] | None = None
    hold_s: float | None = Field(default=None, ge=0, le=LONGEST_S)
    clear: str | None = None
    clear_hold_s: float = Field(default=0, ge=0, le=LONGEST_S)
    params: dict[Key, float] = Field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    shows: tuple[Key, ...] = ()
    failure_modes: tuple[Code, ...] = ()
    advice: Text
    late: Literal["page", "record", "ignore"] = "record"
    ticket: bool = True
    again_after_h: float | None = Field(default=None, ge=0, le=LONGEST_H)
    flapping: Flapping | None = None
    source: str = "J"

    @property
    def trigger(self) -> Trigger:
        """What triggers it."""
        return next(name for name in TRIGGERS if getattr(self, name) is not None)

    @property
    def of_connection(self) -> bool:
        """Whether it speaks of the telematics unit and its connection and never of a fault of the
        machine; it goes by the clock on the wall."""
        return self.silence is not None or self.clock is not None

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
        self._refuse_idle_keys(given[0])
        if self.regimes == ():
            raise ValueError("`regimes` is empty: name those it is judged in, or say any")
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

    def _refuse_idle_keys(self, trigger: str) -> None:
        """What is written and not looked at misleads whoever reads it."""
        if trigger == "when":
            return
        idle = [
            name
            for name in _OF_CONDITIONS
            if name not in _ALSO_LOOKED_AT.get(trigger, ())
            and getattr(self, name) != type(self).model_fields[name].get_default(
                call_default_factory=True
            )
        ]  # fmt: skip
        if idle:
            raise ValueError(f"a rule with `{trigger}` does not look at {', '.join(idle)}")


#: What decides when a rule's alarm is raised and when it returns.
_JUDGING = (
    "component", "when", "faults", "silence", "normal", "sensors", "clock", "regimes", "hold_s",
    "clear", "clear_hold_s", "params", "overrides",
)  # fmt: skip


def _checksum(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
