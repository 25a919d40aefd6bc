"""Every error response is JSON: {"error": {"code": ..., "message": "one line"}}."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alphapente.config import ConfigError
from alphapente.errors import AlphaPenteError, RequestError
from alphapente.rules.legality import IllegalMoveError
from alphapente.rules.notation import NotationError

LOG = logging.getLogger("alphapente.web")
LONGEST_MESSAGE = 500
"""Characters."""

_CODES: tuple[tuple[type[AlphaPenteError], str], ...] = (
    (IllegalMoveError, "bad_move"),
    (NotationError, "bad_notation"),
    (ConfigError, "bad_setting"),
    (RequestError, "bad_request"),
)


class WebError(RequestError):
    """A request that the server refuses, with its HTTP status and a code for programs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def error_body(code: str, message: str) -> dict[str, Any]:
    """The JSON of an error: its code, and its message in one line."""
    line = " ".join(message.split())
    return {"error": {"code": code, "message": line if len(line) <= LONGEST_MESSAGE else line[:LONGEST_MESSAGE] + "…"}}


def describe(error: Exception) -> tuple[int, str, str]:
    """(HTTP status, code, message) of an error. Messages of unexpected errors reveal no internals."""
    if isinstance(error, WebError):
        return error.status, error.code, str(error)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return 400, code, str(error)
    if isinstance(error, AlphaPenteError):
        return 503, "failure", str(error)
    LOG.error("unexpected error", exc_info=error)
    return 500, "internal", "internal error; the server's terminal shows details"


def response(status: int, code: str, message: str) -> JSONResponse:
    """An error as the answer to a request."""
    return JSONResponse(error_body(code, message), status_code=status)


def answer_errors(app: FastAPI) -> None:
    """Registers this module's error responses with the app. The Guard handles all other errors."""

    async def ours(_request: Request, error: Exception) -> JSONResponse:
        return response(*describe(error))

    async def malformed(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return response(422, "malformed", _first_problem(error.errors()))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        path = request.url.path[:80]
        if error.status_code == 404:
            return response(404, "not_found", f"there is nothing at {path!r}")
        if error.status_code == 405:
            return response(405, "method_not_allowed", f"{path!r} does not accept {request.method}")
        if error.status_code == 400:  # from FastAPI, for a body that it cannot parse
            return response(422, "malformed", "the request is no JSON")
        return response(error.status_code, "bad_request", str(error.detail))

    app.add_exception_handler(AlphaPenteError, ours)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, http)


def _first_problem(errors: Sequence[Any]) -> str:
    """The first error in a request's values, and its place."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return f"the request is no JSON: {first.get('ctx', {}).get('error', first['msg'])}"
    place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{more}"
