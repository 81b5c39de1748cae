"""Which machine and product a topic leads to, as the registry has it now."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from ingest.decode import Product
from ingest.message import Route
from ingest.topics import parse_topic
from store import machines, plans
from store.connection import Connection


class Registry:
    """Machines and plans, remembered while they hold.

    What is known of a machine's serial and product never changes. An unknown one is asked for
    anew each time, so a machine that is registered before its message is read is known. That one
    is retired, or taken back, is known from the next `refresh` on.
    """

    def __init__(self) -> None:
        self.products: Mapping[str, Product] = {}
        self._versions: dict[str, str] = {}
        self._retired: dict[int, int] = {}
        self._routes: dict[str, Route] = {}
        self._lock = threading.Lock()

    def refresh(self, connection: Connection) -> bool:
        """Load the plans where they changed; returns whether they did. Learn who is retired."""
        self._note_retired(machines.retired(connection))
        return self._load_plans(connection)

    def routes(self, connection: Connection, topics: Iterable[str]) -> Mapping[str, Route]:
        """The routes of at least these topics."""
        with self._lock:
            unknown = {topic for topic in topics if topic not in self._routes}
            strangers = self._look_up(connection, unknown) if unknown else {}
            return {**self._routes, **strangers} if strangers else self._routes

    def remembered(self, topics: Iterable[str]) -> Mapping[str, Route] | None:
        """The routes of at least these topics; None where some must be looked up."""
        routes = self._routes
        return routes if all(topic in routes for topic in topics) else None

    def known(self, topic: str) -> Route:
        """The route of a topic as far as it is remembered."""
        return self._routes.get(topic, Route("", None, None, None))

    def _load_plans(self, connection: Connection) -> bool:
        versions = plans.versions(connection)
        if versions == self._versions:
            return False
        catalogue = plans.load_catalogue(connection)
        self.products = {name: Product.of(plan) for name, plan in catalogue.plans.items()}
        self._versions = versions
        return True

    def _note_retired(self, retired: dict[int, int]) -> None:
        with self._lock:
            if retired != self._retired:
                self._retired, self._routes = retired, {}

    def _look_up(self, connection: Connection, topics: Iterable[str]) -> dict[str, Route]:
        """Remember the routes to known machines; returns those that lead nowhere."""
        addresses = {topic: parse_topic(topic) for topic in topics}
        serials = {address.serial.replace("\x00", "") for address in addresses.values()}
        known = machines.of_serials(connection, serials)
        if any(product not in self.products for _, product in known.values()):
            self._load_plans(connection)
        strangers = {}
        for topic, address in addresses.items():
            machine_id, product = known.get(address.serial, (None, None))
            since = None if machine_id is None else self._retired.get(machine_id)
            route = Route(address.serial, address.kind, machine_id, product, since)
            if machine_id is not None and address.kind is not None:
                self._routes[topic] = route
            else:
                strangers[topic] = route
        return strangers
