"""The one error of the local stack."""

from __future__ import annotations

from fleet.errors import IronpulseError

OTHER_WAYS = (
    "Two other ways: start the servers in compose.yaml with Docker, or name servers you already "
    "have in IRONPULSE_DATABASE_URL and IRONPULSE_MQTT_URL."
)


class StackError(IronpulseError):
    """The local stack cannot do what was asked; the text says what, where and what to do."""
