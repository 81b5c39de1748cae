"""Try a rule: change it, and see what it would have done, beside today's rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard import changes, live_html, markup, trial_result, visit
from dashboard.choice import choose
from dashboard.client import Json
from dashboard.visit import t

EVERY_S = 1.0
DAYS = (7, 30, 90, 180, 365)
USUAL_DAYS = 90
OPEN = ("queued", "running")


def draw() -> None:
    """The choice of a rule, its fields, and the result of the trial that the address names."""
    st.title(t("trial_title"))
    if not visit.has_role("manager"):
        st.caption(t("managers_only"))
        return
    with visit.answers():
        number = visit.asked("trial")
        trial = visit.client().get(f"/trials/{number}") if number.isdecimal() else None
        left, right = st.columns([1, 1.6], gap="small")
        with left:
            _ask(trial)
        with right:
            if trial is None:
                empty = markup.empty(t("trial_none"))
                live_html.show(markup.card(t("trial_result"), empty), "none")
            elif trial["state"] in OPEN:
                _progress(trial["id"])
            else:
                trial_result.draw(trial)


def _ask(trial: Json | None) -> None:
    """The form, which begins with what the trial on show had changed."""
    overview = visit.client().get("/overview")
    products = {p["id"]: visit.pick(p["name"]) for p in overview["products"]}
    shown = {} if trial is None else trial
    with st.container(key="trial_form"):
        product = choose(
            t("product_col"), "product", list(products), lambda key: products[key],
            shown.get("product"),
        )  # fmt: skip
        rules = {r["id"]: r for r in visit.product(product)["rules"] if r["when"] is not None}
        if not rules:
            st.caption(t("no_rules"))
            return
        chosen = choose(
            t("rule_choice"), "rule", list(rules), lambda key: visit.pick(rules[key]["name"]),
            shown.get("rule"), of=product,
        )  # fmt: skip
        rule = rules[chosen]
        key = f"{product}_{chosen}"
        tried = (
            shown["change"]
            if (shown.get("product"), shown.get("rule")) == (product, chosen)
            else {}
        )
        with st.form("trial", border=False):
            change = _fields(rule, {**rule, **tried}, key)
            days = choose(
                t("history_span"), "days", DAYS, lambda count: visit.span(count * 86_400),
                USUAL_DAYS,
            )  # fmt: skip
            pressed = st.form_submit_button(
                t("try_it"), icon=":material/science:", type="primary", width="stretch"
            )
        if pressed:
            _start(product, chosen, change, days)
        changes.show_error("trial")


def _fields(rule: Json, first: Json, key: str) -> Json:
    """The rule's fields, which begin as `first` says; those that the reader changed."""
    when = st.text_area(t("when_true"), first["when"], height=80, key=f"when_{key}")
    clear = st.text_area(t("clear_when"), first["clear"], height=80, key=f"clear_{key}")
    left, right = st.columns(2)
    hold = left.number_input(t("hold_s"), 0.0, None, float(first["hold_s"]), key=f"hold_{key}")
    clear_hold = right.number_input(
        t("clear_hold_s"), 0.0, None, float(first["clear_hold_s"]), key=f"back_{key}"
    )
    params = {
        name: st.number_input(name, value=float(value), format="%g", key=f"{name}_{key}")
        for name, value in first["params"].items()
    }
    given: Json = {
        "when": when.strip(),
        "clear": clear.strip(),
        "hold_s": hold,
        "clear_hold_s": clear_hold,
        "params": params,
    }
    return {name: value for name, value in given.items() if value != rule[name]}


def _start(product: str, rule: str, change: Json, days: int) -> None:
    end = datetime.now(UTC)
    body = {
        "product": product,
        "rule": rule,
        "since": (end - timedelta(days=days)).isoformat(),
        "until": end.isoformat(),
        "change": change,
    }

    def ask() -> None:
        st.query_params["trial"] = str(visit.client().post("/trials", body)["id"])

    changes.do("trial", ask)
    st.rerun()


@st.fragment(run_every=EVERY_S)
def _progress(number: int) -> None:
    with visit.answers():
        found = visit.client().get(f"/trials/{number}")
        if found["state"] not in OPEN:
            st.rerun()
        words = t("trial_waits") if found["state"] == "queued" else t("trial_runs")
        st.progress(found["progress"], text=f"{words} · {visit.pick(found['name'])}")
        if st.button(t("stop_it"), key="stop_trial", icon=":material/stop:"):
            changes.do("trial", lambda: visit.client().post(f"/trials/{number}/cancel"))
            st.rerun()
