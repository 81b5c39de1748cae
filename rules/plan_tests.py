"""The tests beside the plans: rules.test.yaml, run through the engine that runs live.

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
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from fleet.batch import FaultCode, FaultReport, SampleBatch
from fleet.errors import Fault, PlanError
from fleet.loader import TEST_FILE, load_catalogue
from fleet.plan import Model, ProductPlan
from fleet.yaml_source import Node, read_yaml
from rules.compiled import CompiledPlan, Identity, compile_plan
from rules.engine import fold
from rules.faults import FaultState, fold_faults, ripen
from rules.state import empty_state

_START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z; any moment would do
_MACHINE = 1
_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_TOKEN = re.compile(rf"^(?:(_)|({_NUMBER})(?:\.\.({_NUMBER}))?)(?:x(\d+))?$")

Value = float | str | None


class _Report(Model):
    at_s: float = Field(ge=0)
    active: tuple[dict[str, Any], ...]


class _Raised(Model):
    rule: str
    at_s: float = Field(ge=0)
    cleared_s: float | None = Field(default=None, ge=0)


class _Test(Model):
    name: str
    base: str | None = None
    every_s: float = Field(gt=0)
    signals: dict[str, Value] = Field(default_factory=dict)
    faults: tuple[_Report, ...] = ()
    raised: tuple[_Raised, ...] = ()
    serial: str = "TEST"
    model: str | None = None
    region: str = ""


class _File(Model):
    bases: dict[str, dict[str, Value]] = Field(default_factory=dict)
    tests: tuple[_Test, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What `check_products` found: faults of the plans, tests that failed, tests that ran."""

    faults: tuple[Fault, ...]
    failures: tuple[Fault, ...]
    tests: int
    products: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.faults and not self.failures

    def as_text(self) -> str:
        """Every fault and failure on a line of its own, and a last line that sums up."""
        lines = [str(fault) for fault in (*self.faults, *self.failures)]
        count = f"{len(self.products)} products, {self.tests} tests"
        verdict = f"{count}: {len(self.faults)} faults, {len(self.failures)} failures"
        return "\n".join([*lines, verdict])

    def as_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "products": list(self.products),
            "tests": self.tests,
            "faults": [_plain(fault) for fault in self.faults],
            "failures": [_plain(fault) for fault in self.failures],
        }


def check_products(directory: Path) -> Report:
    """Load every plan under `directory` and run the tests beside each."""
    try:
        catalogue = load_catalogue(directory)
    except PlanError as error:
        return Report(error.faults, (), 0, ())
    failures: list[Fault] = []
    faults: list[Fault] = []
    count = 0
    for name, plan in catalogue.plans.items():
        path = directory / name / TEST_FILE
        if not path.exists():
            if plan.rules:
                faults.append(Fault(path, 0, 0, "is missing: rules are tested beside the rules"))
            continue
        try:
            ran, failed = run_file(path, plan)
        except PlanError as error:
            faults += error.faults
        else:
            count += ran
            failures += failed
    return Report(tuple(faults), tuple(failures), count, tuple(catalogue.plans))


def run_file(path: Path, plan: ProductPlan) -> tuple[int, list[Fault]]:
    """Run a file of tests: how many there were, and what each failed one expected and found.

    Raises PlanError with all faults of the file when it cannot be run.
    """
    root = read_yaml(path)
    file = _validated(root)
    faults = list(_faults_of(root, file, plan))
    if faults:
        raise PlanError(faults)
    compiled = compile_plan(plan)
    failures = []
    for i, test in enumerate(file.tests):
        place = root.at(("tests", i, "name"))
        problems = _differences(test, _run(test, file, compiled))
        failures += [place.fault(f"{test.name}: {problem}") for problem in problems]
    return len(file.tests), failures


def _validated(root: Node) -> _File:
    try:
        return _File.model_validate(root.plain())
    except ValidationError as error:
        raise PlanError(
            [root.at(e["loc"]).fault(f"{e['loc'][-1]}: {e['msg']}") for e in error.errors()]
        ) from error


def _faults_of(root: Node, file: _File, plan: ProductPlan) -> Iterator[Fault]:
    for name, base in file.bases.items():
        yield from _series_faults(root.at(("bases", name)), base, plan)
    for i, test in enumerate(file.tests):
        place = root.at(("tests", i))
        yield from _series_faults(place.at(("signals",)), test.signals, plan)
        if test.base is not None and test.base not in file.bases:
            yield place.at(("base",)).fault(f"there is no base {test.base}")
        for j, raised in enumerate(test.raised):
            if raised.rule not in plan.rule:
                yield place.at(("raised", j, "rule")).fault(f"there is no rule {raised.rule}")
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


