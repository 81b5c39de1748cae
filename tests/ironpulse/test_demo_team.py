"""What the demo's service team finds of parts that are said to be nearly worn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleet.clock import to_ms
from fleet.loader import load_catalogue
from ironpulse.demo import team
from ironpulse.settings import PRODUCTS
from simulators.wear import Fitted
from store.tickets import WholeTicket

DAY = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reached", "found"), [(0.3, None), (0.6, "early"), (0.9, "worn"), (1.1, "failed")]
)
def test_a_part_is_what_it_has_reached_of_its_own_life(reached: float, found: str | None) -> None:
    assert team._judged(reached) == found


def test_a_part_of_the_past_has_the_simulators_life_and_a_later_one_its_own() -> None:
    catalogue = load_catalogue(PRODUCTS)
    part = catalogue.plans["trailer_pump"].parts[0]
    place = part.positions[0].id
    first = Fitted(part.id, place, to_ms(DAY), 1234.0, 0.0, 1000.0)
    crew = team.Team(catalogue, seed=1)
    crew.knows({"T-1": 1}, [], {"T-1": [first]})
    standing = {"position": place, "fitted_at": DAY}
    assert crew._life("T-1", part, standing) == 1234.0
    later = {"position": place, "fitted_at": DAY.replace(day=9)}
    life = crew._life("T-1", part, later)
    assert life != 1234.0
    assert part.life.low / 10 < life < part.life.high * 10
    assert crew._life("T-1", part, later) == life
    assert crew._life("T-2", part, later) != life


def test_a_visit_that_replaced_nothing_says_that_the_part_was_still_good() -> None:
    items = [
        {"id": 1, "kind": "wear", "source": "seal"},
        {"id": 2, "kind": "wear", "source": "filter"},
        {"id": 3, "kind": "alarm", "source": "hot"},
    ]
    parts = [{"id": 7, "part": "seal"}, {"id": 8, "part": "filter"}, {"id": 9, "part": "filter"}]
    whole = WholeTicket({}, items, [], parts, [], [])
    assert team._left_in_place(whole, {7: None, 8: None, 9: "worn"}) == {1: "wear_not_reached"}


@pytest.mark.parametrize(
    ("component", "real", "sensors", "code"),
    [
        ("control/hyd_oil_temp_c", set(), {"control/hyd_oil_temp_c"}, "sensor_fault"),
        ("hydraulics", set(), {"control/hyd_oil_temp_c"}, "sensor_fault"),
        ("hydraulics", {"CP-F06"}, {"control/hyd_oil_temp_c"}, "confirmed"),
        ("control/hyd_oil_temp_c", {"CP-F01"}, {"control/hyd_oil_temp_c"}, "sensor_fault"),
        ("hydraulics", {"CP-F01"}, set(), "other_fault"),
        ("hydraulics", set(), set(), "no_fault_found"),
    ],
)
def test_what_a_visit_finds_is_the_machine_or_its_sensor(
    component: str, real: set[str], sensors: set[str], code: str
) -> None:
    modes = [] if component.startswith("control/") else ["CP-F06"]
    item = {"id": 1, "kind": "alarm", "component": component, "failure_modes": modes}
    assert team._code(WholeTicket({}, [item], [], [], [], []), real, sensors) == code
