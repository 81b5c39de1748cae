"""The parts plan: what to order, move and hurry today, why, and who was right before."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import (
    live_html,
    markup,
    paging,
    plan_charts,
    plan_line,
    plan_refill,
    seen_tabs,
    visit,
)
from dashboard.choice import choose, choose_or_all, filters
from dashboard.client import Json
from dashboard.formats import MISSING, share
from dashboard.markup import Html, tag
from dashboard.visit import t

MOST_LISTED = 1000
MOST_RUNS = 24
ACTIONS = ("order", "transfer", "emergency", "surplus", "override")


def draw() -> None:
    """The whole page."""
    st.title(t("plan_title"))
    with visit.answers():
        runs = visit.client().get("/plan/runs", limit=MOST_RUNS)["items"]
        if not runs:
            live_html.show(markup.card(t("plan_title"), markup.empty(t("no_plan"))), "no_plan")
            return
        run = _chosen(runs)
        live_html.show(_tiles(run["summary"]), "plan_tiles")
        draws = {
            "plan_today": lambda: _lines(run),
            "plan_refill": plan_refill.draw,
            "plan_demand": lambda: _demand(run),
            "plan_before": lambda: _verdicts(runs),
        }
        seen_tabs.show("plan", draws)


def _chosen(runs: Sequence[Json]) -> Json:
    left, csv, excel = filters("plan_of", [3, 1, 1])
    by_id = {run["id"]: run for run in runs}
    with left:
        chosen = choose(t("plan_of"), "plan_of", list(by_id), lambda key: _name(by_id[key]))
    plan_refill.downloads(csv, excel, f"/plan/runs/{chosen}", f"parts-plan-{chosen}")
    return by_id[chosen]


def _name(run: Json) -> str:
    return t("plan_name", id=run["id"], day=visit.day(run["as_of"]))


def _tiles(summary: Json) -> Html:
    rule = t("rule_would", value=_yuan(summary["rule_value"]))
    orders = t("count_orders", count=summary["orders"])
    return markup.tiles([
        markup.tile(t("order_today"), _yuan(summary["order_value"]), orders, rule),
        markup.tile(t("transfers"), str(summary["transfers"]), t("before_orders")),
        markup.tile(t("emergencies"), str(summary["emergencies"]), t("kept_apart")),
        markup.tile(t("stock_value"), _yuan(summary["stock_value"]),
                    t("level_value", value=_yuan(summary["level_value"]))),
        markup.tile(t("surplus"), _yuan(summary["surplus_value"]), t("beyond_half_year")),
    ])  # fmt: skip


def _yuan(value: float) -> str:
    """Money, large sums in thousands, or in the ten thousands that Chinese counts by."""
    if value < 100_000:
        return f"¥{value:,.0f}"
    return f"¥{value / 10_000:,.1f} 万" if visit.language() == "zh" else f"¥{value / 1000:,.0f}k"


def _lines(run: Json) -> None:
    left, middle, right = filters("plan", 3)
    with left:
        actions: list[str | None] = [None, *ACTIONS]
        action = choose(t("action"), "plan_action", actions, _action_name)
    with middle:
        region = choose_or_all(t("region"), "plan_region", _regions())
    found = visit.client().pages(
        f"/plan/runs/{run['id']}/lines", MOST_LISTED, action=action, region=region
    )
    lines = [line for line in found if action is not None or _acts(line)]
    lines.sort(key=lambda n: (-n["emergency_quantity"], -n["quantity"] * n["price"]))
    names = {line["id"]: _line_name(line) for line in lines}
    asked = visit.asked("line")
    ids: list[int | None] = [None, *names]
    with right:
        opened = choose(
            t("open_line"), "plan_line", ids, lambda key: names[key] if key else MISSING,
            int(asked) if asked.isdecimal() else None, of=f"{run['id']}_{asked}",
        )  # fmt: skip
    if opened is not None:
        plan_line.draw(opened)
    paging.show("plan", lines, _table, of=(run["id"], action, region))


def _action_name(action: str | None) -> str:
    return t(f"action_{action}") if action else t("action_any")


def _regions() -> dict[str, str]:
    overview = visit.client().get("/overview")
    return {each["id"]: visit.pick(each["name"]) for each in overview["regions"]}


def _acts(line: Json) -> bool:
    return bool(line["quantity"] or line["emergency_quantity"] or line["override"])


def _line_name(line: Json) -> str:
    return f"{visit.pick(line['name'])} · {visit.pick(line['warehouse_name'])}"


def _table(lines: Sequence[Json]) -> None:
    if not lines:
        empty = markup.card(t("plan_today"), markup.empty(t("nothing_to_do")))
        live_html.show(empty, "plan_rows")
        return
    heads = [t("part"), t("warehouse"), t("class_and_level"), t("there"), t("should_be"),
             t("expected_in_days"), t("what_to_do"), t("rule"), t("worth")]  # fmt: skip
    rows = [_row(line) for line in lines]
    hrefs = [markup.address("plan", visit.language(), line=line["id"]) for line in lines]
    table = markup.table(heads, rows, hrefs=hrefs, right=(3, 4, 7, 8))
    live_html.show(markup.card(t("plan_today"), table, note=t("open_by_click")), "plan_rows")


def _row(line: Json) -> list[object]:
    quantity = line["override"]["quantity"] if line["override"] else line["quantity"]
    return [
        _part(visit.pick(line["name"]), line["number"]),
        visit.pick(line["warehouse_name"]),
        f"{line['value_class']} · {share(line['service_level'])}",
        _there(line["position"]),
        str(line["level"]),
        tag("span", t("expected_value", mean=f"{line['expected']:.1f}", high=f"{line['high']:.0f}",
                      days=f"{line['cover_days']:.0f}"), class_="ip-nowrap"),
        _doing(line),
        str(line["rule_quantity"]),
        _yuan(quantity * line["price"]),
    ]  # fmt: skip


def _there(position: int) -> object:
    """What is on the shelf or on its way; where more is owed than that, how much."""
    return str(position) if position >= 0 else tag("b", t("owed_count", count=-position))


def _part(name: str, number: str) -> Html:
    return tag("div", tag("b", name), tag("div", number, class_="ip-small ip-muted"))


def _doing(line: Json) -> Html:
    said: list[object] = []
    if line["emergency_quantity"]:
        said.append(markup.pill(t("do_emergency", count=line["emergency_quantity"]), "ip-alarm"))
    for each in line["transfers"]:
        source = visit.pick(each["source_name"])
        said.append(markup.pill(t("do_transfer", count=each["quantity"], source=source)))
    if line["order_quantity"]:
        said.append(markup.pill(t("do_order", count=line["order_quantity"])))
    passed = line["quantity"] - line["order_quantity"] - sum(
        each["quantity"] for each in line["transfers"]
    ) - line["emergency_quantity"]  # fmt: skip
    if passed > 0:
        said.append(markup.pill(t("do_wait", count=passed)))
    if line["surplus"]:
        said.append(markup.pill(t("do_surplus", count=line["surplus"])))
    if line["override"]:
        said.append(markup.pill(t("do_override", count=line["override"]["quantity"])))
    return tag("div", *said, class_="ip-pills")


def _demand(run: Json) -> None:
    left, right = filters("demand", 2)
    with left:
        region = choose_or_all(t("region"), "demand_region", _regions())
    found = visit.client().get(f"/plan/runs/{run['id']}/demand", region=region)["items"]
    names: dict[str, str] = {each["number"]: visit.pick(each["name"]) for each in found}
    most = sorted(names, key=lambda n: -sum(e["mean"] for e in found if e["number"] == n))
    if not most:
        live_html.show(markup.card(t("plan_demand"), markup.empty(t("nothing_to_do"))), "no_demand")
        return
    with right:
        number = choose(t("part"), "demand_part", most, lambda key: f"{names[key]} · {key}")
    months = [each for each in found if each["number"] == number]
    st.html(str(markup.label(names[number], t("band_90"))))
    spec = plan_charts.demand_chart(months, visit.language())
    st.vega_lite_chart(spec, width="stretch", theme=None, key="demand_chart")

    def page(numbers: Sequence[str]) -> None:
        live_html.show(_demand_table(found, numbers, names), "demand_rows")

    paging.show("demand", most, page, of=(run["id"], region))


def _demand_table(found: Sequence[Json], numbers: Sequence[str], names: dict[str, str]) -> Html:
    months = sorted({each["month"] for each in found})
    by_cell = {(each["number"], each["month"]): each for each in found}
    rows = [
        [_part(names[number], number), *(_cell(by_cell.get((number, month))) for month in months)]
        for number in numbers
    ]
    heads = [t("part"), *(month[:7] for month in months)]
    table = markup.table(heads, rows, right=range(1, len(months) + 1))
    return markup.card(t("plan_demand"), table, note=t("mean_and_90"))


def _cell(each: Json | None) -> object:
    if each is None:
        return MISSING
    high = dict(zip(each["levels"], each["quantiles"], strict=True))[0.9]
    return tag("div", f"{each['mean']:.1f}", tag("small", f" ≤ {high:.0f}"))


def _verdicts(runs: Sequence[Json]) -> None:
    for run in runs[1:]:
        found = visit.client().get(f"/plan/runs/{run['id']}/verdicts")
        if found["items"]:
            whole = _whole(found["items"])
            asked = sum(each["asked"] for each in whole)
            cases = t("judged_of", articles=len(whole), asked=asked)
            st.caption(f"{_name(run)} · {cases}")
            live_html.show(_costs(found, whole), "verdict_tiles")
            paging.show("verdicts", _by_difference(found["items"]), _judged, of=(run["id"],))
            return
    live_html.show(markup.card(t("plan_before"), markup.empty(t("none_judged"))), "no_verdicts")


def _whole(items: Sequence[Json]) -> list[Json]:
    """The lines that count all warehouses together, one per article: what costs are summed over."""
    return [each for each in items if each["line"]["warehouse_level"] == "headquarters"]


def _costs(found: Json, whole: Sequence[Json]) -> Html:
    tiles = []
    for party in ("plan", "override", "rule"):
        # Where the manager let the plan stand, its quantity is the manager's too.
        nearest = sum((party if each[party] else "plan") in each["best"] for each in whole)
        cases = t("nearest_in", count=nearest, articles=len(whole))
        tiles.append(
            markup.tile(t(f"party_{party}"), _yuan(found[f"{party}_cost"]), t("lost_by"), cases)
        )
    return markup.tiles(tiles)


def _by_difference(items: Sequence[Json]) -> list[Json]:
    """What somebody decided comes first, then where plan and rule differ most."""
    return sorted(
        items,
        key=lambda n: (n["override"] is None, -abs(n["plan"]["cost"] - n["rule"]["cost"])),
    )


def _judged(items: Sequence[Json]) -> None:
    heads = [t("part"), t("warehouse"), t("asked"), t("party_plan"), t("party_override"),
             t("party_rule"), t("who_was_right"), t("reason")]  # fmt: skip
    rows = [
        [
            visit.pick(each["line"]["name"]),
            visit.pick(each["line"]["warehouse_name"]),
            str(each["asked"]),
            *(_outcome(each[party]) for party in ("plan", "override", "rule")),
            ", ".join(t(f"party_{party}") for party in each["best"]),
            each["line"]["override"]["reason"] if each["line"]["override"] else MISSING,
        ]
        for each in items
    ]
    table = markup.table(heads, rows, right=(2,))
    live_html.show(markup.card(t("plan_before"), table, note=t("judged_note")), "verdict_rows")


def _outcome(given: Json | None) -> object:
    if given is None:
        return MISSING
    if given["missed"]:
        return tag("b", t("missed", had=given["had"], count=given["missed"]))
    return t("left_over", had=given["had"], count=given["over"])
