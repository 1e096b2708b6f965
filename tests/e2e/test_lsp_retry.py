"""What happens behind an answer: asking again, another tier in its place, an offer of the cloud. The tier is a real
server whose answers the test writes; server, daemon and client are real, and no model is needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_api import DONE, Answer, FakeApi, chunk, serving
from generate_home import user_home
from lsp_session import Session, session
from lsprotocol import types

URI = "untitled:Untitled-1"
FILE = 'import os\n\n\ndef add(a, b):\n    """The sum."""\n    pass\n\n\nx = add(1, 2)\n'
CONFIG = """
[routing]
escalation = "ask"
[[tiers]]
name = "big"
kind = "cloud"
base_url = "http://127.0.0.1:{port}/v1"
model = "m"
"""


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serving() as api:
        yield api


@pytest.fixture
def environ(tmp_path: Path, api: FakeApi) -> Iterator[dict[str, str]]:
    with user_home(tmp_path, None) as environ:
        (tmp_path / "halfwatt" / "config" / "config.toml").write_text(CONFIG.format(port=api.port))
        yield environ


def says(*texts: str) -> list[Answer]:
    return [Answer(chunk(text) + chunk(finish="stop") + DONE) for text in texts]


def body(line: str) -> str:
    return f"```python\ndef add(a, b):\n    {line}\n```"


async def generated(window: Session, route: str = "cloud", what: str = "pass") -> str:
    if URI not in window.texts:
        window.open(URI, FILE)
    return await window.generate(URI, window.texts[URI].index(what), route=route)


async def test_unusable_answer_offers_another_try_that_is_not_the_same(environ: dict[str, str], api: FakeApi) -> None:
    api.answers = says("I would rather not.", body("return a + b"))
    async with session(environ) as window:
        window.answers = ["Try again"]
        assert (await window.ended(await generated(window))).state == "failed"
        await window.until(lambda: window.texts[URI] == FILE.replace("pass", "return a + b"))
        (offer,) = window.heard[types.WINDOW_SHOW_MESSAGE_REQUEST]
        assert "does not parse; nothing was changed" in offer.message
        assert api.seen[0].body["temperature"] == 0
        assert api.seen[1].body["temperature"] > 0


async def test_regenerated_answer_replaces_the_first_and_nothing_else(environ: dict[str, str], api: FakeApi) -> None:
    api.answers = says(
        "```python\nimport operator\n\ndef add(a, b):\n    return operator.add(a, b)\n```", body("return b + a")
    )
    async with session(environ) as window:
        await window.ended(await generated(window))
        assert "import operator\nimport os\n" in window.texts[URI]
        window.type(URI, len(window.texts[URI]), len(window.texts[URI]), "# mine\n")
        assert (await window.ended(await generated(window, what="operator.add"))).state == "applied"
        expected = FILE.replace("pass", "return b + a")  # what the first answer had imported goes with it
        assert window.texts[URI] == expected + "# mine\n"
        assert '"""The sum."""' in api.seen[1].body["messages"][-1]["content"]
        assert "return operator.add" not in api.seen[1].body["messages"][-1]["content"]


async def test_failing_local_model_offers_the_cloud_and_goes_there_only_when_told(
    environ: dict[str, str], api: FakeApi
) -> None:
    api.answers = says(body("return a + b"))
    async with session(environ) as window:
        assert (await window.ended(await generated(window, "auto"))).state == "failed"
        await window.until(lambda: window.heard[types.WINDOW_SHOW_MESSAGE_REQUEST])
        assert api.seen == []
        window.answers = ["Try the cloud model"]
        await generated(window, "auto")
        await window.until(lambda: window.texts[URI] == FILE.replace("pass", "return a + b"))
        offer = window.heard[types.WINDOW_SHOW_MESSAGE_REQUEST][-1]
        assert [it.title for it in offer.actions] == ["Try the cloud model"]
        assert len(api.seen) == 1


async def test_undone_answer_is_reported_as_undone(environ: dict[str, str], api: FakeApi, tmp_path: Path) -> None:
    api.answers = says(body("return a + b"))
    async with session(environ) as window:
        await window.ended(await generated(window))
        text = window.texts[URI]
        window.type(URI, text.index("return a"), text.index("return a") + len("return a + b"), "pass")
        assert window.texts[URI] == FILE
        await window.command("halfwatt.status")  # answered behind what was typed
    ledger = sqlite3.connect(tmp_path / "halfwatt" / "data" / "ledger.sqlite3")
    assert [row[0] for row in ledger.execute("select outcome from requests where kind = 'generate'")] == ["undone"]
    ledger.close()
