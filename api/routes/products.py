"""Product plans as data."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Caller
from api.context import Shared
from api.paging import Cursor, Limit, decode, page
from api.parameters import ProductKey, RuleKey
from api.present import product as present
from api.problems import not_found, responses
from api.schemas.base import Page
from api.schemas.product import Product, ProductSummary, RuleVersions
from store import fleet_view, plans

router = APIRouter(
    prefix="/products", tags=["products"], responses=responses("not-signed-in", "not-found")
)


@router.get("", operation_id="list_products")
def list_products(
    _caller: Caller, shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[ProductSummary]:
    """The products and how many machines of each are in service."""
    after = decode(cursor, (str,))
    with shared.database.connection() as connection:
        plans = shared.catalogue(connection).plans
        counts = fleet_view.machines_per_product(connection)
    rows = [{"id": key} for key in sorted(plans) if after is None or key > after[0]]
    return page(
        rows,
        limit,
        lambda row: present.summary(plans[row["id"]], counts.get(row["id"], 0)),
        lambda row: [row["id"]],
    )


@router.get("/{product}", operation_id="get_product")
def get_product(
    product: ProductKey,
    _caller: Caller,
    shared: Shared,
) -> Product:
    """The plan: signals, regimes, rules, failure modes, wear parts, services, checklists."""
    with shared.database.connection() as connection:
        return present.product(shared.plan(connection, product))


@router.get("/{product}/rules/{rule}/versions", operation_id="list_rule_versions")
def list_rule_versions(
    product: ProductKey,
    rule: RuleKey,
    _caller: Caller,
    shared: Shared,
) -> RuleVersions:
    """Every wording of a rule that was ever loaded, the oldest first; an alarm names the one that
    raised it."""
    with shared.database.connection() as connection:
        shared.plan(connection, product)
        found = plans.rule_versions(connection, product, rule)
    if not found:
        raise not_found(f"{product} never had a rule {rule}.", f"{product} 从未有过规则 {rule}。")
    return RuleVersions.model_validate({"versions": found})
