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
    level, fill = _share(row["service_level"]), _share(why["fill"])
    yield (
        f"Value class {row['value_class']} and {effect_en}: of all such articles together the "
        f"shelf is to serve at least {level} of what is asked for, more where a waiting machine "
        f"costs more than the piece. Of this article it is expected to serve {fill}.",
        f"价值类别{row['value_class']}，{effect_zh}：这类备件的现货满足率至少应为{level}，"
        f"设备等待的损失高于持有成本时备得更多；本备件预计现货满足率{fill}。",
    )
    yield _cover(row)
    yield (
        f"In these days {row['expected']:.1f} pieces are expected, and not more than "
        f"{row['high']:.0f} with a chance of {level}.",
        f"这段时间预计需要{row['expected']:.1f}件，有{level}的把握不超过{row['high']:.0f}件。",
    )
    yield _position(row)
    yield from _moves(row, warehouses)
    yield (
        f"The simple rule (3 × mean monthly use × season {why['season']:.2f} − stock) would bring "
        f"{_pieces(row['rule_quantity'])}.",
        f"简单公式（3×月均用量×季节系数{why['season']:.2f}−库存）会补{row['rule_quantity']}件。",
    )


def _cover(row: Row) -> tuple[str, str]:
    """The days that the stock has to last: an order is followed by the next plan, a shelf below is
    filled up in between."""
    why, days = row["reasons"], f"{row['cover_days']:.0f}"
    if row["warehouse_level"] == "headquarters":
        return (
            f"What is ordered today has to last {days} days: delivery and the "
            f"{why['review_days']:.0f} days until the next plan.",
            f"今日订货需支撑{days}天：供货时间，加上到下次计划的{why['review_days']:.0f}天。",
        )
    return (
        f"What lies here has to last {days} days: the transfer, waiting for the source, and the "
        f"{why['refill_days']:.0f} days until the shelf is filled up again.",
        f"本仓库存需支撑{days}天：调拨时间、等待上级仓库，"
        f"以及到下次补货的{why['refill_days']:.0f}天。",
    )


def _position(row: Row) -> tuple[str, str]:
    here = f"{row['on_hand']} + {row['inbound']} − {row['owed']}"
    if row["position"] == row["on_hand"] + row["inbound"] - row["owed"]:
        return (
            f"It should have {_pieces(row['level'])}; on the shelf and on their way less owed "
            f"there are {row['position']} ({here}).",
            f"应有{row['level']}件；库存加在途减欠料为{row['position']}件（{here}）。",
        )
    return (
        f"Together with the warehouses it serves it should have {_pieces(row['level'])}; on the "
        f"shelves and on their way less owed there are {row['position']} (here {here}).",
        f"连同下级仓库应有{row['level']}件；库存加在途减欠料为{row['position']}件（本仓{here}）。",
    )


def _moves(row: Row, warehouses: Mapping[str, Bilingual]) -> Iterator[tuple[str, str]]:
    why = row["reasons"]
    for transfer in row["transfers"]:
        yield _transfer(transfer, warehouses)
    if row["order_quantity"]:
        yield (
            f"An order of {_pieces(row['order_quantity'])} today; delivery takes "
            f"{why['supply_days']:.0f} days.",
            f"今日订货{row['order_quantity']}件，{why['supply_days']:.0f}天后到货。",
        )
    if row["emergency_quantity"]:
        yield (
            f"An emergency order of {_pieces(row['emergency_quantity'])} "
            f"({why['emergency_days']:.0f} days): machines will more likely than not ask before a "
            "regular order arrives.",
            f"紧急订货{row['emergency_quantity']}件（{why['emergency_days']:.0f}天）："
            "正常订货到货前多半就会用到，不能等。",
        )
    below = row["warehouse_level"] != "headquarters"
    passed = max(why["waits"] - row["emergency_quantity"], 0) if below else 0
    if passed:
        yield (
            f"Nobody has {_pieces(passed)} now: passed on here once they arrive at the source.",
            f"另有{passed}件目前各仓都没有，待上级仓库到货后转来。",
        )
    yield from _later(row)


def _transfer(transfer: Row, warehouses: Mapping[str, Bilingual]) -> tuple[str, str]:
    source, quantity = warehouses.get(transfer["from"]), transfer["quantity"]
    en, zh = (source.en, source.zh) if source else (transfer["from"], transfer["from"])
    if transfer.get("back"):
        return (
            f"{_pieces(quantity)} back from {en}, where no demand of the coming half year needs "
            "them.",
            f"从{zh}退回{quantity}件，该仓未来半年用不到。",
        )
    return (
        f"A transfer of {_pieces(quantity)} from {en}, which can spare them: transfers go before "
        "orders.",
        f"从{zh}调入{quantity}件，该仓可以调出：调拨先于订货。",
    )


def _later(row: Row) -> Iterator[tuple[str, str]]:
    if row["surplus"]:
        yield (
            f"Surplus of {_pieces(row['surplus'])} beyond all demand of the coming half year: to "
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
            f"Old parts to come back in warranty within the month: {row['returns']:.1f} expected.",
            f"本月预计有{row['returns']:.1f}件保修期内旧件应返回。",
        )


def _pieces(number: int) -> str:
    return "1 piece" if number == 1 else f"{number} pieces"


def _share(value: float) -> str:
    """A share in percent, not rounded up to all."""
    return f"{min(value, 0.999):.1%}".replace(".0%", "%")
