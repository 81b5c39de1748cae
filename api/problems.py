"""Errors as problem details (RFC 9457), in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import compile_path

from api.guard import HEADERS, MOST_BODY
from api.schemas.base import Problem, ProblemError
from fleet.text import Text
from store.connection import StoreFull, StoreUnavailable

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: kind of problem -> its status and title
KINDS: dict[str, tuple[int, Text]] = {
    "refused": (400, Text(en="Request refused", zh="请求被拒绝")),
    "not-signed-in": (401, Text(en="Not signed in", zh="未登录")),
    "not-allowed": (403, Text(en="Not allowed", zh="没有权限")),
    "not-found": (404, Text(en="Not found", zh="未找到")),
    "wrong-method": (405, Text(en="Method not allowed", zh="方法不支持")),
    "conflict": (409, Text(en="In conflict with the present state", zh="状态冲突")),
    "too-large": (413, Text(en="Body too large", zh="请求正文过大")),
    "invalid": (422, Text(en="Request is not valid", zh="请求无效")),
    "too-many": (429, Text(en="Too many attempts", zh="尝试次数过多")),
    "defect": (500, Text(en="Defect in the service", zh="服务内部错误")),
    "unavailable": (503, Text(en="Store unavailable", zh="数据库不可用")),
}
_KIND_OF_STATUS = {status: kind for kind, (status, _) in KINDS.items()}


class ProblemException(Exception):
    """Ends a request with a problem of one of KINDS; `detail` says what is wrong here."""

    def __init__(
        self,
        kind: str,
        detail: Text,
        errors: Sequence[ProblemError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail.en)
        self.kind, self.detail, self.errors, self.headers = kind, detail, errors, headers


def not_found(en: str, zh: str) -> ProblemException:
    """404: what the address names does not exist, or is not for the caller."""
    return ProblemException("not-found", Text(en=en, zh=zh))


def invalid(place: str, en: str, zh: str) -> ProblemException:
    """422: `place` (`query.to`, `body.answer`, ...) does not fit."""
    return ProblemException("invalid", Text(en=en, zh=zh), [ProblemError(place=place, message=en)])


def conflict(en: str, zh: str) -> ProblemException:
    """409: the request does not fit the state things are in now."""
    return ProblemException("conflict", Text(en=en, zh=zh))


def responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """What a route declares in OpenAPI for the problems it may answer with."""
    known = [KINDS[kind] for kind in kinds]
    return {status: {"model": Problem, "description": title.en} for status, title in known}


def install(app: FastAPI) -> None:
    """Answer every error of the application with problem details."""
    app.add_exception_handler(ProblemException, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(StarletteHTTPException, _on_http)
    app.add_exception_handler(StoreUnavailable, _on_unavailable)
    app.add_exception_handler(StoreFull, _on_unavailable)
    app.add_exception_handler(Exception, _on_defect)


def describe(document: dict[str, Any]) -> None:
    """Say in the OpenAPI document what FastAPI does not know: problems have a media type of their
    own, and whatever takes a body refuses one that is too large."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                status, title = KINDS["too-large"]
                content = operation["responses"]["422"]["content"]
                too_large = {"description": title.en, "content": content}
                operation["responses"][str(status)] = too_large
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}


def _answer(
    request: Request,
    kind: str,
    detail: Text,
    errors: Sequence[ProblemError] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    status, title = KINDS[kind]
    problem = Problem(
        type=f"urn:ironpulse:problem:{kind}",
        title=title.en,
        title_zh=title.zh,
        status=status,
        detail=detail.en,
        detail_zh=detail.zh,
        instance=request.url.path,
        errors=list(errors),
    )
    body = problem.model_dump(mode="json")
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemException)
    return _answer(request, error.kind, error.detail, error.errors, error.headers)


def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if all(e["loc"][0] == "path" for e in error.errors()):
        return _nothing_there(request)
    errors = [
        ProblemError(place=".".join(str(step) for step in e["loc"]), message=e["msg"])
        for e in error.errors()
    ]
    places = ", ".join(dict.fromkeys(e.place for e in errors))
    detail = Text(
        en=f"These parts of the request are not valid: {places}. `errors` says why.",
        zh=f"请求中以下部分无效：{places}。原因见 errors。",
    )
    return _answer(request, "invalid", detail, errors)


def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    path = request.url.path
    match error.status_code:
        case 404:
            return _nothing_there(request)
        case 405:
            methods = ", ".join(sorted(_methods_of(request, error.headers)))
            detail = Text(
                en=f"{path} does not know the method {request.method}; it knows {methods}.",
                zh=f"{path} 不支持 {request.method} 方法，可用方法：{methods}。",
            )
            return _answer(request, "wrong-method", detail, headers={"Allow": methods})
        case 400:
            detail = Text(
                en="The body cannot be read: it is no JSON in UTF-8.",
                zh="无法解析请求正文：不是 UTF-8 编码的 JSON。",
            )
            return _answer(request, "invalid", detail)
        case 413:
            detail = Text(
                en=f"The body is larger than the {MOST_BODY:,} bytes this service takes.",
                zh=f"请求正文超过 {MOST_BODY:,} 字节的上限。",
            )
            return _answer(request, "too-large", detail)
    detail = Text(en=f"{error.detail}.", zh=f"请求无法处理：{error.detail}。")
    return _answer(request, _KIND_OF_STATUS.get(error.status_code, "refused"), detail)


def _nothing_there(request: Request) -> JSONResponse:
    path = request.url.path
    detail = Text(en=f"There is nothing at {path}.", zh=f"地址 {path} 不存在。")
    return _answer(request, "not-found", detail)


def _methods_of(request: Request, told: Mapping[str, str] | None) -> set[str]:
    """All methods that the interface describes for the address, else those a route told."""
    found: set[str] = set()
    for template, methods in request.app.openapi()["paths"].items():
        if compile_path(template)[0].match(request.url.path):
            found |= {method.upper() for method in methods}
    return found or set((told or {}).get("Allow", "").split(", "))


def _on_unavailable(request: Request, error: Exception) -> JSONResponse:
    # The driver's words name hosts and users: they are for the log, not for whoever asks.
    log.warning("The database is away.", path=request.url.path, reason=str(error))
    detail = Text(
        en="The database cannot be reached. Try again in a few seconds; if it stays, call the "
        "operator.",
        zh="暂时无法访问数据库，请稍后重试；如持续出现，请联系运维人员。",
    )
    return _answer(request, "unavailable", detail, headers={"Retry-After": "5"})


def _on_defect(request: Request, error: Exception) -> JSONResponse:
    log.error("A request met a defect.", path=request.url.path, exc_info=error)
    detail = Text(
        en="The service could not answer this request; the log says why.",
        zh="服务未能处理该请求，详情见服务日志。",
    )
    # Answered outside of the guard, which gives all other answers their headers.
    return _answer(request, "defect", detail, headers=dict(HEADERS))
