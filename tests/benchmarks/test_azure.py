"""The sample as it is read, and the figures by hand."""

from __future__ import annotations

import pytest

from benchmarks.azure.__main__ import judge
from benchmarks.azure.data import JUDGED_FROM, Event, Sample, error_reports, read_sample
from benchmarks.azure.replay import PRODUCT, Visit, azure_catalogue
from benchmarks.shared_data import shared_data
from fleet.clock import MS_PER_DAY, MS_PER_HOUR
from fleet.errors import IronpulseError

DAY = MS_PER_DAY


def _sample(*failures: Event) -> Sample:
    values = {"volt_v": 1.0}
    return Sample({1: "model1"}, [(1, 0, values), (1, 40 * DAY, values)], [], list(failures), [])


def _visit(opened: int, done: int | None, *named: str) -> Visit:
    return Visit(1, opened * DAY, None if done is None else done * DAY, "confirmed", named)


def test_a_ticket_counts_while_it_is_open() -> None:
    sample = _sample(Event(1, 12 * DAY, "comp1"), Event(1, 30 * DAY, "comp2"))
    visits = [_visit(10, 12, "comp1"), _visit(20, 25, "comp2"), _visit(29, None, "comp3")]
    found = judge(sample, visits, 0, 40 * DAY)
    assert (found.failures, found.ticketed, found.named) == (2, 2, 1)
    assert found.leads_h == (48.0, 24.0)
    assert (found.tickets, found.false_tickets) == (3, 1)
    assert found.false_per_machine_month == pytest.approx(365.25 / 12 / 40)


def test_an_error_holds_for_an_hour() -> None:
    sample = Sample({}, [(1, 0, {})], [Event(1, 5, "error1"), Event(1, 5, "error2")], [], [])
    assert list(error_reports(sample)) == [
        (1, 5, ["error1", "error2"]),
        (1, 5 + MS_PER_HOUR, []),
    ]


def test_the_plan_can_be_used() -> None:
    plan = azure_catalogue().plans[PRODUCT]
    assert [mode.id for mode in plan.failure_modes] == ["comp1", "comp2", "comp3", "comp4"]


def test_what_the_sample_holds() -> None:
    try:
        folder = shared_data("azure-pdm")
    except IronpulseError as error:
        pytest.skip(str(error))
    sample = read_sample(folder)
    assert len(sample.models) == 20
    assert len(sample.failures) == 42
    assert sum(one.at >= JUDGED_FROM for one in sample.failures) == 12
