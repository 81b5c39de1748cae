"""What may be changed of a rule that is tried."""

from __future__ import annotations

from rules.backtest.trial import changed
from tests.rules.plans import plan

PLAN = plan()
HOT = PLAN.rule["hot"]


def test_a_number_may_stand_where_a_parameter_did() -> None:
    assert HOT.params
    other, wrong = changed(PLAN, HOT, {"when": "oil_temp_c > 84", "clear": "oil_temp_c < 80"})
    assert wrong == [] and other is not None and other.when == "oil_temp_c > 84"


def test_what_is_given_and_not_read_is_refused() -> None:
    other, wrong = changed(PLAN, HOT, {"params": {**HOT.params, "limt": 84}})
    assert other is None
    assert wrong == [("params", "neither when nor clear reads limt")]
