"""Choices: what a list begins with, and what it keeps."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    from dashboard.choice import choose

    choose("Status", "status", ["live", None, "done"], str)


def test_a_list_begins_with_its_first_option_and_keeps_that_all_were_chosen() -> None:
    page = AppTest.from_function(_page).run(timeout=30)
    assert not page.exception
    assert str(page.selectbox[0].value) == "live"
    page.selectbox[0].select_index(1).run(timeout=30)
    page.session_state["language"] = "zh"
    page.run(timeout=30)
    assert str(page.selectbox[0].value) == "None"
