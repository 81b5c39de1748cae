"""What every request shares: the database, the product plans, the ways to sign in."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from api.problems import ProblemException, not_found
from fleet.clock import monotonic_s
from fleet.plan import Catalogue, ProductPlan
from fleet.text import Text
from store import plans
from store.connection import Connection, Database

if TYPE_CHECKING:
    from api.auth import Authenticator

#: How old the plans in memory may be, seconds.
PLANS_AGE_S = 5.0


class Context:
    """Made once per application."""

    def __init__(self, database: Database, authenticators: Sequence[Authenticator]) -> None:
        self.database = database
        self.authenticators = authenticators
        self._catalogue: Catalogue | None = None
        self._checked_s = 0.0
        self._lock = threading.Lock()

    def catalogue(self, connection: Connection) -> Catalogue:
        """All product plans, read anew when a newer version was loaded."""
        with self._lock:
            now = monotonic_s()
            if self._catalogue is None or now - self._checked_s > PLANS_AGE_S:
                self._catalogue = self._newest(connection)
                self._checked_s = now
            return self._catalogue

    def plan(self, connection: Connection, product: str) -> ProductPlan:
        """The plan of a product; 404 where there is no such product."""
        plan = self.catalogue(connection).plans.get(product)
        if plan is None:
            raise not_found(f"There is no product {product}.", f"没有产品 {product}。")
        return plan

    def _newest(self, connection: Connection) -> Catalogue:
        versions = plans.versions(connection)
        if not versions:
            raise ProblemException(
                "unavailable",
                Text(
                    en="No product plans are loaded yet: run `ironpulse migrate`.",
                    zh="尚未加载产品方案，请先运行 ironpulse migrate。",
                ),
            )
        known = self._catalogue
        if known is not None and versions == {p.product: p.version for p in known.plans.values()}:
            return known
        return plans.load_catalogue(connection)


def context_of(request: Request) -> Context:
    """The application's context."""
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


Shared = Annotated[Context, Depends(context_of)]
