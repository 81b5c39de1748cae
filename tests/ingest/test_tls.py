"""Ingest over TLS: everything arrives, and what stands in the way is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fleet.broker import BrokerAddress
from fleet.clock import now_ms
from ingest.payload import encode_sample
from ingest.subscriber import Subscriber
from ingest.topics import telemetry_topic
from ironpulse.stack import Credentials
from ironpulse.stack.broker import Broker, Tls
from ironpulse.stack.certificates import Authority
from ironpulse.stack.processes import free_port
from ironpulse.stack.programs import Programs
from ironpulse.stack.security import ADMIN
from tests.conftest import BrokerAccess
from tests.ingest.running import Device, eventually, ledger, running

MESSAGES = 2_000


@pytest.fixture
def broker(programs: Programs, server_folder: Path) -> Iterator[BrokerAccess]:
    """A broker that speaks TLS only."""
    tls = Tls(Authority(server_folder / "tls"), free_port())
    server = Broker(programs, server_folder / "broker", free_port(), "a-word", "i-word", tls)
    server.start()
    try:
        with Credentials(server.url, ADMIN, "a-word") as credentials:
            yield BrokerAccess(server, credentials, "a-word", "i-word")
    finally:
        server.stop()


def test_what_machines_send_over_tls_is_stored(small_store: str, broker: BrokerAccess) -> None:
    broker.credentials.add([("P-1", "word")])
    now = now_ms()
    sent = [encode_sample(now - n, {"fuel_pct": n % 100}) for n in range(MESSAGES)]
    with running(small_store, broker), Device(broker, "P-1", "word") as device:
        device.publish(telemetry_topic("P-1"), *sent)
        counts = {"messages": MESSAGES, "received": MESSAGES, "stored": MESSAGES}
        eventually(lambda: ledger(small_store), {"P-1": counts})


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("mqtts", "signed by no authority known to this system"),
        ("mqtt", "it speaks TLS at this port: write mqtts://"),
    ],
)
def test_why_the_broker_is_waited_for_is_said_once(
    broker: BrokerAccess, scheme: str, said: str
) -> None:
    address = BrokerAddress.of(broker.url).signing_in("ingest", "i-word")
    url = f"{scheme}://ingest:i-word@{address.where}"
    with capture_logs() as logs:
        subscriber = Subscriber(url, "test-ingest", lambda _messages: None)
        subscriber.start()
        try:
            eventually(lambda: [log["reason"] for log in logs if "reason" in log][:1] != [], True)
        finally:
            subscriber.stop()
    (reason,) = (log["reason"] for log in logs if "reason" in log)
    assert said in reason
