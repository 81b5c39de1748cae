"""The fixed vocabulary, for labels in both languages."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Answer, Bilingual

Texts = dict[str, Bilingual]


class Tier(Answer):
    """A service tier: hours from opening a ticket to the technician on site, by severity."""

    id: str
    name: Bilingual
    target_h: dict[str, float]


class Words(Answer):
    """Every enumeration of the interface: value -> its text."""

    severities: Texts = Field(description="Keys `1` info to `4` stop.")
    priorities: Texts
    health: Texts
    connections: Texts
    alarm_states: Texts
    alarm_suppressions: Texts
    alarm_events: Texts
    ticket_states: Texts
    finding_codes: Texts
    finding_kinds: Texts
    part_alert_states: Texts
    removal_reasons: Texts
    categories: Texts
    skills: Texts
    price_classes: Texts
    lead_classes: Texts
    usage_units: Texts
    roles: Texts
    rejection_reasons: Texts = Field(description="Why a message was rejected.")
    bad_value_reasons: Texts = Field(description="Why a value was stored as missing.")
    tiers: list[Tier]
