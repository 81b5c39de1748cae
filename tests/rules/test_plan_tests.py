"""The runner of the tests beside the plans: what it accepts, and how it names what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fleet.errors import PlanError
from rules.plan_test_file import series
from rules.plan_tests import check_products, run_file
from tests.rules.plans import plan

BASES = "bases:\n  hot: {eng_speed_rpm: 1500, oil_temp_c: 90}\n  cold: {oil_temp_c: 20}\n"


def checked(tmp_path: Path, tests: str) -> list[str]:
    path = tmp_path / "rules.test.yaml"
    path.write_text(BASES + "tests:\n" + tests, encoding="utf-8")
    return [str(failure).removeprefix(str(path)) for failure in run_file(path, plan())[1]]


def test_series() -> None:
    assert series("88x2 70..72x3") == [88, 88, 70, 71, 72]
    np.testing.assert_array_equal(series("_x2 1 _"), [np.nan, np.nan, 1, np.nan])
    assert series(7.5) == [7.5]
    assert series("-1.5x2") == [-1.5, -1.5]


def test_a_test_that_holds_says_nothing(tmp_path: Path) -> None:
    assert checked(tmp_path, """
  - {name: cold, base: cold, every_s: 10, raised: []}
  - name: codes
    every_s: 10
    signals: {oil_temp_c: 20x9}
    faults: [{at_s: 5, active: [{spn: 110, fmi: 0}]}, {at_s: 30, active: []}]
    raised: [{rule: code, at_s: 5, cleared_s: 30}]
""") == []  # fmt: skip


def test_says_where_and_what_was_expected_and_found(tmp_path: Path) -> None:
    failures = checked(tmp_path, """
  - name: too early
    base: hot
    every_s: 10
    signals: {oil_temp_c: 90x4 20x9, filter_sw: 0}
    raised: [{rule: hot, at_s: 10}, {rule: often, at_s: 5}]
""")  # fmt: skip
    assert failures[0] == (
        ":6:11: too early: expected hot raised at 10 s, standing at the end; "
        "found: hot raised at 20 s, cleared at 50 s"
    )
    assert (
        "expected often raised at 5 s, standing at the end; found: it stayed quiet" in (failures[1])
    )
    assert any("expected mean to stay quiet; found mean raised at 0 s" in f for f in failures)


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        checked(tmp_path, """
  - {name: a, base: nowhere, every_s: 10, signals: {oil_temp: 3, fuel_pct: 4xx}}
  - {name: b, every_s: 10, services: [{service: h1, at_s: 0}], raised: [{rule: nothing, at_s: 3}]}
""")  # fmt: skip
    said = [fault.message for fault in caught.value.faults]
    assert said == [
        "there is no base nowhere",
        "there is no signal oil_temp",
        "fuel_pct: '4xx' is none of VALUExN, FROM..TOxN and _xN",
        "there is no service h1",
        "there is no rule nothing",
    ]


def test_the_products_hold_their_tests() -> None:
    report = check_products(Path(__file__).parents[2] / "products")
    assert report.ok, report.as_text()
    assert report.tests >= len(report.products) * 3
