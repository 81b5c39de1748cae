"""Which sessions the ingest has at the broker: one for itself, or one for each worker of several.

Several workers share one subscription (MQTT 5, section 4.8.2): the broker gives each message to one
of their sessions. A session outlives its worker, and with it its part in the subscription: after a
change of the number of workers the sessions of before would go on collecting messages for nobody.
So their names are fixed, and the first worker looks them up and empties them.

Whoever connects with the name of a session takes it over, with all that waits in it, whatever its
rights to topics are. So the names are hard to guess (decision 10).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fleet.broker import BrokerAddress
from fleet.errors import IronpulseError
from ingest.topics import EVERYTHING

MOST_WORKERS = 16
#: What an ingest calls its session unless told otherwise, before what makes it hard to guess.
NAME = "ironpulse-ingest"


def secret_name(mqtt_url: str) -> str:
    """The client id that only who knows the ingest's password at this broker can work out; the
    same on every computer. Plain where the URL has no password."""
    password = BrokerAddress.of(mqtt_url).password
    if not password:
        return NAME
    # Slow on purpose: the name can be seen in logs, and must not give the password away.
    key = hashlib.scrypt(password.encode(), salt=NAME.encode(), n=2**14, r=8, p=1, dklen=8)
    return f"{NAME}-{key.hex()}"


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of `client_id` with `workers` processes, of which this is number `worker`,
    counted from 1."""

    client_id: str
    workers: int = 1
    worker: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.worker <= self.workers <= MOST_WORKERS:
            raise IronpulseError(
                f"There is no worker {self.worker} of {self.workers}: up to {MOST_WORKERS} workers "
                "are counted from 1."
            )

    @property
    def own(self) -> str:
        """The name of this worker's session."""
        return self._names()[self.worker - 1]

    @property
    def topic(self) -> str:
        """What this worker subscribes to."""
        return EVERYTHING if self.workers == 1 else self._shared

    @property
    def topics(self) -> list[str]:
        """What any session of this name may have subscribed to."""
        return [EVERYTHING, self._shared]

    @property
    def is_first(self) -> bool:
        """Whether this is the worker that does what is done once."""
        return self.worker == 1

    @property
    def former(self) -> list[str]:
        """The names that sessions have with other numbers of workers and not with this one."""
        return sorted({self.client_id, *self._numbered(MOST_WORKERS)} - set(self._names()))

    @property
    def _shared(self) -> str:
        return f"$share/{self.client_id}/{EVERYTHING}"

    def _names(self) -> list[str]:
        return [self.client_id] if self.workers == 1 else self._numbered(self.workers)

    def _numbered(self, count: int) -> list[str]:
        return [f"{self.client_id}-{number}" for number in range(1, count + 1)]
