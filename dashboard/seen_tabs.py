"""Tabs of which only the one that is seen is drawn, and asked for at the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard import visit
from dashboard.visit import t


def show(name: str, draws: Mapping[str, Callable[[], None]]) -> None:
    """Tabs titled by the texts of `draws` (key of a text -> what draws the tab); the one that was
    open last under `name` is open again, in another language too."""
    seen: dict[str, str] = st.session_state.setdefault("tabs_seen", {})
    begun: dict[str, str] = st.session_state.setdefault("tabs_begun", {})
    key = f"{name}_{visit.language()}"
    # Streamlit takes tabs that begin with another one for other tabs: where they begin stays.
    if st.session_state.get("tabs_of", {}).get(name) != key:
        st.session_state.setdefault("tabs_of", {})[name] = key
        begun[key] = seen[name] if seen.get(name) in draws else next(iter(draws))
    places = st.tabs(
        [t(title) for title in draws], default=t(begun[key]), key=f"tabs_{key}", on_change="rerun"
    )
    for (title, draw), place in zip(draws.items(), places, strict=True):
        if place.open:
            seen[name] = title
            with place:
                draw()
