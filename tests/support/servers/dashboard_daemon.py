"""A daemon with a month of made-up work in its ledger, for tests of the dashboard."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from energy_rows import row
from running_daemon import RunningDaemon, environ_for, halfwatt

from halfwatt.daemon.client.runtime_files import read_address, read_token
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.wire import Feedback, Outcome

REASONS = ("local · 91 % likely to pass", "<script>document.title='broken'</script> & \"quotes\"")


def fill(ledger: Ledger, now_s: float, n_requests: int = 400) -> None:
    """A month of work: two tiers, three languages, two editors, answers taken and left."""
    dice = random.Random(7)  # noqa: S311 - made-up rows, no secrets
    fates: tuple[Outcome | None, ...] = ("accepted", "accepted", "rejected", "ignored", None)
    for i in range(n_requests):
        away = dice.random() < 0.25
        ledger.insert(
            row(
                f"r{i}",
                now_s - dice.random() ** 2 * 28 * 86400,
                local_j=None if away else dice.uniform(3, 60),
                cloud_j=dice.uniform(9, 40) if away else None,
                kind="cloud" if away else "local",
                editor=dice.choice(("vscode", "neovim")),
                language=dice.choice(("python", "typescript", None)),
                request_kind=dice.choice(("complete", "generate")),
                total_ms=dice.uniform(90, 4000),
                reason=REASONS[i % 2],
            )
        )
        fate = dice.choice(fates)
        if fate:
            ledger.record_outcome(Feedback(f"r{i}", fate, 80 if fate == "accepted" else None))
    ledger.insert(row("lost", now_s - 60, kind="cloud", unknown_cloud=True, language="go"))


@contextmanager
def running(environ: dict[str, str]) -> Iterator[RunningDaemon]:
    """A daemon started and ended by the command line: Playwright keeps this process's event loop busy."""
    paths = user_paths(environ)
    started = halfwatt(environ, "daemon", "start")
    assert started.returncode == 0, started.stderr
    try:
        address = read_address(paths)
        assert address is not None
        yield RunningDaemon(paths, environ, address.url, read_token(paths) or "", address.pid)
    finally:
        halfwatt(environ, "daemon", "stop")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    environ = environ_for(tmp_path_factory.mktemp("filled"))
    ledger = Ledger(user_paths(environ).ledger_file)
    fill(ledger, time.time())
    ledger.close()
    with running(environ) as daemon:
        yield daemon


def link_of(daemon: RunningDaemon) -> str:
    done = halfwatt(daemon.environ, "dashboard", "--print")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
