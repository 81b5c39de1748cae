"""Answers of a visit: is an answer of the kind the check asks for, did it pass, is all there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.service import CheckItem
from tickets.content import SAFETY_SEVERITY
from tickets.words import FINDING_CODES, error

Answer = bool | float | str


@dataclass(frozen=True, slots=True)
class AnsweredCheck:
    """A check of a ticket with its answer; `passed` None: not answered."""

    checklist: str
    item: CheckItem
    passed: bool | None


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """An item of a ticket: `parts_open` of its parts are not answered, `replaced` of them were
    replaced."""

    id: int
    kind: str
    source: str
    title: str
    parts_open: int
    replaced: int


def judge(item: CheckItem, answer: Answer) -> tuple[Answer, bool]:
    """The answer in the check's own kind and whether it passes; a text always does.

    Raises TicketError when it is of another kind.
    """
    match item.result:
        case "ok" if isinstance(answer, bool):
            return answer, answer
        case "number" if _is_number(answer):
            return float(answer), _within(item, float(answer))
        case "choice" if _is_number(answer) and float(answer) in range(len(item.choices)):
            return int(answer), int(answer) in item.passes
        case "text" if isinstance(answer, str) and answer.strip():
            return answer.strip(), True
    wanted = {
        "ok": ("true or false", "是或否"),
        "number": (f"a number in {item.unit}", f"以 {item.unit} 为单位的数值"),
        "choice": (f"a choice from 0 to {len(item.choices) - 1}", "所列选项之一的序号"),
        "text": ("a text", "文字"),
    }[item.result]
    raise error(
        "answer_invalid",
        f"The check “{item.check.en}” asks for {wanted[0]}, not {answer!r}.",
        f"检查项“{item.check.zh}”要求填写{wanted[1]}。",
    )


def item_codes(
    items: Sequence[ItemAnswer],
    checks: Sequence[AnsweredCheck],
    code: str,
    given: Mapping[int, str],
) -> dict[int, str]:
    """Finding code of every item: as given; a service is done unless one of its lines failed,
    wear is confirmed where the part was replaced; all others share the visit's code.

    Raises TicketError for an unknown code or item.
    """
    for one in (code, *given.values()):
        if one not in FINDING_CODES:
            known = ", ".join(FINDING_CODES)
            raise error(
                "finding_code_unknown",
                f"There is no finding code {one}; there are {known}.",
                f"没有故障结论代码 {one}；可用代码：{known}。",
            )
    strangers = sorted(set(given) - {item.id for item in items})
    if strangers:
        raise error(
            "item_unknown",
            f"The ticket has no item {strangers[0]}.",
            f"该工单没有编号为 {strangers[0]} 的事项。",
        )
    failed = {check.checklist for check in checks if check.passed is False}
    return {item.id: given.get(item.id) or _own_code(item, failed, code) for item in items}


def require_complete(
    items: Sequence[ItemAnswer], checks: Sequence[AnsweredCheck], code: str, note: str | None
) -> None:
    """Raises TicketError while the visit cannot be finished: a safety check without an answer, a
    failed one on a machine that goes on working, a worn part nobody has decided about."""
    safety = [check for check in checks if check.item.fail_severity == SAFETY_SEVERITY]
    unanswered = [check.item for check in safety if check.passed is None]
    if unanswered:
        raise error(
            "checks_missing",
            f"Safety checks without an answer: {', '.join(i.check.en for i in unanswered)}.",
            f"以下安全检查项尚未填写：{'、'.join(i.check.zh for i in unanswered)}。",
        )
    undecided = [item for item in items if item.kind == "wear" and item.parts_open]
    if undecided:
        titles = ", ".join(item.title for item in undecided)
        raise error(
            "parts_missing",
            f"Say of each worn part whether it was replaced: {titles}.",
            f"请逐一说明磨损件是否已更换（共 {len(undecided)} 项）。",
        )
    failed = [check.item for check in safety if check.passed is False]
    if failed and (code != "out_of_service" or not note):
        raise error(
            "safety_failed",
            f"Failed safety checks: {', '.join(i.check.en for i in failed)}. Repair and answer "
            "them again, or take the machine out of service (out_of_service) and note why.",
            f"安全检查不合格：{'、'.join(i.check.zh for i in failed)}。请修复后重新填写，"
            "或将设备停用（out_of_service）并注明原因。",
        )


def _own_code(item: ItemAnswer, failed: set[str], code: str) -> str:
    if item.kind == "service":
        return "service_not_done" if f"service_{item.source}" in failed else "service_done"
    if item.kind == "wear":
        return "wear_confirmed" if item.replaced else "wear_not_reached"
    return code


def _is_number(answer: Answer) -> bool:
    return (
        isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer)
    )


def _within(item: CheckItem, value: float) -> bool:
    limits = item.limits
    if limits is None:
        return True
    too_high = limits.above is not None and value > limits.above
    too_low = limits.below is not None and value < limits.below
    return not (too_high or too_low)
