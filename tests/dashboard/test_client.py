"""The client: what the API refuses becomes a sentence, whatever it answers with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dashboard.client import ApiError, Client

PROBLEM = {
    "type": "urn:ironpulse:problem:invalid",
    "title": "Request is not valid",
    "title_zh": "请求无效",
    "status": 422,
    "detail": "These parts of the request are not valid: body.version.",
    "detail_zh": "请求中以下部分无效：body.version。",
    "errors": [{"place": "body.version", "message": "Field required"}],
}
PAGES: dict[str | None, dict[str, Any]] = {
    None: {"items": [{"n": 1}, {"n": 2}], "next_cursor": "b"},
    "b": {"items": [{"n": 3}], "next_cursor": None},
}


class _Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str, str | None]]

    def do_GET(self) -> None:
        self.asked.append(("GET", self.path, self.headers["Authorization"]))
        if "broken" in self.path:
            self._send(502, b"<html>bad gateway</html>", "text/html")
        elif "list" in self.path:
            cursor = "b" if "cursor=b" in self.path else None
            self._send(200, json.dumps(PAGES[cursor]).encode(), "application/json")
        else:
            self._send(422, json.dumps(PROBLEM).encode(), "application/problem+json")

    def do_DELETE(self) -> None:
        self.asked.append(("DELETE", self.path, self.headers["Authorization"]))
        self._send(204, b"", "application/json")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the test's output."""

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    _Handler.asked = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def client(server: ThreadingHTTPServer) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}/", "ips_word")


def test_problem_details_become_a_sentence_in_both_languages(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.get("/x")
    assert caught.value.status == 422
    assert caught.value.en == f"{PROBLEM['detail']} (body.version: Field required)"
    assert caught.value.zh.startswith("请求中以下部分无效")


def test_an_answer_that_is_no_problem_detail_still_says_its_status(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.get("/broken")
    assert (caught.value.status, caught.value.en) == (502, "The service answered 502.")


def test_nothing_that_answers_is_said_as_that() -> None:
    with pytest.raises(ApiError) as caught:
        Client("http://127.0.0.1:9").get("/x")
    assert caught.value.status == 0
    assert "does not answer" in caught.value.en
    assert "没有响应" in caught.value.zh


def test_pages_follow_the_cursor_and_stop_at_the_limit(client: Client) -> None:
    assert [item["n"] for item in client.pages("/list", 10, machine=None)] == [1, 2, 3]
    assert [item["n"] for item in client.pages("/list", 2)] == [1, 2]


def test_the_token_goes_along_and_an_empty_answer_is_no_fault(client: Client) -> None:
    client.delete("/session")
    assert _Handler.asked == [("DELETE", "/api/v1/session", "Bearer ips_word")]
