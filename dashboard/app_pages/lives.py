"""How long parts last: what the fleet's replacements say beside the plan's word."""

from __future__ import annotations

import streamlit as st

from dashboard import live_html, markup, visit
from dashboard.choice import choose, choose_or_all
from dashboard.client import Json
from dashboard.formats import MISSING, number, share
from dashboard.life_chart import life_chart
from dashboard.markup import Html, tag
from dashboard.visit import t

MOST_KINDS = 400
MOST_FITTED = 400
MOST_FACTORS = 4
#: A factor closer to one than this is not worth a word.
_WORTH_A_WORD = 0.05


def draw() -> None:
    """The whole page."""
    st.title(t("lives_title"))
    with visit.answers():
        overview = visit.client().get("/overview")
        products = {p["id"]: visit.pick(p["name"]) for p in overview["products"]}
        regions = {r["id"]: visit.pick(r["name"]) for r in overview["regions"]}
        with st.columns(4)[0]:
            chosen = choose_or_all(t("product_col"), "lives_product", products)
        found = visit.client().pages("/parts/lives", MOST_KINDS, product=chosen)
        if not found:
            live_html.show(markup.card(t("lives_title"), markup.empty(t("no_lives"))), "lives")
            return
        _curve(found, products)
        live_html.show(_table(found, products, regions), "lives")


def _curve(found: list[Json], products: dict[str, str]) -> None:
    """The curve of one kind of part, with the parts in service on it."""
    with st.container(key="life_card"):
        by_id = {f"{each['product']} {each['part']}": each for each in found}
        names = {
            key: f"{visit.pick(each['name'])} · {products.get(each['product'], each['product'])}"
            for key, each in by_id.items()
        }
        life = by_id[choose(t("life_curve"), "life_of", list(by_id), names.__getitem__)]
        fitted = visit.client().pages(
            "/parts/fitted", MOST_FITTED, product=life["product"], part=life["part"]
        )
        unit = visit.word("usage_units", life["unit"]) if life["unit"] else ""
        spec = life_chart(life, fitted, unit, visit.language())
        st.vega_lite_chart(spec, width="stretch", theme=None, key="life_curve_chart")
        st.caption(t("life_curve_note"))


def _table(found: list[Json], products: dict[str, str], regions: dict[str, str]) -> Html:
    heads = [t("part"), t("plan_life"), t("learned_life"), t("lives_seen"), t("by_kind"),
             t("what_speaks")]  # fmt: skip
    rows = [_row(life, products, regions) for life in found]
    return markup.card(t("lives_title"), markup.table(heads, rows), note=t("lives_note"))


def _row(life: Json, products: dict[str, str], regions: dict[str, str]) -> list[object]:
    unit = visit.word("usage_units", life["unit"]) if life["unit"] else ""
    name = tag(
        "div",
        tag("b", visit.pick(life["name"])),
        tag("div", products.get(life["product"], life["product"]), class_="ip-small ip-muted"),
    )
    plan: object = MISSING
    if life["plan_mid"] is not None:
        plan = _span(life["plan_mid"], life["plan_low"], life["plan_high"], unit)
    checks = [
        tag("div", "✓ " if check["passed"] else "⚠ ", visit.pick(check["text"]))
        for check in life["checks"]
    ]
    seen = t("ended_of", ended=life["ended"], lives=life["lives"])
    learned = _span(life["p50"], life["p10"], life["p90"], unit)
    return [name, plan, learned, seen, _factors(life["factors"], regions), tag("div", *checks)]


def _span(middle: float, low: float, high: float, unit: str) -> Html:
    limits = f"{number(low)} – {number(high)}"
    return tag("div", f"{number(middle)} {unit}", tag("div", limits, class_="ip-small ip-muted"))


def _factors(factors: dict[str, float], regions: dict[str, str]) -> object:
    """The kinds of machine whose parts last clearly longer or shorter."""
    notable = [item for item in factors.items() if abs(item[1] - 1) >= _WORTH_A_WORD]
    notable.sort(key=lambda item: -abs(item[1] - 1))
    lines = [
        tag("div", f"{_kind(name, regions)} {share(factor)}")
        for name, factor in notable[:MOST_FACTORS]
    ]
    return tag("div", *lines) if lines else MISSING


def _kind(name: str, regions: dict[str, str]) -> str:
    group, _, value = name.partition(":")
    if group == "duty":
        return t(f"duty_{value}")
    return regions.get(value, value) if group == "region" else value
