"""Answers of a checklist: their kind, and whether they pass."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.service import CheckItem
from tests.predict.plans import text
from tickets.answers import ItemAnswer, item_codes, judge
from tickets.words import TicketError


def check(result: str, **more: Any) -> CheckItem:
    return CheckItem.model_validate(
        {
            "id": "one",
            "check": text("gap"),
            "method": text("measure"),
            "result": result,
            "fail_severity": 2,
            "component": "pump",
            "minutes": 2,
            **more,
        }
    )


GAP = check("number", unit="mm", limits={"above": 0.7, "below": 0.1})
PAINT = check("choice", choices=[text("good"), text("poor")], passes=[0])


@pytest.mark.parametrize(
    ("item", "answer", "passed"),
    [
        (check("ok"), True, True),
        (check("ok"), False, False),
        (GAP, 0.7, True),
        (GAP, 0.71, False),
        (GAP, 0.05, False),
        (PAINT, 0, True),
        (PAINT, 1.0, False),
        (check("text"), "a word", True),
    ],
)
def test_an_answer_passes_or_fails(item: CheckItem, answer: Any, passed: bool) -> None:
    assert judge(item, answer)[1] is passed


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        (check("ok"), 1.0),
        (check("ok"), "yes"),
        (GAP, True),
        (GAP, float("nan")),
        (PAINT, 2),
        (PAINT, 0.5),
        (check("text"), "  "),
    ],
)
def test_an_answer_of_another_kind_is_refused(item: CheckItem, answer: Any) -> None:
    with pytest.raises(TicketError) as caught:
        judge(item, answer)
    assert caught.value.code == "answer_invalid"


def test_codes_of_items_and_their_strangers() -> None:
    items = [ItemAnswer(1, "alarm", "rule", "a", 0, 0), ItemAnswer(2, "wear", "piston", "b", 0, 1)]
    assert item_codes(items, [], "sensor_fault", {}) == {1: "sensor_fault", 2: "wear_confirmed"}
    assert item_codes(items, [], "confirmed", {2: "other_fault"})[2] == "other_fault"
    with pytest.raises(TicketError, match="no finding code"):
        item_codes(items, [], "nonsense", {})
    with pytest.raises(TicketError, match="no item 9"):
        item_codes(items, [], "confirmed", {9: "confirmed"})
