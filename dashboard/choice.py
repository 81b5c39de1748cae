"""A choice from a list that outlives a change of language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard import visit

Option = TypeVar("Option", str, int)


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

    Streamlit takes a list whose words changed for another one and forgets what was chosen, so each
    language has a list of its own, which begins with what was chosen in the other. It tells options
    apart by their words, so those that share them show themselves, too.
    """
    shown = Counter(words(option) for option in options)

    def distinct(option: Option) -> str:
        told = words(option)
        return told if shown[told] == 1 else f"{told} · {option}"

    kept = st.session_state.setdefault("choices", {})
    last = kept.get((name, of), usual)
    first = options.index(last) if last in options else 0
    key = "_".join(("choice", name, of, visit.language()))
    chosen = st.selectbox(label, options, first, format_func=distinct, key=key)
    kept[name, of] = chosen
    return chosen
