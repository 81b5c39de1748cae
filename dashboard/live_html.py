"""HTML on the page whose links lead to other pages of the dashboard without loading anew."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.markup import Html

_JS = (Path(__file__).parent / "live_html.js").read_text(encoding="utf-8")


def register() -> None:
    """Make the component known; the app does it once per run."""
    st.session_state.live_html = st.components.v2.component(
        "ironpulse_html", html='<div class="ip-html"></div>', js=_JS, isolate_styles=False
    )


def show(html: Html, key: str) -> None:
    """Show `html`; a click on a link or a row in it opens that page."""
    st.session_state.live_html(data=str(html), key=key)
