"""The application, and serving it."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from api import metrics, problems
from api.context import Context
from api.guard import Guard
from api.identity import AUTHENTICATORS
from api.routes import (
    alarms,
    api_keys,
    health,
    ingest,
    machines,
    overview,
    parts,
    plan,
    products,
    refills,
    session,
    suppressions,
    telemetry,
    ticket_steps,
    tickets,
    trials,
    words,
)
from fleet.errors import IronpulseError
from store.connection import Database, StoreError, connect, our_errors
from store.processes import BEAT_S, Process, beat, forget

log = structlog.get_logger(__name__)

PREFIX = "/api/v1"
TITLE = "Ironpulse"
#: How long a request waits for a connection to the store before it is a 503, seconds.
STORE_WAIT_S = 3.0
ROUTERS = (
    health.router,
    session.router,
    api_keys.router,
    words.router,
    products.router,
    overview.router,
    machines.router,
    telemetry.router,
    alarms.router,
    suppressions.router,
    trials.router,
    tickets.router,
    ticket_steps.router,
    parts.router,
    plan.router,
    refills.router,
    ingest.router,
)


API = APIRouter(prefix=PREFIX, responses=problems.responses("invalid", "unavailable"))
for _router in ROUTERS:
    API.include_router(_router)


class ApiError(IronpulseError):
    """The API cannot be served."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document. Every model's every field takes its part of the second this lasts; it
    depends on the code alone, so that one does for all applications of a process."""
    described = get_openapi(
        title=TITLE,
        version="1",
        description="After-sales service that knows first: machines, telemetry, alarms, tickets "
        "and parts. Times are RFC 3339 in UTC, errors are problem details (RFC 9457).",
        routes=API.routes,
    )
    problems.describe(described)
    return described


def create(database_url: str) -> FastAPI:
    """The application on the database at `database_url`; it connects when it is started."""
    database = Database(database_url, wait_s=STORE_WAIT_S, plan_each_query=True)

    context = Context(database, AUTHENTICATORS)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with database:
            try:
                yield
            finally:
                context.close()

    app = FastAPI(
        title=TITLE,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=f"{PREFIX}/docs",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.openapi = document  # type: ignore[method-assign]  # as FastAPI's guide has it
    app.state.context = context
    problems.install(app)
    app.add_middleware(Guard)  # within the next: what it raises must reach the problems unwrapped
    metrics.install(app, database)
    app.include_router(API)
    return app


def run(database_url: str, host: str, port: int, stop: threading.Event) -> None:
    """Serve until `stop` is set.

    Raises StoreUnavailable when no database answers, ApiError when the port is taken.
    """
    connect(database_url).close()
    listener = _listen(host, port)
    app = create(database_url)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    ended = threading.Event()

    def end_when_asked() -> None:
        stop.wait()
        server.should_exit = True

    address = f"http://{host}:{port}"
    process = Process("api", instance=str(port), address=address)
    helpers = [
        threading.Thread(target=end_when_asked, name="api-stop", daemon=True),
        threading.Thread(target=keep_beating, args=(database_url, process, ended), name="api-beat"),
        # Made when it is first asked for, it would keep all other requests waiting.
        threading.Thread(target=document, name="api-document", daemon=True),
    ]
    for helper in helpers:
        helper.start()
    try:
        with listener:
            server.run(sockets=[listener])
    finally:
        ended.set()
        helpers[1].join()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio sends small answers at once only on sockets that say they are TCP; else every
        # answer on a connection kept open waits 40 ms for the client's acknowledgement
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(128)
    except OSError as error:
        raise ApiError(
            f"the API cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from error
    return listener


def keep_beating(database_url: str, process: Process, ended: threading.Event) -> None:
    """Say every few seconds that this process runs, and take leave when it has ended."""
    said = True
    while True:
        try:
            with our_errors(), connect(database_url) as connection:
                while not ended.is_set():
                    beat(connection, process, {})
                    said = True
                    ended.wait(BEAT_S)
                forget(connection, process)
            return
        except StoreError as error:
            if ended.is_set():
                return
            if said:
                log.warning("The store does not take this process's beat.", reason=str(error))
            said = False
            ended.wait(BEAT_S)
