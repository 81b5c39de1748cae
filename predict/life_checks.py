"""What speaks for or against a fitted life, in plain words for people who order parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fleet.batch import FloatColumn
from fleet.text import Text
from fleet.wear import Life
from predict.families import LOGNORMAL, WEIBULL, Family, FamilyName
from predict.lifedata import LifeDataError, Lives
from predict.lifefit import LifeFit, fit_lives

#: Fewer failures than this are worth a word.
FEW_FAILURES = 10
#: sup of a Brownian bridge that chance exceeds once in twenty times (Kolmogorov).
MOST_MISS = 1.36
#: Uses at which failures seen and expected are compared.
MOST_USES = 200

_FAMILY_NAMES: dict[FamilyName, Text] = {
    "weibull": Text(en="Weibull", zh="威布尔"),
    "lognormal": Text(en="lognormal", zh="对数正态"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: which, whether the model passes it, and what that means."""

    name: str
    passed: bool
    text: Text


def check_life(fit: LifeFit, life: Life | None = None) -> list[Check]:
    """The checks that have something to say about a fit, with the plan's `life` beside it."""
    found = [_enough(fit), _wear_out(fit), _within_view(fit), _curve(fit), _family(fit)]
    if life is not None:
        found.append(_plan(fit, life))
    return [check for check in found if check is not None]


def _enough(fit: LifeFit) -> Check:
    seen, total = fit.lives.failures, fit.lives.total
    if seen >= FEW_FAILURES:
        text = Text(
            en=f"{seen} of {total} lives were seen to end.",
            zh=f"{total} 个寿命中有 {seen} 个已到寿。",
        )
        return Check("enough", True, text)
    text = Text(
        en=f"Only {seen} of {total} lives were seen to end: the limits are wide, and a few more "
        "replacements may move them.",
        zh=f"{total} 个寿命中仅 {seen} 个已到寿：区间较宽，再有几次更换就可能改变结果。",
    )
    return Check("enough", False, text)


def _wear_out(fit: LifeFit) -> Check | None:
    """Whether older parts fail more: else replacing by use prevents nothing."""
    if fit.family is not WEIBULL:
        return None
    low, high = fit.shape_limits()
    if low > 1:
        text = Text(
            en=f"The part wears out: the older, the more likely to fail (shape {fit.shape:.1f}).",
            zh=f"属于磨损失效：越旧越易失效（形状参数 {fit.shape:.1f}）。",
        )
        return Check("wear_out", True, text)
    if high < 1:
        text = Text(
            en=f"New parts fail more than old ones (shape {fit.shape:.1f}): look for faults in "
            "fitting or in a delivery; replacing by use would do harm.",
            zh=f"新件比旧件更易失效（形状参数 {fit.shape:.1f}）：请查装配或批次质量；"
            "按使用量更换反而有害。",
        )
        return Check("wear_out", False, text)
    text = Text(
        en=f"It is not sure that older parts fail more (shape {low:.1f} to {high:.1f}): replacing "
        "by use may prevent nothing.",
        zh=f"尚不能确定旧件更易失效（形状参数 {low:.1f}～{high:.1f}）：按使用量更换未必有效。",
    )
    return Check("wear_out", False, text)


def _within_view(fit: LifeFit) -> Check | None:
    longest, median = float(fit.lives.end.max()), fit.life_quantile(0.5)
    if median <= longest:
        return None
    text = Text(
        en=f"No part has been seen beyond {longest:,.0f}; the median life of {median:,.0f} is the "
        "curve continued and not experience.",
        zh=f"尚无部件超过 {longest:,.0f}；中位寿命 {median:,.0f} 是曲线外推，并非经验。",
    )
    return Check("within_view", False, text)


