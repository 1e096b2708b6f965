"""Credentials where programs log in: in addresses, in headers and options of HTTP, in a .netrc.

Each has a text that always stands there; only what follows it is read, up to a bound.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from urllib.parse import unquote

from .anchors import places_of
from .randomness import is_random, is_uuid
from .values import is_key, is_password, is_template

ADDRESS = "password in an address"
BEARER = "bearer token"
BASIC = "user and password for a server"
NETRC_KIND = "password in a netrc file"

USER_AND_PASSWORD = re.compile(r"://(?P<user>[^\s/:@\"'<>`]{0,80}+):(?P<secret>[^\s\"'<>`/]{3,120}+)")
NETRC = re.compile(r"login\s{1,10}\S{1,80}+\s{1,10}password\s{1,10}(?P<secret>[^\s\"'\\]{4,200}+)")
AUTHORIZATION = re.compile(
    r"(?:uthorization|UTHORIZATION)[\"']?\s{0,4}[:=,]\s{0,4}[\"']?[A-Za-z-]{3,12}[ =](?P<secret>[\w.~+/=-]{16,400}+)"
)
CURL_USER = re.compile(r"\s(?:-u|--user)[ =]{0,4}[\"']?[^\s:\"']{0,80}+:(?P<secret>[^\s\"']{4,120}+)")
CURL_CHARS = 300
BASIC_VALUE = re.compile(r"(?:asic|ASIC)\s{1,4}(?P<secret>[A-Za-z0-9+/]{8,200}+={0,2})")
USER_WITH_PASSWORD = re.compile(r"[^:\s]{0,80}:[!-~]{4,120}")
BEARER_VALUE = re.compile(r"(?:earer|EARER)\s{1,4}(?P<secret>[\w.~+/=-]{20,400}+)")


def logins(text: str) -> Iterator[tuple[str, int]]:
    """(kind, offset) for each of them in the text."""
    yield from _addresses(text)
    yield from _headers(text)
    for at in places_of(text, "login"):
        if (match := NETRC.match(text, at)) and is_password(match["secret"]):
            yield NETRC_KIND, at
    for at in places_of(text, "curl "):
        match = CURL_USER.search(text, at, at + CURL_CHARS)
        if match and is_password(match["secret"]) and not is_template(match["secret"]):
            yield BASIC, at


def _addresses(text: str) -> Iterator[tuple[str, int]]:
    for at in places_of(text, "://"):
        match = USER_AND_PASSWORD.match(text, at)
        secret, found, host = match["secret"].rpartition("@") if match else ("", "", "")
        told = unquote(secret)
        if found and host[:1].isalnum() and (is_password(told) or is_uuid(told)) and not is_template(told):
            yield ADDRESS, at


def _headers(text: str) -> Iterator[tuple[str, int]]:
    """Values of the header `Authorization`, wherever one is written."""
    for at in places_of(text, "earer ", "EARER "):
        if (match := BEARER_VALUE.match(text, at)) and is_random(match["secret"]):
            yield BEARER, at
    for at in places_of(text, "uthorization", "UTHORIZATION"):
        if (match := AUTHORIZATION.match(text, at)) and is_key(match["secret"]):
            yield BEARER, at
    for at in places_of(text, "asic ", "ASIC "):
        match = BASIC_VALUE.match(text, at)
        if match and USER_WITH_PASSWORD.fullmatch(_decoded(match["secret"])):
            yield BASIC, at


def _decoded(value: str) -> str:
    """What a value in Base64 says; "" where it is none."""
    try:
        return base64.b64decode(value[: len(value) // 4 * 4], validate=True).decode()
    except ValueError:
        return ""
