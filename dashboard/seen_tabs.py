"""Tabs of which only the one that is seen is drawn, and asked for at the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import visit
from dashboard.visit import t


def show(name: str, draws: Mapping[str, Callable[[], None]]) -> None:
    """Tabs titled by the texts of `draws` (key of a text -> what draws the tab); the one that was
    open last under `name` is open again, in another language too."""
    title, place = opened(name, list(draws))
    with place:
        draws[title]()


def opened(name: str, titles: Sequence[str]) -> tuple[str, DeltaGenerator]:
    """Tabs as of `show`, for what stands outside them and depends on which one is seen: its title
    (key of a text) and the place to draw it in."""
    seen: dict[str, str] = st.session_state.setdefault("tabs_seen", {})
    begun: dict[str, str] = st.session_state.setdefault("tabs_begun", {})
    key = f"{name}_{visit.language()}"
    # Streamlit takes tabs that begin with another one for other tabs: where they begin stays.
    if st.session_state.get("tabs_of", {}).get(name) != key:
        st.session_state.setdefault("tabs_of", {})[name] = key
        begun[key] = seen[name] if seen.get(name) in titles else titles[0]
    places = st.tabs(
        [t(title) for title in titles], default=t(begun[key]), key=f"tabs_{key}", on_change="rerun"
    )
    of_title = dict(zip(titles, places, strict=True))
    seen[name] = next((title for title in titles if of_title[title].open), begun[key])
    return seen[name], of_title[seen[name]]
