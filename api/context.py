"""What every request shares: the database, the product plans, the ways to sign in."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from api.identity import Authenticator
from api.problems import ProblemException, not_found
from fleet.clock import monotonic_s
from fleet.plan import Catalogue, ProductPlan
from fleet.text import Text
from store import plans
from store.connection import Connection, Database

#: How old the plans in memory may be, seconds.
PLANS_AGE_S = 5.0
#: Passwords hashed at the same time: each takes 32 MiB.
SIGN_INS_AT_ONCE = 4


class Context:
    """Made once per application."""

    def __init__(self, database: Database, authenticators: Sequence[Authenticator]) -> None:
        self.database = database
        self.authenticators = authenticators
        self.sign_ins = CapacityLimiter(SIGN_INS_AT_ONCE)
        self._catalogue: Catalogue | None = None
        self._checked_s = 0.0
        self._lock = threading.Lock()
        self._trials: subprocess.Popen[bytes] | None = None

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

    def try_rules(self) -> None:
        """Have the trials that wait worked through, in a process beside this one."""
        with self._lock:
            if self._trials is None or self._trials.poll() is not None:
                environment = os.environ | {"IRONPULSE_DATABASE_URL": self.database.url}
                command = [sys.executable, "-m", "rules.backtest.trial"]
                self._trials = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)

    def close(self) -> None:
        """End the process of the trials; what it was at is begun anew by the next."""
        if self._trials is not None:
            self._trials.terminate()
            self._trials.wait()

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
