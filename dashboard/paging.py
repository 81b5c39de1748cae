"""Long lists in pages: what matters first stands on the first one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard.visit import t

Item = TypeVar("Item")
PAGE_SIZE = 20


def show(
    name: str,
    items: Sequence[Item],
    draw: Callable[[Sequence[Item]], None],
    *,
    of: Sequence[object] = (),
    size: int = PAGE_SIZE,
) -> None:
    """Let `draw` show one page of `items` and offer the others below it.

    The page turned to is kept under `name`, for each way to ask for the list (`of`: its filters).
    """
    place = st.container()
    count, number = max(1, math.ceil(len(items) / size)), 1
    if count > 1:
        key = "_".join(("page", name, *map(str, of)))
        with st.container(key=f"pages_{name}", horizontal=True, vertical_alignment="center"):
            number = st.pagination(count, key=key, max_visible_pages=5, persist_state="session")
            first, last = (number - 1) * size + 1, min(number * size, len(items))
            st.caption(t("shown_of", first=first, last=last, count=len(items)), width="content")
    with place:
        draw(items[(number - 1) * size : number * size])
