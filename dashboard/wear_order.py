"""Marking wear parts as ordered or dismissing them, one by one or all of a kind at once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import changes, visit
from dashboard.choice import choose
from dashboard.client import Json
from dashboard.visit import t


def act(alerts: Sequence[Json]) -> None:
    """What can be done with these alerts, which come in the order of their dates to order."""
    choices = _choices(alerts)
    with st.container(key="act_card"), st.form("act", border=False, clear_on_submit=False):
        left, right = st.columns([1.4, 1])
        with left:
            chosen = choose(
                t("act_on"), "wear_alert", list(choices), lambda key: _name(choices[key])
            )
        note = right.text_input(t("dismiss_note"))
        with st.container(horizontal=True):
            ordered = st.form_submit_button(
                t("mark_ordered"), type="primary", icon=":material/local_shipping:"
            )
            dismissed = st.form_submit_button(t("dismiss"), icon=":material/close:")
    if ordered:
        _change(choices[chosen], {"status": "ordered"})
    elif dismissed and note.strip():
        _change(choices[chosen], {"status": "dismissed", "note": note.strip()})
    elif dismissed:
        st.error(t("note_needed"), icon=":material/error:")
    changes.show_error("wear_order")


def _choices(alerts: Sequence[Json]) -> dict[str, list[Json]]:
    """What can be acted on: all alerts of a kind of part, where it has several, then each alone."""
    kinds: dict[str, list[Json]] = {}
    for alert in alerts:
        kinds.setdefault(f"{alert['part']} {alert['number']}", []).append(alert)
    several = {key: found for key, found in kinds.items() if len(found) > 1}
    return several | {str(alert["id"]): [alert] for alert in alerts}


def _name(alerts: Sequence[Json]) -> str:
    first = alerts[0]
    if len(alerts) == 1:
        place = visit.pick(first["position_name"])
        return f"{first['serial']} · {visit.pick(first['name'])} · {place}"
    return t(
        "all_of_part",
        part=visit.pick(first["name"]),
        quantity=sum(alert["quantity"] for alert in alerts),
        machines=len({alert["serial"] for alert in alerts}),
    )


def _change(alerts: Sequence[Json], body: Json) -> None:
    def change() -> None:
        for alert in alerts:
            visit.client().post(f"/parts/alerts/{alert['id']}/status", body)

    changes.do("wear_order", change)
    st.rerun(scope="fragment")