@dataclass(frozen=True, slots=True)
class _Found:
    """An alarm of the run: seconds since the first row."""

    rule: str
    at_s: float
    cleared_s: float | None


def _run(test: _Test, file: _File, compiled: CompiledPlan) -> list[_Found]:
    batch = _batch(test, file, compiled)
    model = test.model or compiled.plan.models[0].id
    who = {_MACHINE: Identity(test.serial, model, test.region)}
    _, changes = fold(compiled, who, empty_state(compiled, [_MACHINE]), batch)
    state, more = fold_faults(compiled, FaultState(), _reports(test))
    _, ripe = ripen(compiled, state, _MACHINE, int(batch.measured_at[-1]))
    found: dict[tuple[str, str, int], _Found] = {}
    for change in [*changes, *more, *ripe]:
        key = (change.rule, change.component, change.raised_at)
        over = _seconds(change.at) if change.kind == "cleared" else None
        found[key] = _Found(change.rule, _seconds(change.raised_at), over)
    return sorted(found.values(), key=lambda one: (one.at_s, one.rule))


def _batch(test: _Test, file: _File, compiled: CompiledPlan) -> SampleBatch:
    given = {**file.bases.get(test.base or "", {}), **test.signals}
    columns = {key: series(text) for key, text in given.items()}
    rows = max((len(column) for column in columns.values()), default=1)
    later = [report.at_s for report in test.faults]
    later += [s for one in test.raised for s in (one.at_s, one.cleared_s) if s is not None]
    rows = max(rows, int(max(later, default=0) // test.every_s) + 1)
    values = np.full((rows, len(compiled.signals)), np.nan, order="F")
    for s, key in enumerate(compiled.signals):
        if key in columns:
            values[:, s] = _lengthened(columns[key], rows)
    times = _START_MS + np.round(np.arange(rows) * test.every_s * 1000).astype(np.int64)
    ids = np.full(rows, _MACHINE, np.int64)
    return SampleBatch(compiled.plan.product, compiled.signals, ids, times, times, values)


def _lengthened(values: Sequence[float], rows: int) -> NDArray[np.float64]:
    return np.array([*values, *[values[-1]] * (rows - len(values))])


def _reports(test: _Test) -> list[FaultReport]:
    reports = []
    for report in test.faults:
        at = _START_MS + round(report.at_s * 1000)
        active = tuple(FaultCode(**code) for code in report.active)
        reports.append(FaultReport(_MACHINE, at, at, active))
    return reports


def _seconds(at: int) -> float:
    return (at - _START_MS) / 1000


def _differences(test: _Test, found: Sequence[_Found]) -> Iterator[str]:
    """What was expected and not found, and what was found and not expected."""
    left = list(found)
    for wanted in test.raised:
        same = [one for one in left if (one.rule, one.at_s) == (wanted.rule, wanted.at_s)]
        exact = [one for one in same if one.cleared_s == wanted.cleared_s]
        if exact:
            left.remove(exact[0])
        elif same:
            left.remove(same[0])
            yield f"expected {_told(wanted)}; found {_told(same[0])}"
        else:
            others = [_told(one) for one in found if one.rule == wanted.rule]
            instead = "; ".join(others) or "it stayed quiet"
            yield f"expected {_told(wanted)}; found: {instead}"
    expected = {(wanted.rule, wanted.at_s) for wanted in test.raised}
    rules = {rule for rule, _ in expected}
    for one in left:
        if one.rule not in rules:
            yield f"expected {one.rule} to stay quiet; found {_told(one)}"
        elif (one.rule, one.at_s) not in expected:
            yield f"expected nothing more of {one.rule}; found {_told(one)}"


def _told(one: _Raised | _Found) -> str:
    over = "standing at the end" if one.cleared_s is None else f"cleared at {one.cleared_s:g} s"
    return f"{one.rule} raised at {one.at_s:g} s, {over}"


def main(arguments: Sequence[str]) -> int:
    """Check the products of a directory (default `products`) and print what is wrong."""
    report = check_products(Path(arguments[0] if arguments else "products"))
    print(report.as_text())
    return 0 if report.ok else 1


def _plain(fault: Fault) -> dict[str, object]:
    return {"file": str(fault.file), "line": fault.line, "message": fault.message}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
