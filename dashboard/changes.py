"""Changes made at the API, and its refusals beside the control that asked."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import visit
from dashboard.client import ApiError


def do(place: str, change: Callable[[], object]) -> None:
    """Make a change; where the API refuses, its sentence appears beside the control."""
    errors: dict[str, str] = st.session_state.setdefault("errors", {})
    errors.pop(place, None)
    visit.forget_answers()
    try:
        change()
    except ApiError as error:
        errors[place] = visit.sentence(error)


def show_error(place: str) -> None:
    """Show what was refused at `place`, once."""
    words = st.session_state.get("errors", {}).pop(place, None)
    if words:
        st.error(words, icon=":material/error:")
