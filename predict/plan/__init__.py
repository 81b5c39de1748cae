"""The parts plan: from demand as distributions to what to move, order and hurry, per warehouse.

Pure: `levels` says how much each warehouse should have, `moves` what follows from what it has,
`rule` is the simple rule beside it, `judge` says afterwards who was right. `run` reads the store,
calls them and writes the plan down.
"""

from predict.plan.article import Article, ArticlePlan, plan_class
from predict.plan.costs import Costs, costs_of
from predict.plan.levels import WORTHS, Levels, Place, Tree, base_stocks_at
from predict.plan.moves import Held, Moves, Supply, moves

__all__ = [
    "WORTHS",
    "Article",
    "ArticlePlan",
    "Costs",
    "Held",
    "Levels",
    "Moves",
    "Place",
    "Supply",
    "Tree",
    "base_stocks_at",
    "costs_of",
    "moves",
    "plan_class",
]
