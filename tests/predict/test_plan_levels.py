"""Windows, base stocks and moves of the parts plan, by hand and against slow twins."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from fleet.stocking import SupplyTerms
from predict.plan import (
    WORTHS,
    Article,
    Costs,
    Held,
    Levels,
    Place,
    Supply,
    Tree,
    base_stocks_at,
    costs_of,
    moves,
    plan_class,
)
from predict.plan.judge import judge
from predict.plan.rule import rule_level, rule_order, seasonal_factor
from predict.plan.window import Window, thinned

SUPPLY = Supply(10, 4, 1, 0.5)


COSTS = Costs(held=1.0, missed=60.0, hurried=0.0, level=60.0)


def levels_at(tree: Tree, target: float) -> Levels:
    """The levels of the least worth at which a share of demand is served."""
    every = base_stocks_at(tree, COSTS, WORTHS)
    return next(each for each in every if each.fill >= target)


def month(mean: float) -> np.ndarray:
    return np.asarray(poisson.pmf(np.arange(80), mean))


def tree(*means: float) -> Tree:
    """A headquarters and one region per mean, pieces a month."""
    nothing = [np.ones(1)] * 6
    regions = [Place(f"r{n}", 0, 3, [month(mean)] * 6) for n, mean in enumerate(means)]
    return Tree([Place("hq", None, 10, nothing), *regions], 30, 7)


def test_a_poisson_demand_stays_one_in_every_window() -> None:
    window = Window([month(3.0)] * 6)
    for days in (5, 30, 45, 80):
        mean = 3.0 * days / 30
        found = window.distribution(days)
        assert found == pytest.approx(poisson.pmf(np.arange(len(found)), mean), abs=1e-6)
        missing = sum(max(n - 2, 0) * poisson.pmf(n, mean) for n in range(80))
        assert window.short(days, 2) == pytest.approx(missing, abs=1e-6)
        assert window.short(days, -1) == pytest.approx(mean + 1)


def test_thinning_keeps_the_share() -> None:
    pmf = np.array([0.2, 0.3, 0.5])
    assert thinned(pmf, 0.25) @ np.arange(3) == pytest.approx(1.3 * 0.25)
    assert thinned(pmf, 1.0) == pytest.approx(pmf)


@given(size=st.integers(1, 700), share=st.floats(0, 1), seed=st.integers(0, 9))
@settings(max_examples=40)
def test_thinning_is_a_binomial_of_each_number_of_pieces(
    size: int, share: float, seed: int
) -> None:
    pmf = np.random.default_rng(seed).dirichlet(np.ones(size))
    counts = np.arange(size)
    slow = pmf @ binom.pmf(counts[None, :], counts[:, None], round(share, 6))
    assert thinned(pmf, share) == pytest.approx(slow, abs=1e-9)


def test_a_month_of_thousands_of_pieces_needs_no_table_of_its_own() -> None:
    """A fleet of tens of thousands asks for so many filters; a table by pieces would take a GB."""
    pmf = poisson.pmf(np.arange(12_000), 10_000.0)
    tracemalloc.start()
    window = Window([pmf] * 6)
    missing = window.short(75, 25_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert missing == pytest.approx(np.sqrt(25_000 / 2 / np.pi), rel=0.01), "normal, so many"
    assert most < 20 * 2**20


def test_a_missed_piece_that_counts_more_needs_more_stock() -> None:
    low, high = base_stocks_at(tree(0.5, 2.0, 1.0), COSTS, [0.5, 8.0])
    assert sum(high.stock) > sum(low.stock)
    assert high.fill > low.fill and high.lost <= low.lost


@pytest.mark.parametrize("missed", [20.0, 200.0])
def test_no_single_piece_more_would_pay(missed: float) -> None:
    net, costs = tree(0.5, 2.0, 1.0), Costs(1.0, missed, 5.0, missed)
    (levels,) = base_stocks_at(net, costs, [0.0])

    def cost(stock: list[int]) -> float:
        lacked = costs.missed * net.misses(stock) + costs.hurried * net.lost(sum(stock))
        return costs.held * sum(stock) + lacked

    for place in range(4):
        more = [n + (place == number) for number, n in enumerate(levels.stock)]
        assert cost(more) >= cost(levels.stock) - 1e-9


def test_nothing_is_stocked_where_nothing_is_asked_for() -> None:
    (levels,) = base_stocks_at(tree(0.0, 0.0), COSTS, [100.0])
    assert levels.stock == [0, 0, 0]


def test_what_is_dear_and_asked_for_seldom_is_not_held() -> None:
    """The same demand: a cheap article lies in every region, a dear one is hurried."""
    terms = SupplyTerms()
    cheap, dear = (
        base_stocks_at(tree(0.01, 0.01, 0.01), costs_of(price, "stop", 4, terms), [0.0])[0]
        for price in (250, 150_000)
    )
    assert all(n > 0 for n in cheap.stock[1:])
    assert dear.stock == [0, 0, 0, 0]


def test_a_machine_that_lacks_a_set_waits_once() -> None:
    """Sets of twelve cost their machine one wait: less of them is held than of single pieces."""
    terms = SupplyTerms()
    single, sets = (costs_of(1500, "stop", 4, terms, at_once) for at_once in (1, 12))
    assert sets.missed == pytest.approx(single.missed / 12)
    assert sets.hurried - 450 == pytest.approx((single.hurried - 450) / 12)
    assert sets.missed_at(1.0) - sets.missed == single.missed, "a level counts every piece alike"
    few, many = (base_stocks_at(tree(3.0, 3.0), each, [0.0])[0] for each in (sets, single))
    assert sum(few.stock) < sum(many.stock)


def test_what_is_kept_of_a_tree_is_what_is_worked_out_anew() -> None:
    """Three levels: a station behind the first region."""
    places = tree(0.7, 2.0).places
    net = Tree([*places, Place("s", 1, 1, [month(0.9)] * 6)], 30, 7)
    rng = np.random.default_rng(8)
    for stock in rng.integers(0, 6, (40, 4)).tolist():
        fresh = Tree(net.places, 30, 7)
        assert net.misses(stock) == pytest.approx(fresh.misses(stock), abs=1e-12)
        for number, gain in enumerate(net.gains(stock)):
            more = [n + (place == number) for place, n in enumerate(stock)]
            assert gain == pytest.approx(fresh.misses(stock) - fresh.misses(more), abs=1e-12)


def test_a_class_reaches_its_level_together_with_more_of_what_is_cheap() -> None:
    terms = SupplyTerms()
    nothing = [Held()] * 3
    articles = [
        Article(name, 0.95, costs_of(price, "stop", 4, terms), SUPPLY, 30, 7,
                tree(1.0, 1.0).places, nothing, [[0]] * 3, [1.0] * 3)
        for name, price in (("cheap", 250), ("dear", 50_000))
    ]  # fmt: skip
    cheap, dear = plan_class(articles)
    assert (cheap.levels.fill + dear.levels.fill) / 2 >= 0.95
    assert cheap.levels.fill > 0.97 > dear.levels.fill


def test_the_expected_fill_is_what_a_simulated_shelf_serves() -> None:
    """One shelf without a source, looked at every 30 days, filled up to its level."""
    alone = Tree([Place("hq", None, 10, [month(4.0)] * 6)], 30, 7)
    levels = levels_at(alone, 0.9)
    rng = np.random.default_rng(3)
    served = asked = 0
    for _ in range(4000):
        before = rng.poisson(4.0 * 10 / 30)
        demand = rng.poisson(4.0)
        shelf = max(levels.stock[0] - before, 0)
        served += min(shelf, demand)
        asked += demand
    assert served / asked == pytest.approx(levels.fill, abs=0.02)


def test_transfers_go_before_orders() -> None:
    net = tree(1.0, 1.0)
    levels = levels_at(net, 0.95)
    hq, first, second = levels.stock
    done = moves(net, levels, [Held(0), Held(first + 2), Held(second - 2)], SUPPLY)
    assert [(t.source, t.target, t.quantity) for t in done.transfers] == [(1, 2, 2)]
    assert done.order == hq
    full = moves(net, levels, [Held(hq), Held(first), Held(second)], SUPPLY)
    assert (full.transfers, full.order, full.emergency) == ([], 0, [0, 0, 0])


def test_what_cannot_wait_is_hurried_and_not_ordered_twice() -> None:
    net = tree(6.0)
    levels = levels_at(net, 0.95)
    done = moves(net, levels, [Held(0), Held(0, 0, 2)], SUPPLY)
    patient = moves(net, levels, [Held(0), Held(0, 0, 2)], Supply(10, 4))
    assert done.emergency[1] >= 2 and patient.emergency == [0, 0]
    assert done.order + sum(done.emergency) == patient.order


@settings(max_examples=25, deadline=None)
@given(
    held=st.lists(
        st.builds(Held, st.integers(0, 9), st.integers(0, 5), st.integers(0, 4)),
        min_size=4,
        max_size=4,
    ),
    pack=st.integers(1, 5),
)
def test_moves_bring_the_whole_to_its_levels_and_give_only_what_is_there(
    held: list[Held], pack: int
) -> None:
    net = tree(0.3, 1.0, 2.5)
    levels = levels_at(net, 0.95)
    done = moves(net, levels, held, Supply(10, 4, pack, 0.5))
    for place, each in enumerate(held):
        given_away = sum(t.quantity for t in done.transfers if t.source == place)
        assert given_away <= max(each.on_hand - each.owed, 0)
    position = sum(each.position for each in held) + done.order + sum(done.emergency)
    assert position >= min(sum(levels.stock), position)
    short = sum(levels.stock) - sum(each.position for each in held)
    if short > 0:
        assert 0 <= done.order + sum(done.emergency) - short < pack
    else:
        assert done.order == 0


def test_the_simple_rule_by_hand() -> None:
    assert rule_level([2, 4, 0, 2], 1.5) == pytest.approx(3 * 2 * 1.5)
    assert rule_order(9.0, 4) == 5
    assert rule_order(3.0, 4) == 0
    year = np.array([0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1], dtype=float)
    assert seasonal_factor(year, 8) == pytest.approx(5 / 3)


def test_the_plan_of_an_article_adds_up() -> None:
    places = tree(0.5, 2.0).places
    article = Article("X", 0.97, COSTS, SUPPLY, 30, 7, places, [Held(1), Held(9), Held(0)],
                      [[0], [0, 1], [2, 2]], [1.0, 1.0, 1.0])  # fmt: skip
    (plan,) = plan_class([article])
    head, first, second = plan.lines
    assert head.level == sum(plan.levels.stock)
    assert head.rule_quantity == first.rule_quantity + second.rule_quantity == 6
    assert second.transfers and not first.transfers
    assert head.order == max(head.level - head.position - sum(plan.moves.emergency), 0)
    assert first.surplus > 0 and first.order_in_days is None


def test_who_was_right_is_who_lost_least() -> None:
    verdict = judge(2, {"plan": 3, "rule": 9, "override": 0}, 5, 0.95, 100.0)
    assert verdict.best == ("plan",)
    assert verdict.outcomes["rule"].over == 6
    assert verdict.outcomes["rule"].cost == pytest.approx(6 * 0.05 * 100)
    assert verdict.outcomes["override"].cost == pytest.approx(3 * 0.95 * 100)
