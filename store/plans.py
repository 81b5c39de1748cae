"""The product plans as the database holds them. Services read them here, not from the folder."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from fleet import clock
from fleet.plan import Catalogue, ProductPlan
from store.connection import Connection, StoreError
from store.queries import load

_SQL = load("plan")
#: Channel on which `migrate` announces that plans changed.
CHANNEL = "plans"


def put_catalogue(connection: Connection, catalogue: Catalogue, at_ms: int) -> list[str]:
    """Write plans and what they share; returns the products whose plan changed."""
    changed = []
    for plan in catalogue.plans.values():
        values = {
            "id": plan.product,
            "version": plan.version,
            "plan": Jsonb(plan.model_dump(mode="json")),
            "at": clock.to_datetime(at_ms),
        }
        if connection.execute(_SQL["put_product"], values).fetchone() is not None:
            changed.append(plan.product)
        _put_rules(connection, plan, at_ms)
    shared = Jsonb(catalogue.model_dump(mode="json", exclude={"plans"}))
    if connection.execute(_SQL["put_shared"], {"shared": shared}).fetchone() is not None or changed:
        connection.execute(_SQL["announce"])
    return changed


def _put_rules(connection: Connection, plan: ProductPlan, at_ms: int) -> None:
    """Note which version of each rule the plan holds; a wording never seen before is a new one."""
    rules = plan.rules
    values = {
        "product": plan.product,
        "version": plan.version,
        "rules": [rule.id for rule in rules],
        "checksums": [rule.checksum for rule in rules],
        "judgements": [rule.judgement for rule in rules],
        "definitions": [Jsonb(rule.model_dump(mode="json")) for rule in rules],
        "at": clock.to_datetime(at_ms),
    }
    connection.execute(_SQL["put_rules"], values)


def rule_versions(connection: Connection, product: str, rule: str) -> list[dict[str, Any]]:
    """All versions of a rule, the oldest first: number, since when, its definition, and whether
    it is the one that judges today."""
    values = {"product": product, "rule": rule}
    return connection.execute(_SQL["rule_versions"], values).fetchall()


def load_catalogue(connection: Connection) -> Catalogue:
    """All plans with what they share.

    Raises StoreError where none was loaded yet.
    """
    shared = connection.execute(_SQL["shared"]).fetchone()
    if shared is None:
        raise StoreError("the database holds no product plans: run `ironpulse migrate` first")
    rows = connection.execute(_SQL["plans"]).fetchall()
    plans = {row["id"]: ProductPlan.model_validate(row["plan"]) for row in rows}
    return Catalogue(plans=plans, **shared["shared"])


def versions(connection: Connection) -> dict[str, str]:
    """Checksum of each product's plan, to see cheaply whether anything changed."""
    return {row["id"]: row["version"] for row in connection.execute(_SQL["versions"]).fetchall()}
