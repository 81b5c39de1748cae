"""What every request and every answer passes: no body beyond a bound, and headers for browsers."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The largest body anybody needs holds a note of 4,000 characters. Bytes.
MOST_BODY = 256 * 1024

#: What every answer tells browsers.
HEADERS = {
    "Cache-Control": "no-store",  # tokens, names, places of machines: nothing for a shared cache
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Refuses a body of more than MOST_BODY bytes, unread where its length is declared: it would
    be held in memory whole, also of somebody who is not signed in.

    Not the framework's `max_body_size`: that answers in plain text in place of a problem.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        known = int(declared) if declared.isdecimal() else 0
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive() if known <= MOST_BODY else {}
            read += len(message.get("body", b""))
            if max(known, read) > MOST_BODY:
                raise HTTPException(413)
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, bounded, with_headers)
