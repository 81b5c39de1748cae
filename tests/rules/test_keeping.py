"""What is known of machines now, in the digits that people are shown."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.compiled import compile_plan
from rules.keeping import _shown
from tests import small

COMPILED = compile_plan(small.product_plan())
REAL = [signal.type == "real" for signal in COMPILED.plan.signals].index(True)
OTHER = [signal.type == "real" for signal in COMPILED.plan.signals].index(False)


@given(
    st.floats(-(2.0**50), 2.0**50, width=32).filter(lambda value: value == 0 or abs(value) > 1e-15)
)
def test_a_real_is_shown_with_the_digits_it_has(value: float) -> None:
    given_values = np.full((1, len(COMPILED.signals)), value)
    shown = _shown(COMPILED, given_values)[0]
    assert shown[REAL] == float(f"{value:.7g}")
    assert shown[OTHER] == value


def test_what_is_unknown_stays_unknown() -> None:
    assert np.isnan(_shown(COMPILED, np.full((1, len(COMPILED.signals)), np.nan))).all()
