"""The dashboard's frame: theme, sign-in, navigation, language. `ironpulse dashboard` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this folder on the path; the package lies one above it.
_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from dashboard import formats, live_html, markup, visit  # noqa: E402
from dashboard.app_pages import (  # noqa: E402
    alarms,
    ingest,
    lives,
    machine,
    overview,
    plan,
    tickets,
    trial,
    wear,
)
from dashboard.client import ApiError  # noqa: E402
from dashboard.markup import Html, tag  # noqa: E402

STYLE = Path(__file__).parent / "style.css"

#: Path of a page -> what draws it, and the key of its name; in the order of the groups.
PAGES = {
    "": (overview.draw, "nav_overview"),
    "machine": (machine.draw, "nav_machines"),
    "alarms": (alarms.draw, "nav_alarms"),
    "tickets": (tickets.draw, "nav_tickets"),
    "wear": (wear.draw, "nav_wear"),
    "lives": (lives.draw, "nav_lives"),
    "plan": (plan.draw, "nav_plan"),
    "trial": (trial.draw, "nav_trial"),
    "ingest": (ingest.draw, "nav_ingest"),
}

#: Pages that belong together stand together: what is wrong, what is done, parts, data.
GROUPS = (
    ("group_fleet", ("", "machine", "alarms")),
    ("group_work", ("tickets",)),
    ("group_parts", ("wear", "lives", "plan")),
    ("group_data", ("trial", "ingest")),
)

#: Pages that are not for everybody.
MAY_SEE = {"tickets": ("manager", "technician"), "trial": ("manager",)}


def main() -> None:
    """Draw the page that the address names, or the sign-in."""
    st.set_page_config(page_title="Ironpulse", page_icon="🏗️", layout="wide")
    st.html(STYLE)
    live_html.register()
    if st.query_params.get("lang") != visit.language():
        st.query_params["lang"] = visit.language()
    pages = [
        st.Page(draw, title=visit.t(name), url_path=path, default=not path)
        for path, (draw, name) in PAGES.items()
    ]
    page = st.navigation(pages, position="hidden")
    try:
        signed_in = visit.restore()
    except ApiError as error:
        st.warning(visit.sentence(error), icon=":material/error:")
        signed_in = False
    visit.remember()
    if not signed_in:
        _sign_in()
        return
    with visit.answers():
        _header(page.url_path)
        page.run()


def _header(current: str) -> None:
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        live_html.show(_navigation(current), "nav")
        st.html(f'<div class="ip-zone">{visit.t("times_in", zone=visit.zone().key)}</div>')
        _language_switch()
        account = visit.account()
        with st.popover(visit.pick(account["display"]), icon=":material/person:"):
            st.markdown(f"**{formats.plain(visit.pick(account['display']))}**")
            st.caption(f"{visit.word('roles', account['role'])} · {formats.plain(account['name'])}")
            st.caption(visit.t("times_in", zone=visit.zone().key))
            if st.button(visit.t("sign_out"), key="sign_out", icon=":material/logout:"):
                visit.sign_out()
                st.rerun()


def _navigation(current: str) -> Html:
    groups = [
        tag(
            "div",
            *(_page_link(path, current) for path in paths if _may_see(path)),
            role="group",
            aria_label=visit.t(name),
        )
        for name, paths in GROUPS
        if any(map(_may_see, paths))
    ]
    brand = tag("div", tag("b"), "Ironpulse", class_="ip-brand")
    return tag("nav", brand, *groups, class_="ip-nav")


def _may_see(path: str) -> bool:
    return visit.has_role(*MAY_SEE.get(path, ("manager", "technician", "parts")))


def _page_link(path: str, current: str) -> Html:
    return tag(
        "a",
        visit.t(PAGES[path][1]),
        href=markup.address(path, visit.language()),
        data_go="",
        class_="ip-here" if path == current else None,
        aria_current="page" if path == current else None,
    )


def _language_switch() -> None:
    st.session_state.language_choice = visit.language()
    st.segmented_control(
        visit.t("language"),
        list(visit.LANGUAGES),
        format_func=lambda key: visit.LANGUAGES[key],
        key="language_choice",
        label_visibility="collapsed",
        required=True,
        on_change=_change_language,
        width="content",
    )


def _change_language() -> None:
    st.session_state.language = st.session_state.language_choice
    st.query_params["lang"] = st.session_state.language


def _sign_in() -> None:
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle, st.container(key="sign_in"):
        st.html(
            '<div class="ip-brand ip-large"><b></b>Ironpulse</div>'
            f'<p class="ip-tagline">{visit.t("tagline")}</p>'
        )
        with st.form("sign_in_form", border=True):
            name = st.text_input(visit.t("user"), autocomplete="username")
            password = st.text_input(
                visit.t("password"), type="password", autocomplete="current-password"
            )
            pressed = st.form_submit_button(visit.t("sign_in"), type="primary", width="stretch")
        if pressed:
            try:
                visit.sign_in(name.strip() or " ", password or " ")
            except ApiError as error:
                st.error(visit.sentence(error), icon=":material/error:")
            else:
                st.rerun()
        _language_switch()


main()
