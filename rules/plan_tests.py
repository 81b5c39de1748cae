"""The tests beside the plans, run through the engine that runs live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet.batch import FaultCode, FaultReport, SampleBatch
from fleet.clock import MS_PER_DAY
from fleet.errors import Fault, PlanError
from fleet.loader import TEST_FILE, load_catalogue
from fleet.peer_day import PeerDay
from fleet.plan import ProductPlan
from fleet.yaml_source import read_yaml
from rules.compiled import CompiledPlan, compile_plan
from rules.condition import Identity
from rules.detectors.live import Taught
from rules.engine import fold
from rules.faults import FaultState, fold_faults, ripen
from rules.live.known_before import services_counted
from rules.plan_test_file import RaisedAlarm, RuleTest, TestFile, faults_of, read_tests, series
from rules.remembered.peers import LEAST_MACHINES, PeerDays
from rules.state import empty_state

_START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z; any moment would do
_MACHINE = 1


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
    file = read_tests(root)
    faults = list(faults_of(root, file, plan))
    if faults:
        raise PlanError(faults)
    compiled = compile_plan(plan)
    failures = []
    for i, test in enumerate(file.tests):
        place = root.at(("tests", i, "name"))
        problems = _differences(test, _run(test, file, compiled))
        failures += [place.fault(f"{test.name}: {problem}") for problem in problems]
    return len(file.tests), failures


@dataclass(frozen=True, slots=True)
class _Found:
    """An alarm of the run: seconds since the first row."""

    rule: str
    at_s: float
    cleared_s: float | None


def _run(test: RuleTest, file: TestFile, compiled: CompiledPlan) -> list[_Found]:
    batch = _batch(test, file, compiled)
    model = test.model or compiled.plan.models[0].id
    services = tuple(
        counted
        for done in test.services
        for counted in services_counted(compiled.plan, done.service, _moment(done.at_s))
    )
    who = {_MACHINE: Identity(test.serial, model, test.region, services=services)}
    taught = Taught(peers=_peers(test, compiled, batch))
    _, changes = fold(compiled, who, empty_state(compiled, [_MACHINE]), batch, taught)
    state, more = fold_faults(compiled, FaultState(), _reports(test))
    _, ripe = ripen(compiled, state, _MACHINE, int(batch.measured_at[-1]))
    found: dict[tuple[str, str, int], _Found] = {}
    for change in [*changes, *more, *ripe]:
        key = (change.rule, change.component, change.raised_at)
        over = _seconds(change.at) if change.kind == "cleared" else None
        found[key] = _Found(change.rule, _seconds(change.raised_at), over)
    return sorted(found.values(), key=lambda one: (one.at_s, one.rule))


def _peers(test: RuleTest, compiled: CompiledPlan, batch: SampleBatch) -> PeerDays:
    """The fleet's days that a test gives, for every day of the run."""
    last = int(batch.measured_at[-1]) // MS_PER_DAY
    return PeerDays.of(
        PeerDay(call.key, test.region, day, *test.peers[call.argument.text], LEAST_MACHINES)
        for call in compiled.gauges.peer_calls
        if call.argument.text in test.peers
        for day in range(_START_MS // MS_PER_DAY - 2, last)
    )


def _batch(test: RuleTest, file: TestFile, compiled: CompiledPlan) -> SampleBatch:
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


def _reports(test: RuleTest) -> list[FaultReport]:
    reports = []
    for report in test.faults:
        at = _moment(report.at_s)
        active = tuple(FaultCode(**code) for code in report.active)
        reports.append(FaultReport(_MACHINE, at, at, active))
    return reports


def _moment(at_s: float) -> int:
    return _START_MS + round(at_s * 1000)


def _seconds(at: int) -> float:
    return (at - _START_MS) / 1000


def _differences(test: RuleTest, found: Sequence[_Found]) -> Iterator[str]:
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


def _told(one: RaisedAlarm | _Found) -> str:
    over = "standing at the end" if one.cleared_s is None else f"cleared at {one.cleared_s:g} s"
    return f"{one.rule} raised at {one.at_s:g} s, {over}"


def _plain(fault: Fault) -> dict[str, object]:
    return {"file": str(fault.file), "line": fault.line, "message": fault.message}
