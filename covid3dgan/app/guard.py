"""Who may ask: this machine's browser with the address that the terminal showed, and no page but our own.

A site elsewhere can make a browser send requests to 127.0.0.1. So every request must name this server in Host (against
names that point here), every change must come from our own page (Origin), and all of it needs a cookie that only the
token in the address gives. ``SameSite=Strict`` keeps the cookie from other sites' requests.
"""

__all__ = ["Guard"]

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
_HEADERS = {
    "content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store", "permissions-policy": "camera=(), microphone=(), geolocation=()"}
_READING = ("GET", "HEAD")


class Guard:
    """ASGI middleware around the whole app.

    Args:
        app: the ASGI app.
        port: of the server.
        token: what the address shown in the terminal holds.
    """

    def __init__(self, app, port, token):
        self.app, self.token = app, token
        self.cookie, self.secret = f"covid3dgan-{port}", secrets.token_urlsafe(32)
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        if port == 80:
            self.hosts |= {"127.0.0.1", "localhost"}

    async def __call__(self, scope, receive, send):
        """Refuses, or hands on with the headers that hold the page."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        admitted = self._has_token(scope)
        why = self._refusal(scope, headers, admitted)

        async def guarded(message):
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                if admitted and not why:
                    cookie = f"{self.cookie}={self.secret}; Path=/; HttpOnly; SameSite=Strict"
                    extra.append((b"set-cookie", cookie.encode()))
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        answer = PlainTextResponse(why, 403) if why else self.app
        await answer(scope, receive, guarded)

    def _has_token(self, scope):
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return scope["path"] == "/" and secrets.compare_digest(given.encode(), self.token.encode())

    def _refusal(self, scope, headers, admitted):
        """Why a request is refused, or an empty string."""
        if headers.get("host", "").lower() not in self.hosts:
            return "Refused: another host was asked for. Open the address that the terminal shows."
        origin = headers.get("origin")
        own = {f"http://{host}" for host in self.hosts}
        if origin is not None and origin not in own or origin is None and scope["method"] not in _READING:
            return "Refused: only the app's own page may ask."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not admitted:
            return "Refused: only the app's own page may ask."
        if not admitted and not self._has_cookie(headers):
            return "Refused: open the address that the terminal shows, with its token."
        return ""

    def _has_cookie(self, headers):
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return found is not None and secrets.compare_digest(found.value.encode(), self.secret.encode())
