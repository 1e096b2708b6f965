"""The guard: own host only, no foreign origin, the token, and a limit on bodies."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from halfwatt.daemon.api.access import MAX_BODY_BYTES, refusal_of

TOKEN = "the-token"
OPEN = frozenset({"/halfwatt/v1/proof"})
GOOD = {"host": "127.0.0.1:4321", "authorization": f"Bearer {TOKEN}"}


def verdict(path: str = "/v1/models", **changes: str | None) -> str | None:
    headers = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    refusal = refusal_of(Headers({k: v for k, v in headers.items() if v is not None}), path, TOKEN, OPEN)
    return refusal.code if refusal else None


@pytest.mark.parametrize("host", ["127.0.0.1:4321", "localhost:4321", "LOCALHOST", "[::1]:4321"])
def test_own_names_are_let_in(host: str) -> None:
    assert verdict(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:4321",
        "localhost.evil.example",
        "",
        "192.168.1.9:4321",
        "[::1",
        "0.0.0.0:4321",
    ],
)
def test_foreign_host_is_refused_even_with_the_token(host: str) -> None:
    assert verdict(host=host) == "foreign_host"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:9999", "https://127.0.0.1:4321", "vscode-webview://x"]
)
def test_foreign_origin_is_refused_even_with_the_token(origin: str) -> None:
    assert verdict(origin=origin) == "foreign_origin"


def test_own_page_is_let_in() -> None:
    assert verdict(origin="http://127.0.0.1:4321") is None


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ä"]
)
def test_wrong_or_missing_token_is_refused(header: str | None) -> None:
    assert verdict(authorization=header) == "bad_token"


def test_scheme_of_the_token_may_be_in_any_case() -> None:
    assert verdict(authorization=f"bearer {TOKEN}") is None


def test_host_and_origin_are_judged_before_the_token() -> None:
    assert verdict(host="evil.example", authorization=None) == "foreign_host"
    assert verdict(origin="https://evil.example", authorization=None) == "foreign_origin"


def test_proof_needs_no_token_but_the_own_host() -> None:
    assert verdict("/halfwatt/v1/proof", authorization=None) is None
    assert verdict("/halfwatt/v1/proof", authorization=None, host="evil.example") == "foreign_host"


@pytest.mark.parametrize(
    ("length", "code"),
    [
        (str(MAX_BODY_BYTES), None),
        (str(MAX_BODY_BYTES + 1), "body_too_large"),
        ("-1", "body_too_large"),
        ("x", "body_too_large"),
    ],
)
def test_announced_length_is_limited(length: str, code: str | None) -> None:
    assert verdict(content_length=length) == code
