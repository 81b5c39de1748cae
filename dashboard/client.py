"""The API as the dashboard uses it: JSON in and out, errors as sentences in both languages."""

from __future__ import annotations

from typing import Any

import httpx

TIMEOUT_S = 15.0
Json = dict[str, Any]


class ApiError(Exception):
    """The API refused, or cannot be reached. `en` and `zh` are whole sentences; `status` is the
    HTTP status, 0 when nothing answered."""

    def __init__(self, status: int, en: str, zh: str) -> None:
        super().__init__(en)
        self.status = status
        self.en = en
        self.zh = zh


class Client:
    """One person's connection to the API. `token` is None before signing in."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self.token = token
        self._http = httpx.Client(base_url=f"{base_url.rstrip('/')}/api/v1", timeout=TIMEOUT_S)

    def get(self, path: str, **params: Any) -> Json:
        """GET; parameters that are None are left out. Raises ApiError."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._ask("GET", path, params=given)

    def bytes(self, path: str, **params: Any) -> bytes:
        """GET a file. Raises ApiError."""
        return self._answer("GET", path, params=params).content

    def post(self, path: str, body: Json | None = None) -> Json:
        """POST a JSON body. Raises ApiError."""
        return self._ask("POST", path, json=body or {})

    def put(self, path: str, body: Json) -> Json:
        """PUT a JSON body. Raises ApiError."""
        return self._ask("PUT", path, json=body)

    def delete(self, path: str) -> None:
        """DELETE. Raises ApiError."""
        self._ask("DELETE", path)

    def pages(self, path: str, most: int, **params: Any) -> list[Json]:
        """The items of a paged list, at most `most` of them."""
        items: list[Json] = []
        cursor: str | None = None
        while len(items) < most:
            page = self.get(path, cursor=cursor, limit=min(200, most - len(items)), **params)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items

    def _ask(self, method: str, path: str, **request: Any) -> Json:
        response = self._answer(method, path, **request)
        return response.json() if response.content else {}

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            response = self._http.request(method, path, headers=headers, **request)
        except httpx.HTTPError as error:
            raise ApiError(
                0,
                f"The service does not answer ({error}). It is tried again by itself.",
                f"服务没有响应（{error}），系统会自动重试。",
            ) from error
        if response.is_success:
            return response
        raise _problem(response)


def _problem(response: httpx.Response) -> ApiError:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        places = "; ".join(f"{e['place']}: {e['message']}" for e in problem.get("errors", []))
        tail = f" ({places})" if places else ""
        return ApiError(
            response.status_code, f"{problem['detail']}{tail}", f"{problem['detail_zh']}{tail}"
        )
    code = response.status_code
    return ApiError(code, f"The service answered {code}.", f"服务返回错误 {code}。")
