"""A daemon whose requests an edge server answers, so that no fault test needs a model, and what a user sees of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_api import DONE, Answer, FakeApi, chunk, serving
from running_daemon import RunningDaemon, environ_for, halfwatt, running

EDGE = '[[tiers]]\nname = "lan"\nkind = "edge"\nbase_url = "http://127.0.0.1:{port}/v1"\nmodel = "m"\n'


@dataclass(frozen=True)
class Setting:
    """Where everything is, and the server that answers."""

    environ: dict[str, str]
    home: Path
    api: FakeApi

    @property
    def ledger(self) -> Path:
        return self.home / "data" / "ledger.sqlite3"


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with made(tmp_path) as found:
        yield found


@contextmanager
def made(folder: Path) -> Iterator[Setting]:
    """A new home in the folder, whose configuration names the edge server."""
    home = folder / "home"
    with serving() as api:
        api.answers = [Answer(chunk("return 1") + chunk(finish="stop") + DONE)]
        (home / "config").mkdir(parents=True)
        (home / "config" / "config.toml").write_text(EDGE.format(port=api.port))
        yield Setting(environ_for(home, HALFWATT_MODELS_DIR=str(folder / "none")), home, api)


@pytest.fixture
def daemon(setting: Setting) -> Iterator[RunningDaemon]:
    with running(setting.environ) as found:
        yield found


def ask(daemon: RunningDaemon, **options: Any) -> dict[str, Any]:
    """One whole answer of the edge server through the daemon: the body of the reply, whatever it is."""
    body = {"model": "lan", "messages": [{"role": "user", "content": "hello"}], **options}
    with daemon.http() as http:
        reply: dict[str, Any] = http.post("/v1/chat/completions", json=body).json()
    return reply


def ask_again(daemon: RunningDaemon, record_property: Callable[[str, object], None]) -> str:
    """The answer to the request after a fault. `make faults` prints how long it took."""
    started = time.monotonic()
    text = text_of(ask(daemon))
    record_property("next_served_s", round(time.monotonic() - started, 2))
    return text


def text_of(reply: dict[str, Any]) -> str:
    return str(reply["choices"][0]["message"]["content"])


def n_rows(daemon: RunningDaemon) -> int:
    with daemon.http() as http:
        return len(http.get("/halfwatt/v1/recent?n=1000").json())


def warnings(daemon: RunningDaemon) -> str:
    with daemon.http() as http:
        return " ".join(http.get("/halfwatt/v1/status").json()["warnings"])


def command(setting: Setting, *arguments: str) -> str:
    """What the command line says, on both streams; never a traceback."""
    done = halfwatt(setting.environ, *arguments)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return said
