"""The plan of one article over all warehouses: levels, moves, and the simple rule beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predict.plan.costs import Costs
from predict.plan.levels import WORTHS, Levels, Place, Tree, base_stocks_at
from predict.plan.moves import Held, Moves, Supply, echelon, moves
from predict.plan.rule import rule_level, rule_order


@dataclass(frozen=True, slots=True)
class Article:
    """One article as the plan takes it: what the shelf is to serve of its demand, how it comes,
    its places with their demand, what each holds, and for the simple rule each place's use by
    past month (own customers only) and seasonal factor."""

    number: str
    service_level: float
    costs: Costs
    supply: Supply
    review_days: float
    refill_days: float
    places: Sequence[Place]
    held: Sequence[Held]
    history: Sequence[Sequence[float]]
    season: Sequence[float]


@dataclass(frozen=True, slots=True)
class Line:
    """What the plan says for one place, in pieces; all but `own_level` and `held` count the place
    together with those it serves. `transfers` are source, quantity and whether they come back from
    a place that needs them no more; `most` pieces will hardly be exceeded over the horizon, and
    `surplus` lies beyond them. `expected` and `high` are demand within `cover_days`, high the
    quantile of the service level; `order_in_days` is when the level will be undercut, None within
    the horizon never."""

    place: Place
    held: Held
    position: int
    level: int
    own_level: int
    cover_days: float
    expected: float
    high: int
    order: int
    emergency: int
    transfers: list[tuple[str, int, bool]]
    given: int
    waits: int
    most: int
    surplus: int
    order_in_days: float | None
    rule_quantity: int


@dataclass(frozen=True, slots=True)
class ArticlePlan:
    """All lines of one article, and the share of demand the levels are expected to serve."""

    article: Article
    levels: Levels
    moves: Moves
    lines: list[Line]


def plan_class(articles: Sequence[Article]) -> list[ArticlePlan]:
    """What every place should have of articles of one class, and what follows from what it has.

    A missed piece counts alike in the whole class, as much as it takes for the class to reach its
    service level: so the shelf has more of what is cheap and asked for often.
    """
    trees = [Tree(each.places, each.review_days, each.refill_days) for each in articles]
    levels = []
    for tree, each in zip(trees, articles, strict=True):
        levels.append(base_stocks_at(tree, each.costs, WORTHS))
        tree.forget()
    asked = np.array([tree.asked() for tree in trees])
    fills = np.array([[level.fill for level in own] for own in levels])
    wanted = asked @ np.array([each.service_level for each in articles])
    reached = np.flatnonzero(asked @ fills >= wanted)
    worth = int(reached[0]) if len(reached) else len(WORTHS) - 1
    return [
        _plan(article, tree, own[worth])
        for article, tree, own in zip(articles, trees, levels, strict=True)
    ]


def _plan(article: Article, tree: Tree, levels: Levels) -> ArticlePlan:
    done = moves(tree, levels, article.held, article.supply)
    rules = _rule_orders(article)
    lines = [_line(article, tree, levels, done, rules, n) for n in range(len(article.places))]
    return ArticlePlan(article, levels, done, lines)


def _line(
    article: Article, tree: Tree, levels: Levels, done: Moves, rules: list[int], number: int
) -> Line:
    place, held = article.places[number], article.held[number]
    sources = [each.source for each in article.places]
    position = echelon(sources, [each.position for each in article.held])[number]
    level = echelon(sources, levels.stock)[number]
    whole, cover = tree.whole[number], levels.cover_days[number]
    pmf = whole.distribution(cover)
    high = int(np.searchsorted(np.cumsum(pmf), article.service_level - 1e-12))
    into = [each for each in done.transfers if each.target == number]
    out = sum(each.quantity for each in done.transfers if each.source == number)
    horizon = tree.horizon
    return Line(
        place=place,
        held=held,
        position=position,
        level=level,
        own_level=levels.stock[number],
        cover_days=cover,
        expected=whole.mean(cover),
        high=high,
        order=done.order if number == 0 else 0,
        emergency=done.emergency[number],
        transfers=[(article.places[each.source].id, each.quantity, each.back) for each in into],
        given=out,
        waits=done.waits[number],
        most=tree.most(number),
        surplus=max(position - max(level, tree.most(number)), 0),
        order_in_days=_undercut(tree, number, position - level, horizon),
        rule_quantity=rules[number],
    )


def _undercut(tree: Tree, number: int, spare: int, horizon: float) -> float | None:
    """Days until expected demand has used up what lies above the level; 0: now."""
    if spare < 0:
        return 0.0
    means = tree.whole[number].means(int(horizon))
    reached = int(np.searchsorted(means, spare + 0.5))
    return reached + 1.0 if reached < len(means) else None


def _rule_orders(article: Article) -> list[int]:
    """The simple rule as it is in use: every place that has customers asks for itself; a place
    that serves others asks for what they ask for together."""
    orders = []
    for history, season, held in zip(article.history, article.season, article.held, strict=True):
        orders.append(rule_order(rule_level(history, season), held.position))
    return echelon([place.source for place in article.places], orders)
