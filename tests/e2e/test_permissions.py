"""Files of halfwatt are for their owner alone, whatever umask the user has, and no process shows a secret."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import httpx2
from running_daemon import environ_for, running

HALFWATT = str(Path(sys.executable).parent / "halfwatt")
COMMANDS: tuple[tuple[list[str], str], ...] = (
    (["daemon", "start"], ""),
    (["config", "set", "routing.dial", "eco"], ""),
    (["key", "set", "mistral", "--file"], "not-a-real-key-0123456789\n"),
    (["complete", "a.py:1:1"], ""),
    (["energy", "export", "--csv", "--output", "out.csv"], ""),
    (["telemetry", "enable", "--yes"], ""),
    (["telemetry", "export"], ""),
    (["dashboard", "--json"], ""),
    (["doctor"], ""),
    (["lsp"], ""),
    (["daemon", "stop"], ""),
)


def run(folder: Path, environ: dict[str, str], arguments: list[str], text: str = "") -> str:
    done = subprocess.run(
        [HALFWATT, *arguments],
        cwd=folder,
        env=environ,
        umask=0o000,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def open_to_others(folder: Path) -> list[str]:
    everything = [folder, *folder.rglob("*")]
    return [f"{stat.filemode(each.lstat().st_mode)} {each}" for each in everything if each.lstat().st_mode & 0o077]


def test_every_file_and_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "work"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    environ = environ_for(home, HALFWATT_MODELS_DIR="")
    for arguments, text in COMMANDS:
        run(folder, environ, arguments, text)
    made = {each.name for each in home.rglob("*") if each.is_file()}
    assert {"config.toml", "daemon.log", "ledger.sqlite3", "dashboard.html"} <= made
    assert open_to_others(home) == []
    assert stat.S_IMODE((folder / "out.csv").stat().st_mode) == 0o600


def test_the_daemon_closes_what_was_left_open(tmp_path: Path) -> None:
    environ = environ_for(tmp_path / "home")
    for name in ("config", "data", "state", "cache"):
        (tmp_path / "home" / name).mkdir(parents=True)
        (tmp_path / "home" / name / "old").write_text("of an older version")
        (tmp_path / "home" / name / "old").chmod(0o644)
    (tmp_path / "elsewhere").write_text("not ours")
    (tmp_path / "elsewhere").chmod(0o644)
    (tmp_path / "home" / "state" / "link").symlink_to(tmp_path / "elsewhere")
    with running(environ):
        assert [each for each in open_to_others(tmp_path / "home") if each[0] != "l"] == [
            f"{stat.filemode((tmp_path / 'home').stat().st_mode)} {tmp_path / 'home'}"  # the user's own choice
        ]
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o644


def test_browser_is_given_a_private_file_that_leads_to_the_dashboard(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {tmp_path / "arguments"}\n')
    browser.chmod(0o755)
    environ = environ_for(tmp_path / "home", BROWSER=f"{browser} %s")
    with running(environ) as daemon:
        assert "opens in your browser" in run(tmp_path, environ, ["dashboard"])
        page = tmp_path / "home" / "run" / "dashboard.html"
        assert (tmp_path / "arguments").read_text().strip() == page.as_uri()
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        link = page.read_text().partition("url=")[2].partition('"')[0]
        assert link.startswith(daemon.url)
        assert httpx2.get(link, trust_env=False).status_code == 200
        assert httpx2.get(link, trust_env=False).status_code == 401  # it works once
