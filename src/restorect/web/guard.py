"""Who is let in: known hosts, requests of our own page, and whoever has the token.

A page of another site that the user has open can send requests to this machine, and by rebinding its name in the DNS
even read the answers. Against the first there is the strict cookie and the look at where a request comes from, against
the second the list of hosts.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from restorect.web.problems import ProblemError

_SAFE = ("GET", "HEAD")
_AGE = 30 * 24 * 3600  # seconds that a cookie lives
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_CLOSED = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>restorect</title><h1>restorect</h1>"
    "<p>This page opens with the address that <code>restorect web</code> has printed; the token is part of it.</p>"
)


class Guard:
    """In front of an app.

    Args:
        app: what is guarded.
        token: that lets in.
        hosts: names that the server goes by; addresses in numbers are allowed where `anywhere`.
        port: of the server, part of the cookie's name, as cookies know no ports.
        anywhere: it listens beyond this machine, so any number in `Host` may be its own.
    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str], port: int, anywhere: bool) -> None:
        self._app, self._token, self._anywhere = app, token, anywhere
        self._hosts, self._cookie = frozenset(hosts), f"restorect-{port}"
        self._pass = hmac.new(token.encode(), b"cookie", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the app answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            refused = self._refused(scope)
        except ProblemError as problem:
            refused = problem.response()
        await (refused or self._app)(scope, receive, headed)

    def _refused(self, scope: Scope) -> Response | None:
        """An answer for whoever is not let in."""
        headers = Headers(scope=scope)
        if not self._known(headers.getlist("host")):
            raise ProblemError(403, "this server does not go by that name; use the address that it printed")
        if scope["method"] not in _SAFE and not _own(headers):
            raise ProblemError(403, "this request comes from another site")
        at_home = scope["path"].removeprefix(scope.get("root_path", "")) in ("", "/")
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0] if at_home else ""
        if given and _same(given, self._token):
            return self._let_in(scope)
        if self._has_pass(headers) or _same(_bearer(headers), self._token):
            return None
        if at_home and scope["method"] in _SAFE:
            return HTMLResponse(_CLOSED, 401)
        raise ProblemError(401, "no token: open the address that restorect web has printed")

    def _let_in(self, scope: Scope) -> Response:
        """The token of the address becomes a cookie, and leaves the address."""
        home = scope.get("root_path", "") + "/"
        response = RedirectResponse(home, 303)
        response.set_cookie(self._cookie, self._pass, max_age=_AGE, path=home, httponly=True, samesite="strict")
        return response

    def _has_pass(self, headers: Headers) -> bool:
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in jar and _same(jar[self._cookie].value, self._pass)

    def _known(self, hosts: list[str]) -> bool:
        name = _name(hosts[0]) if len(hosts) == 1 else ""
        return name in self._hosts or (self._anywhere and _is_number(name))


def _own(headers: Headers) -> bool:
    """Whether a request comes from our own page, or from a program that is no browser."""
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _name(host: str) -> str:
    """The name in a `Host` header, without its port, in small letters; "" if it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host and "/" not in host else ""
    except ValueError:
        return ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
