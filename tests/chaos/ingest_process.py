"""An ingest that, told by SIGUSR1, dies between its next commit and the acknowledgement.

python -m tests.chaos.ingest_process DATABASE_URL MQTT_URL CLIENT_ID WORKERS WORKER
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from ingest import service
from ingest.message import Message
from ironpulse.foreground import configure_log, stop_on_signals


def main() -> None:
    configure_log()
    doomed = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: doomed.set())

    def committed(_: list[Message]) -> None:
        if doomed.is_set():
            os.kill(os.getpid(), signal.SIGKILL)

    database_url, mqtt_url, client_id, workers, worker = sys.argv[1:]
    service.run(
        database_url=database_url,
        mqtt_url=mqtt_url,
        client_id=client_id,
        workers=int(workers),
        worker=int(worker),
        stop=stop_on_signals(),
        committed=committed,
    )


if __name__ == "__main__":
    main()
