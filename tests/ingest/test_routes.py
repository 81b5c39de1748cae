"""What the registry remembers of machines, and when it notices that one left the fleet."""

from __future__ import annotations

from msgspec import structs

from ingest.decode import decode
from ingest.message import Message
from ingest.payload import encode_sample
from ingest.routes import Registry
from ingest.topics import telemetry_topic
from store import machines
from store.connection import connect
from tests.ingest.decoding import NOW, message, reasons

TOPIC = telemetry_topic("P-1")


def test_a_running_ingest_notices_that_a_machine_is_retired(small_store: str) -> None:
    sent = message(encode_sample(NOW, {"fuel_pct": 1}))
    early = structs.replace(sent, received_at=NOW - 1)
    with connect(small_store) as connection:
        registry = Registry()
        registry.refresh(connection)

        def judged(each: Message) -> list[str]:
            routes = registry.remembered([TOPIC]) or registry.routes(connection, [TOPIC])
            return reasons(decode([each], routes, registry.products))

        assert judged(sent) == []
        machines.retire(connection, ["P-1"], NOW)
        registry.refresh(connection)
        assert (judged(sent), judged(early)) == (["retired_machine"], [])
        machines.reinstate(connection, ["P-1"])
        registry.refresh(connection)
        assert judged(sent) == []
