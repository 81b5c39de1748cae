"""The application, and serving it."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import APIRouter, FastAPI

from api import metrics, problems
from api.auth import AUTHENTICATORS
from api.context import Context
from api.routes import (

    api_keys,
    health,
    ingest,
    machines,
    overview,

    products,
    session,
    telemetry,

    words,
)
from fleet.errors import IronpulseError
from store.connection import Database

PREFIX = "/api/v1"
ROUTERS = (
    health.router,
    session.router,
    api_keys.router,
    words.router,
    products.router,
    overview.router,
    machines.router,
    telemetry.router,



    ingest.router,
)


class ApiError(IronpulseError):
    """The API cannot be served."""


def create(database_url: str) -> FastAPI:
    """The application on the database at `database_url`; it connects when it is started."""
    database = Database(database_url)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with database:
            yield

    app = FastAPI(
        title="Ironpulse",
        version="1",
        description="After-sales service that knows first: machines, telemetry, alarms, tickets "
        "and parts. Times are RFC 3339 in UTC, errors are problem details (RFC 9457).",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=f"{PREFIX}/docs",
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = Context(database, AUTHENTICATORS)
    problems.install(app)
    metrics.install(app, database)
    api = APIRouter(prefix=PREFIX, responses=problems.responses("invalid", "unavailable"))
    for router in ROUTERS:
        api.include_router(router)
    app.include_router(api)
    return app


def run(database_url: str, host: str, port: int, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises ApiError when the port is taken."""
    try:
        listener = socket.create_server((host, port), backlog=128)
    except OSError as error:
        raise ApiError(
            f"the API cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from error
    config = uvicorn.Config(
        create(database_url), log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)

    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, name="api-stop", daemon=True).start()
    with listener:
        server.run(sockets=[listener])
