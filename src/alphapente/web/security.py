"""Access checks of requests and security headers of responses: hosts, token, origin, sizes.

The server is for the user of this machine. A page of another site must not reach it, not even by a name that resolves
to this machine (DNS rebinding). So the Host header must be one that we serve; a POST must be JSON, which a foreign form
cannot send without permission, and its Origin header, if present, must be ours.
"""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphapente.web.errors import WebError, describe, response

COOKIE = "alphapente_token"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response."""
_ENTER = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>AlphaPente</title>'
"""Loads the page by itself. A redirect would not work: browsers follow it without the cookie, which is Strict."""
_LENGTH_DIGITS = 15
"""A Content-Length of more digits is too large in any case."""


@dataclass(frozen=True, slots=True)
class Access:
    """Which clients the server admits: the address that it is bound to, and the required token ("": none)."""

    host: str = "127.0.0.1"
    token: str = field(default="", repr=False)

    def serves(self, name: str) -> bool:
        """Whether the host of a URL (without port) may be one of ours.

        If we are bound to more than this machine, every numeric address is accepted: an attacker can make a name
        resolve to another machine, but not an address.
        """
        if name in LOOPBACK_NAMES or name == self.host.lower():
            return True
        if is_loopback(self.host):
            return False
        return _is_address(name) or name in {socket.gethostname().lower(), socket.getfqdn().lower()}


def new_token() -> str:
    """A random token of 128 bits."""
    return secrets.token_urlsafe(16)


def is_loopback(host: str) -> bool:
    """Whether an address to bind to can be reached from this machine only."""
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _host_of(url: str) -> str:
    """The host of a URL, without port; "" for an invalid URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """The middleware around the app: refuses requests that are not allowed, and adds the headers to every response."""

    def __init__(self, app: ASGIApp, access: Access, max_body_bytes: int) -> None:
        self._app = app
        self._access = access
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, or the app's start and end."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no WebSockets here: the connection is closed

        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/api/") else "no-cache")
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_host(headers)
            if self._access.token and self._enters(scope):
                await self._enter(scope, receive, send_guarded)
                return
            self._check_token(headers)
            if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                _check_sender(headers)
                receive = _replayed(await self._body(headers, receive), receive)
            await self._app(scope, receive, send_guarded)
        except Exception as error:  # refusals and unexpected errors: a client never gets a traceback
            answer = response(*describe(error))
            if not begun:
                await answer(scope, receive, send_guarded)

    def _check_host(self, headers: Headers) -> None:
        name = _host_of(f"//{headers.get('host', '')}")
        if not self._access.serves(name):
            raise WebError(
                421, "wrong_host", f"the host {name[:80]!r} is not served here: use the address that was printed"
            )

    def _right(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._access.token.encode())

    def _enters(self, scope: Scope) -> bool:
        """Whether this request is for the page with the right token in its address."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        return scope["method"] == "GET" and scope["path"] == "/" and self._right(query.get("token", [""])[0])

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = HTMLResponse(_ENTER)
        answer.set_cookie(COOKIE, self._access.token, httponly=True, samesite="strict", path="/")
        await answer(scope, receive, send)

    def _check_token(self, headers: Headers) -> None:
        if not self._access.token:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._right(given.strip()):
            return
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if cookie is None or not self._right(cookie.value):
            raise WebError(
                401, "no_token", "no token, or a wrong one: open the address with ?token=... that was printed at start"
            )

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        length = headers.get("content-length", "0")
        if len(length) > _LENGTH_DIGITS or (length.isdecimal() and int(length) > self._max_body_bytes):
            raise self._too_large()
        parts, total = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise WebError(400, "cut_short", "the request broke off")
            parts.append(message.get("body", b""))
            total += len(parts[-1])
            if total > self._max_body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> WebError:
        return WebError(413, "too_large", f"the request is larger than {self._max_body_bytes:,} bytes: send less")


def _check_sender(headers: Headers) -> None:
    """A request that changes or costs something must be JSON; its Origin header, if present, must be ours."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WebError(415, "not_json", f"the content type is {kind[:80]!r}: send application/json")
    origin = headers.get("origin")
    if origin is not None and origin.lower().rpartition("://")[2] != headers.get("host", "").lower():
        raise WebError(403, "foreign_origin", f"a page of {origin[:80]!r} may not send this request")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that first returns the body that was already read, then the messages of `receive`."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
