"""Why a line of the plan says what it says, in sentences of both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.schemas.base import Bilingual

Row = Mapping[str, Any]

_EFFECTS = {
    "stop": ("its failure stops the machine", "其失效会使设备停机"),
    "alarm": ("its failure is serious", "其失效后果严重"),
    "other": ("its failure is no emergency", "其失效不属紧急"),
}


def sentences(row: Row, warehouses: Mapping[str, Bilingual]) -> list[Bilingual]:
    """What a line assumes and how it follows, one sentence after the other."""
    return [Bilingual(en=en, zh=zh) for en, zh in _all(row, warehouses)]


def _all(row: Row, warehouses: Mapping[str, Bilingual]) -> Iterator[tuple[str, str]]:
    why = row["reasons"]
    effect_en, effect_zh = _EFFECTS[why["effect"]]
    yield (
        f"Value class {row['value_class']} and {effect_en}: the shelf is to serve "
        f"{row['service_level']:.0%} of what is asked for of all such articles together; of this "
        f"one it is expected to serve {why['fill']:.0%}.",
        f"价值类别{row['value_class']}，{effect_zh}：货架应满足这类备件总需求的"
        f"{row['service_level']:.0%}；本备件预计满足{why['fill']:.0%}。",
    )
    yield (
        f"What is ordered today has to last {row['cover_days']:.0f} days: delivery, waiting for "
        f"the source, and the {why['review_days']:.0f} days until the next look.",
        f"今日的决定需支撑{row['cover_days']:.0f}天：供货、等待上级仓库，"
        f"以及到下次计划的{why['review_days']:.0f}天。",
    )
    yield (
        f"In these days {row['expected']:.1f} pieces are expected, and {row['high']:.0f} are not "
        f"exceeded with a chance of {row['service_level']:.0%}.",
        f"这段时间预计需要{row['expected']:.1f}件，有{row['service_level']:.0%}的把握不超过"
        f"{row['high']:.0f}件。",
    )
    yield (
        f"It should have {row['level']} pieces together with the warehouses it serves; there are "
        f"{row['position']} (here {row['on_hand']} on the shelf, {row['inbound']} on their way, "
        f"{row['owed']} owed).",
        f"连同下级仓库应有{row['level']}件，现有{row['position']}件"
        f"（本仓库存{row['on_hand']}、在途{row['inbound']}、欠料{row['owed']}）。",
    )
    yield from _moves(row, warehouses)
    yield (
        f"The simple rule (3 x mean monthly use x {why['season']:.2f} - stock) would bring "
        f"{row['rule_quantity']}.",
        f"简单公式（3×月均用量×{why['season']:.2f}−库存）会补{row['rule_quantity']}件。",
    )


def _moves(row: Row, warehouses: Mapping[str, Bilingual]) -> Iterator[tuple[str, str]]:
    why = row["reasons"]
    for transfer in row["transfers"]:
        source, quantity = warehouses.get(transfer["from"]), transfer["quantity"]
        en, zh = (source.en, source.zh) if source else (transfer["from"], transfer["from"])
        if transfer.get("back"):
            yield (
                f"{quantity} come back from {en}, where no demand of the coming half year needs "
                "them.",
                f"从{zh}退回{quantity}件，该仓未来半年用不到。",
            )
            continue
        yield (
            f"{quantity} come from {en}, which can spare them: a transfer goes before an order.",
            f"从{zh}调入{quantity}件，该仓可以调出：调拨先于订货。",
        )
    if row["order_quantity"]:
        yield (
            f"{row['order_quantity']} are ordered today; they arrive in {why['supply_days']:.0f} "
            "days.",
            f"今日订货{row['order_quantity']}件，{why['supply_days']:.0f}天后到货。",
        )
    if row["emergency_quantity"]:
        yield (
            f"{row['emergency_quantity']} cannot wait: machines will more likely than not ask for "
            f"them before an order arrives, so they are hurried ({why['emergency_days']:.0f} "
            "days).",
            f"{row['emergency_quantity']}件不能等：正常订货到货前多半就会用到，"
            f"按紧急订单处理（{why['emergency_days']:.0f}天）。",
        )
    if row["surplus"]:
        yield (
            f"{row['surplus']} pieces lie beyond all demand of the coming half year: surplus, to "
            "be offered to other regions or sold.",
            f"{row['surplus']}件超出未来半年的全部需求，属呆滞库存，可调剂给其他区域或处理。",
        )
    if row["order_on"]:
        yield (
            f"Nothing is ordered now; the next order is due about {row['order_on']}.",
            f"现在无需订货，下次订货约在{row['order_on']}。",
        )
    if row["returns"] >= 0.05:
        yield (
            f"{row['returns']:.1f} old parts are expected back in warranty within the month.",
            f"本月预计有{row['returns']:.1f}件保修期内旧件应返回。",
        )
