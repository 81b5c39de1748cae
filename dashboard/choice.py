"""Choices that outlive a change of language, and a walk to another page and back.

Streamlit takes a list whose words changed for another one and forgets what was chosen, so each
language has a list of its own, which begins with what was chosen in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import visit
from dashboard.visit import t

Option = TypeVar("Option", str, int, str | None, int | None)
Words = Callable[[Any], str]


def filters(name: str, spec: int | Sequence[float]) -> list[DeltaGenerator]:
    """Places for the choices that narrow a list, side by side as of `st.columns`; in pairs on a
    phone."""
    with st.container(key=f"filters_{name}"):
        return st.columns(spec, vertical_alignment="bottom")


def choose(
    label: str,
    name: str,
    options: Sequence[Option],
    words: Callable[[Option], str],
    usual: Option | None = None,
    *,
    of: str = "",
) -> Option:
    """One of `options`, shown in `words`: what was chosen last under `name`, else `usual`, else the
    first. A list that depends on another choice says which one, as `of`.

    Streamlit tells options apart by their words, so those that share them show themselves, too.
    """
    first = options.index(_begin(name, of, options, usual))
    key = _key("choice", name, of)
    chosen = st.selectbox(label, options, first, format_func=_distinct(options, words), key=key)
    _choices()[name, of] = chosen
    return chosen


def choose_or_all(label: str, name: str, names: Mapping[str, str], *, of: str = "") -> str | None:
    """One of `names` (key -> words), or None for all of them, which is how it begins."""
    options: list[str | None] = [None, *names]
    return choose(label, name, options, lambda key: t("all") if key is None else names[key], of=of)


def segment(
    label: str, name: str, options: Sequence[Option], words: Words, usual: Option | None = None
) -> Option:
    """One of a few `options` that stand side by side; begins like `choose`."""
    first = _begin(name, "", options, usual)
    chosen = st.segmented_control(
        label,
        options,
        default=first,
        format_func=words,
        key=_key("segment", name, ""),
        required=True,
    )
    found = first if chosen is None else chosen
    _choices()[name, ""] = found
    return found


def several(
    label: str, name: str, options: Sequence[str], words: Words, usual: Sequence[str], most: int
) -> list[str]:
    """Up to `most` of `options`: what was chosen last under `name`, else `usual`."""
    kept = _choices()
    key = _key("several", name, "")
    # Given once and not as a default, which would undo the reader's choice when it changes.
    first = [option for option in kept.get((name, ""), usual) if option in options]
    st.session_state.setdefault(key, first)
    chosen = st.multiselect(label, options, format_func=words, max_selections=most, key=key)
    kept[name, ""] = chosen
    return chosen


def _choices() -> dict[tuple[str, str], Any]:
    kept: dict[tuple[str, str], Any] = st.session_state.setdefault("choices", {})
    return kept


def _begin(name: str, of: str, options: Sequence[Option], usual: Option | None) -> Option:
    """What was chosen last, else what is usual, else the first. None may be an option, too."""
    likeliest: list[Any] = [usual] if usual is not None else []
    if (name, of) in _choices():
        likeliest.insert(0, _choices()[name, of])
    return next((one for one in likeliest if one in options), options[0])


def _key(*names: str) -> str:
    return "_".join((*names, visit.language()))


def _distinct(options: Sequence[Option], words: Callable[[Option], str]) -> Words:
    shown = Counter(words(option) for option in options)

    def told(option: Option) -> str:
        said = words(option)
        return said if shown[said] == 1 else f"{said} · {option}"

    return told