def _curve(fit: LifeFit) -> Check:
    """Failures seen against failures expected, by use: the process of martingale residuals."""
    at, seen, expected = seen_and_expected(fit)
    miss = np.abs(seen - expected) / math.sqrt(seen[-1])
    worst = int(np.argmax(miss))
    if miss[worst] <= MOST_MISS:
        text = Text(
            en="The curve follows the failures as they were seen.", zh="曲线与实际失效情况吻合。"
        )
        return Check("curve", True, text)
    text = Text(
        en=f"The curve misses what was seen: by {at[worst]:,.0f} of use {seen[worst]:.0f} parts "
        f"had failed and {expected[worst]:.1f} were expected. Two causes, or two kinds of use, may "
        "be mixed.",
        zh=f"曲线与实际不符：使用量到 {at[worst]:,.0f} 时已失效 {seen[worst]:.0f} 件，"
        f"预期 {expected[worst]:.1f} 件。可能混有两种原因或两种工况。",
    )
    return Check("curve", False, text)


def seen_and_expected(fit: LifeFit) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    """Uses at which parts failed (m,), failures seen up to each, and expected of the same parts."""
    data = fit.lives
    at = np.unique(data.end[data.failed])
    if len(at) > MOST_USES:
        at = at[np.linspace(0, len(at) - 1, MOST_USES).astype(np.int64)]
    location = fit.location() + np.log(fit.factor(data.covariates))

    def hazard(use: FloatColumn, rows: FloatColumn) -> FloatColumn:
        with np.errstate(divide="ignore"):
            return -fit.family.log_survival((np.log(use) - rows) / fit.spread)

    seen = np.array([data.count[data.failed & (data.end <= use)].sum() for use in at])
    expected = [
        data.count
        @ (
            hazard(np.minimum(data.end, use), location)
            - hazard(np.minimum(data.start, use), location)
        )
        for use in at
    ]
    return at, seen, np.array(expected)


def _family(fit: LifeFit) -> Check | None:
    """Whether the other family explains the lives clearly better."""
    other = _alone(fit.lives, LOGNORMAL if fit.family is WEIBULL else WEIBULL)
    if other is None or other.log_likelihood - fit.log_likelihood < 2:
        return None
    name, better = _FAMILY_NAMES[fit.family.name], _FAMILY_NAMES[other.family.name]
    text = Text(
        en=f"A {better.en} life would explain the replacements better than a {name.en} life.",
        zh=f"用{better.zh}分布比{name.zh}分布更能解释这些更换记录。",
    )
    return Check("family", False, text)


def _alone(lives: Lives, family: Family) -> LifeFit | None:
    """What the lives say without the plan; None where they are too few, or where kinds that tell
    the failures apart leave no maximum."""
    try:
        found = fit_lives(lives, family)
    except LifeDataError:
        return None
    return found if isinstance(found, LifeFit) else None


def _of_one_kind(lives: Lives) -> Lives:
    return replace(lives, covariates=np.zeros((len(lives.end), 0)), names=())


def _plan(fit: LifeFit, life: Life) -> Check | None:
    """Whether the fleet's lives alone contradict the plan's median."""
    alone = fit if fit.prior is None else _alone(fit.lives, fit.family)
    if alone is None and fit.lives.failures >= FEW_FAILURES:
        # A region without a failure leaves no maximum: then all kinds count as one.
        alone = _alone(_of_one_kind(fit.lives), fit.family)
    if alone is None:
        return None
    low, high = alone.quantile_limits(0.5, 0.95)
    if low <= life.mid <= high:
        text = Text(
            en=f"The fleet's lives agree with the plan's {life.mid:,.0f}.",
            zh=f"车队实际寿命与方案值 {life.mid:,.0f} 相符。",
        )
        return Check("plan", True, text)
    median = alone.life_quantile(0.5)
    text = Text(
        en=f"The plan says {life.mid:,.0f}, the fleet shows {median:,.0f} ({low:,.0f} to "
        f"{high:,.0f}): the plan should be looked at.",
        zh=f"方案为 {life.mid:,.0f}，车队实际为 {median:,.0f}（{low:,.0f}～{high:,.0f}）："
        "建议复核方案。",
    )
    return Check("plan", False, text)
