"""The fixed vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from api import vocabulary
from api.auth import Caller
from api.context import Shared
from api.present.product import bilingual
from api.problems import responses
from api.schemas.words import Texts, Tier, Words
from fleet import words
from fleet.text import Text
from ingest import reasons
from tickets.words import FINDING_CODES, STATUSES

router = APIRouter(prefix="/words", tags=["words"], responses=responses("not-signed-in"))


@router.get("", operation_id="get_words")
def get_words(_caller: Caller, shared: Shared) -> Words:
    """Every enumeration of this interface with its texts in both languages."""
    with shared.database.connection() as connection:
        tiers = shared.catalogue(connection).tiers
    return Words(
        severities=_texts(words.SEVERITIES),
        priorities=_texts(vocabulary.PRIORITIES),
        health=_texts(vocabulary.HEALTH),
        connections=_texts(vocabulary.CONNECTIONS),
        alarm_states=_texts(vocabulary.ALARM_STATES),
        alarm_suppressions=_texts(vocabulary.ALARM_SUPPRESSIONS),
        alarm_events=_texts(vocabulary.ALARM_EVENTS),
        ticket_states=_texts(STATUSES),
        finding_codes=_texts(FINDING_CODES),
        finding_kinds=_texts(vocabulary.FINDING_KINDS),
        part_alert_states=_texts(vocabulary.PART_ALERT_STATES),
        removal_reasons=_texts(vocabulary.REMOVAL_REASONS),
        categories=_texts(words.CATEGORIES),
        skills=_texts(words.SKILLS),
        price_classes=_texts(words.PRICE_CLASSES),
        lead_classes=_texts(words.LEAD_CLASSES),
        usage_units=_texts(words.USAGE_UNITS),
        roles=_texts(vocabulary.ROLES),
        rejection_reasons=_texts(reasons.REJECTED),
        bad_value_reasons=_texts(reasons.BAD_VALUE),
        tiers=[
            Tier(
                id=tier.id,
                name=bilingual(tier.name),
                target_h={str(severity): hours for severity, hours in tier.target_h.items()},
            )
            for tier in tiers.values()
        ],
    )


def _texts(entries: Mapping[int, Text] | Mapping[str, Text]) -> Texts:
    return {str(key): bilingual(text) for key, text in entries.items()}
