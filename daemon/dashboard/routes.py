"""The dashboard page: its routes, the one-time link that opens it, and the cookie that keeps it open.

It serves only files of this package and sums from the ledger; the page may load nothing else (Content-Security-Policy).
A caller with the daemon's token gets a link, which works once, within a minute. Nothing here changes the ledger.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from importlib import resources
from typing import get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.ledger.ledger import Ledger

from . import data as dashboard_data

LINK_PATH = "/halfwatt/v1/dashboard"
LOGIN_PATH = "/dashboard"  # as deep as "/": the pages' links to files are relative, for proxies that add a path
DATA_PATH = "/dashboard/data"
FILES = {
    "/dashboard/page.css": ("page.css", "text/css"),
    "/dashboard/icon.svg": ("icon.svg", "image/svg+xml"),
    "/dashboard/page.js": ("page.js", "text/javascript"),
}
PATHS_WITHOUT_TOKEN = frozenset({"/", LOGIN_PATH, DATA_PATH, *FILES})
COOKIE = "halfwatt_session"
LINK_LIFE_S = 60.0
SESSION_LIFE_S = 12 * 3600.0
MAX_SESSIONS = 32
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Sessions:
    """Unused links and open sessions. They are in memory only: after a restart of the daemon a new link is needed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._links: dict[str, float] = {}
        self._sessions: dict[str, float] = {}

    def new_link(self) -> str:
        """A new code, which opens one session within the next minute."""
        code = secrets.token_urlsafe(32)
        self._links = {**self._alive(self._links), code: self._clock() + LINK_LIFE_S}
        return code

    def log_in(self, code: str) -> str | None:
        """Use a code: the new session, or None where the code is wrong, used or too old."""
        self._links = self._alive(self._links)
        found = _same(code, self._links)
        if found is None:
            return None
        del self._links[found]
        session = secrets.token_urlsafe(32)
        newest = list(self._alive(self._sessions).items())[-MAX_SESSIONS + 1 :]
        self._sessions = {**dict(newest), session: self._clock() + SESSION_LIFE_S}
        return session

    def is_open(self, session: str | None) -> bool:
        return session is not None and _same(session, self._alive(self._sessions)) is not None

    def _alive(self, until: dict[str, float]) -> dict[str, float]:
        now = self._clock()
        return {name: end for name, end in until.items() if end > now}


def routes(
    ledger: Ledger, meter_sentence: Callable[[], str], url: str, sessions: Sessions | None = None
) -> list[Route]:
    """The page's routes. `url` is the daemon's own address, without a slash at the end.

    The caller must let all of PATHS_WITHOUT_TOKEN through without the daemon's token, but not LINK_PATH."""
    open_sessions = sessions or Sessions()

    async def link(_: Request) -> Response:
        body = {"url": f"{url}{LOGIN_PATH}?code={open_sessions.new_link()}"}
        return _reply(msgspec.json.encode(body), "application/json")

    async def login(request: Request) -> Response:
        session = open_sessions.log_in(request.query_params.get("code", ""))
        if session is None:
            return _page("closed.html", 401)
        # A page of its own instead of a redirect: the browser then sends the strict cookie with the next request.
        response = _page("open.html")
        response.set_cookie(COOKIE, session, max_age=int(SESSION_LIFE_S), path="/", httponly=True, samesite="strict")
        return response

    async def page(request: Request) -> Response:
        known = open_sessions.is_open(request.cookies.get(COOKIE))
        return _page("page.html") if known else _page("closed.html", 401)

    async def data(request: Request) -> Response:
        if not open_sessions.is_open(request.cookies.get(COOKIE)):
            return _reply(b'{"error": "The session is over. Run: halfwatt dashboard"}', "application/json", 401)
        span = _span(request.query_params.get("span", "7d"))
        now = datetime.now().astimezone()
        return _reply(await asyncio.to_thread(_collect, ledger, span, now, meter_sentence()), "application/json")

    async def file(request: Request) -> Response:
        name, media_type = FILES[request.url.path]
        return _reply(_read(name), media_type)

    return [
        Route(LINK_PATH, link, methods=["POST"]),
        Route(LOGIN_PATH, login),
        Route("/", page),
        Route(DATA_PATH, data),
        *(Route(path, file) for path in FILES),
    ]


def _collect(ledger: Ledger, span: dashboard_data.TimeSpan, now: datetime, meter: str) -> bytes:
    with ledger.reading() as connection:
        return msgspec.json.encode(dashboard_data.collect(connection, span, now, meter))


def _span(text: str) -> dashboard_data.TimeSpan:
    for span in get_args(dashboard_data.TimeSpan):
        if span == text:
            return span  # type: ignore[no-any-return]  # get_args forgets what it lists
    raise UsageError(f"'{text}' is no span; give one of {', '.join(get_args(dashboard_data.TimeSpan))}.")


def _page(name: str, status: int = 200) -> Response:
    return _reply(_read(name), "text/html", status)


def _read(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()


def _reply(body: bytes, media_type: str, status: int = 200) -> Response:
    return Response(body, status, HEADERS, media_type)


def _same(given: str, known: dict[str, float]) -> str | None:
    """The known entry that equals the given one, compared in constant time."""
    return next((name for name in known if hmac.compare_digest(name.encode(), given.encode())), None)
