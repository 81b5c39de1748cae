"""`ironpulse lives`: what was learned about the life of parts, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet.clock import now_ms
from fleet.text import Language
from ironpulse.settings import Settings
from predict.fleet_lives import kinds_that_ended, learned_of
from predict.life_report import LearnedPart, report_of
from store.connection import connect
from store.plans import load_catalogue


def listing(settings: Settings, language: Language) -> Iterator[dict[str, Any]]:
    """One row per kind of part that has worn out somewhere, as it is computed."""
    with connect(settings.database()) as connection, connection.transaction():
        catalogue = load_catalogue(connection)
        now = now_ms()
        for product, part, fitted in kinds_that_ended(connection, catalogue):
            learned = learned_of(product, part, fitted, now)
            if learned is not None:
                yield _row(report_of(product, part, learned), language)


def _row(learned: LearnedPart, language: Language) -> dict[str, Any]:
    part = learned.part
    return {
        "product": learned.product,
        "part": part.id,
        "name": part.name.to(language),
        "unit": part.driver.unit,
        "ended": learned.ended,
        "lives": learned.total,
        "plan": part.life.mid,
        "p10": round(learned.p10, 1),
        "p50": round(learned.p50, 1),
        "p90": round(learned.p90, 1),
        "factors": {model: round(factor, 3) for model, factor in learned.factors.items()},
        "checks": [
            {"name": check.name, "passed": check.passed, "text": check.text.to(language)}
            for check in learned.checks
        ],
    }
