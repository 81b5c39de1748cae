"""How long parts last: what the fleet's replacements say beside the plan's word."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import live_html, markup, paging, visit
from dashboard.choice import choose, choose_or_all, filters
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
#: What the fleet's lives say of the plan's word, what calls for somebody first: the sign and
#: colour it is shown with (text `life_` + key).
VERDICTS = {"differs": "warning", "few": "unknown", "agrees": "ok"}


def draw() -> None:
    """The whole page."""
    st.title(t("lives_title"))
    with visit.answers():
        overview = visit.client().get("/overview")
        products = {p["id"]: visit.pick(p["name"]) for p in overview["products"]}
        regions = {r["id"]: visit.pick(r["name"]) for r in overview["regions"]}
        left, middle, right = filters("lives", 3)
        with left:
            product = choose_or_all(t("product_col"), "lives_product", products)
        with middle:
            verdicts = {key: t(f"life_{key}") for key in VERDICTS}
            verdict = choose_or_all(t("plan_verdict"), "lives_verdict", verdicts)
        text = right.text_input(t("part"), key="lives_text").strip()
        kinds = visit.client().pages("/parts/lives", MOST_KINDS, product=product)
        found = _found(kinds, verdict, text)
        if not found:
            words = t("no_lives_fit" if kinds else "no_lives")
            live_html.show(markup.card(t("lives_title"), markup.empty(words)), "lives")
            return
        _opened(found, products, regions)

        def page(lives: Sequence[Json]) -> None:
            live_html.show(_table(lives, products), "lives")

        paging.show("lives", found, page, of=(product, verdict, text))


def _found(kinds: Sequence[Json], verdict: str | None, text: str) -> list[Json]:
    """The kinds asked for: those that call for somebody first, of these the best known first."""
    order = list(VERDICTS)
    fitting = [
        life
        for life in kinds
        if verdict in (None, _verdict(life)) and text.lower() in visit.pick(life["name"]).lower()
    ]
    return sorted(fitting, key=lambda life: (order.index(_verdict(life)), -life["ended"]))


def _verdict(life: Json) -> str:
    """What its checks say of the plan's life: a contradiction needs no further replacements."""
    passed = {check["name"]: check["passed"] for check in life["checks"]}
    if passed.get("plan") is False:
        return "differs"
    return "agrees" if passed.get("plan") and passed.get("enough") else "few"


def _key(life: Json) -> str:
    return f"{life['product']}.{life['part']}"


def _opened(found: Sequence[Json], products: dict[str, str], regions: dict[str, str]) -> None:
    """One kind of part: its curve with the parts in service on it, and what speaks for it."""
    asked = visit.asked("life")
    by_id = {_key(life): life for life in found}
    names = {
        key: f"{visit.pick(each['name'])} · {products.get(each['product'], each['product'])}"
        for key, each in by_id.items()
    }
    with st.container(key="life_card"):
        life = by_id[
            choose(t("life_curve"), "life_of", list(by_id), names.__getitem__, asked, of=asked)
        ]
        left, right = st.columns([1.7, 1], gap="medium")
        with left:
            _curve(life)
        with right:
            live_html.show(_known(life, regions), "life_known")


def _curve(life: Json) -> None:
    fitted = visit.client().pages(
        "/parts/fitted", MOST_FITTED, product=life["product"], part=life["part"]
    )
    unit = visit.word("usage_units", life["unit"]) if life["unit"] else ""
    spec = life_chart(life, fitted, unit, visit.language())
    st.vega_lite_chart(spec, width="stretch", theme=None, key="life_curve_chart")
    st.caption(t("life_curve_note"))


def _known(life: Json, regions: dict[str, str]) -> Html:
    """What is known of a kind: the plan's word, the fleet's, and what speaks for and against it."""
    checks = [
        tag("li", "✓ " if check["passed"] else "⚠ ", visit.pick(check["text"]))
        for check in life["checks"]
    ]
    facts = [
        (t("plan_life"), _plan(life)),
        (t("learned_life"), _learned(life)),
        (t("lives_seen"), t("ended_of", ended=life["ended"], lives=life["lives"])),
        (t("by_kind"), _factors(life["factors"], regions)),
    ]
    label = tag("div", t("what_speaks"), class_="ip-label")
    return tag("div", markup.facts(facts), label, tag("ul", *checks, class_="ip-checks"),
               class_="ip-stack")  # fmt: skip


def _table(lives: Sequence[Json], products: dict[str, str]) -> Html:
    heads = [t("part"), t("plan_verdict"), t("plan_life"), t("learned_life"), t("lives_seen")]
    rows = [_row(life, products) for life in lives]
    hrefs = [markup.address("lives", visit.language(), life=_key(life)) for life in lives]
    table = markup.table(heads, rows, hrefs=hrefs)
    return markup.card(t("lives_title"), table, note=t("lives_note"))


def _row(life: Json, products: dict[str, str]) -> list[object]:
    name = tag(
        "div",
        tag("b", visit.pick(life["name"])),
        tag("div", products.get(life["product"], life["product"]), class_="ip-small ip-muted"),
    )
    verdict = _verdict(life)
    seen = t("ended_of", ended=life["ended"], lives=life["lives"])
    told = markup.health(VERDICTS[verdict], t(f"life_{verdict}"))
    return [name, told, _plan(life), _learned(life), seen]


def _plan(life: Json) -> object:
    if life["plan_mid"] is None:
        return MISSING
    return _span(life["plan_mid"], life["plan_low"], life["plan_high"], _unit(life))


def _learned(life: Json) -> Html:
    return _span(life["p50"], life["p10"], life["p90"], _unit(life))


def _unit(life: Json) -> str:
    return visit.word("usage_units", life["unit"]) if life["unit"] else ""


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
