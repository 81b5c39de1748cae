"""The form of rules.test.yaml, the tests beside a plan.

    bases:
      pumping: {eng_speed_rpm: 1500, hyd_oil_temp_c: 55}
    tests:
      - name: hot oil is told after its hold
        base: pumping
        every_s: 10
        signals: {hyd_oil_temp_c: 55..90x20 90x12 60x10}
        raised: [{rule: oil_hot, at_s: 250, cleared_s: 330}]

A series is made of `VALUExN` (N times), `FROM..TOxN` (N values in a straight line) and `_xN`
(nothing arrives N times); a shorter one holds its last value to the end. What `raised` does not
name must stay quiet; an alarm without `cleared_s` must stand at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from fleet.errors import Fault, PlanError
from fleet.fields import Model
from fleet.plan import ProductPlan
from fleet.yaml_source import Node
from rules.compiled import compile_plan

_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_TOKEN = re.compile(rf"^(?:(_)|({_NUMBER})(?:\.\.({_NUMBER}))?)(?:x(\d+))?$")

Value = float | str | None


class FaultsGiven(Model):
    """A fault report of a test: the codes active from `at_s` on."""

    at_s: float = Field(ge=0)
    active: tuple[dict[str, Any], ...]


class ServiceGiven(Model):
    """A service of a test that was reported done at `at_s`."""

    service: str
    at_s: float


class RaisedAlarm(Model):
    """An alarm a test expects; seconds since the first row."""

    rule: str
    at_s: float = Field(ge=0)
    cleared_s: float | None = Field(default=None, ge=0)


class RuleTest(Model):
    """One test: what arrives, and which alarms come of it."""

    name: str
    base: str | None = None
    every_s: float = Field(gt=0)
    signals: dict[str, Value] = Field(default_factory=dict)
    faults: tuple[FaultsGiven, ...] = ()
    services: tuple[ServiceGiven, ...] = ()
    raised: tuple[RaisedAlarm, ...] = ()
    serial: str = "TEST"
    model: str | None = None
    region: str = ""
    peers: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """What is normal for the fleet, all days: expression -> level and spread."""


class TestFile(Model):
    """A whole rules.test.yaml."""

    bases: dict[str, dict[str, Value]] = Field(default_factory=dict)
    tests: tuple[RuleTest, ...] = Field(min_length=1)


def read_tests(root: Node) -> TestFile:
    """The file's tests. Raises PlanError with everything that is not of the form."""
    try:
        return TestFile.model_validate(root.plain())
    except ValidationError as error:
        raise PlanError(
            [root.at(e["loc"]).fault(f"{e['loc'][-1]}: {e['msg']}") for e in error.errors()]
        ) from error


def faults_of(root: Node, file: TestFile, plan: ProductPlan) -> Iterator[Fault]:
    """Names in the tests that the plan does not have, and series that cannot be read."""
    for name, base in file.bases.items():
        yield from _series_faults(root.at(("bases", name)), base, plan)
    for i, test in enumerate(file.tests):
        place = root.at(("tests", i))
        yield from _series_faults(place.at(("signals",)), test.signals, plan)
        if test.base is not None and test.base not in file.bases:
            yield place.at(("base",)).fault(f"there is no base {test.base}")
        asked = {call.argument.text for call in compile_plan(plan).gauges.peer_calls}
        for text in sorted(set(test.peers) - asked):
            yield place.at(("peers",)).fault(f"no rule asks for the peers of {text}")
        for j, raised in enumerate(test.raised):
            if raised.rule not in plan.rule:
                yield place.at(("raised", j, "rule")).fault(f"there is no rule {raised.rule}")
        for j, done in enumerate(test.services):
            if done.service not in plan.service:
                message = f"there is no service {done.service}"
                yield place.at(("services", j, "service")).fault(message)
        for j, report in enumerate(test.faults):
            for code in report.active:
                if set(code) - {"spn", "fmi", "code", "oc", "sa", "lamp"}:
                    yield place.at(("faults", j)).fault(f"{code} is no trouble code")


def _series_faults(place: Node, signals: Mapping[str, Value], plan: ProductPlan) -> Iterator[Fault]:
    for key, text in signals.items():
        if key not in plan.signal:
            yield place.at((key,)).fault(f"there is no signal {key}")
        bad = [token for token in str("_" if text is None else text).split() if _bad(token)]
        if bad:
            yield place.at((key,)).fault(
                f"{key}: {bad[0]!r} is none of VALUExN, FROM..TOxN and _xN"
            )


def _bad(token: str) -> bool:
    match = _TOKEN.match(token)
    return match is None or (match[4] is not None and int(match[4]) == 0)


def series(text: Value) -> list[float]:
    """The values of a series; NaN where nothing arrives."""
    values: list[float] = []
    for token in str("_" if text is None else text).split():
        match = _TOKEN.match(token)
        assert match is not None
        count = int(match[4] or 1)
        if match[1]:
            values += [np.nan] * count
        elif match[3]:
            values += np.linspace(float(match[2]), float(match[3]), count).tolist()
        else:
            values += [float(match[2])] * count
    return values
