"""mq-bridge as a peer: from the broker into the table, until it is killed. Runs with a Python that
has mq-bridge; its one argument is the configuration of a route as JSON."""

from __future__ import annotations

import json
import sys

from mq_bridge import Route  # type: ignore[import-not-found]  # in an environment of its own

Route.from_config(json.loads(sys.argv[1])).run()
