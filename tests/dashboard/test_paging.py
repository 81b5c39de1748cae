"""Long lists in pages."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from dashboard import paging

    st.session_state.language = "en"
    items = list(range(st.session_state.get("many", 45)))
    asked = st.session_state.get("asked", "all")
    paging.show("list", items, lambda shown: st.write(f"{shown[0]}..{shown[-1]}"), of=(asked,))


def _turn(app: AppTest, to: int) -> None:
    assert len(app.get("pagination")) == 1
    app.session_state["page_list_all"] = to
    app.run(timeout=30)


def test_a_page_is_kept_for_each_way_to_ask() -> None:
    app = AppTest.from_function(_page).run(timeout=30)
    assert app.markdown[0].value == "0..19"
    assert app.caption[0].value == "1 to 20 of 45"
    _turn(app, 3)
    assert (app.markdown[0].value, app.caption[0].value) == ("40..44", "41 to 45 of 45")
    app.session_state["asked"] = "some"
    app.run(timeout=30)
    assert app.markdown[0].value == "0..19"
    app.session_state["many"] = 20
    app.run(timeout=30)
    assert app.markdown[0].value == "0..19"
    assert not app.get("pagination")


def test_a_list_that_shrank_is_shown_from_its_beginning() -> None:
    app = AppTest.from_function(_page).run(timeout=30)
    _turn(app, 3)
    app.session_state["many"] = 30
    app.run(timeout=30)
    assert app.markdown[0].value == "0..19"
    assert not app.exception
