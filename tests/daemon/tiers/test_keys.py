"""Keys: which source wins, what is refused, that no message shows one, and a real Secret Service keyring."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from missing import missing
from typer.testing import CliRunner

from halfwatt.daemon.cli.keys import app
from halfwatt.daemon.errors import ConfigError, HalfwattError, UsageError
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.tiers import keys

KEY = "sk-planted-0123456789"
posix_only = pytest.mark.skipif(os.name == "nt", reason="mode bits and terminals are POSIX")


def test_no_key_anywhere_is_none(paths: Paths) -> None:
    assert keys.find_key("openai", paths, {}) is None


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai", "HALFWATT_KEY_OPENAI"),
        ("openai", "OPENAI_API_KEY"),
        ("my-rack.lan", "HALFWATT_KEY_MY_RACK_LAN"),
    ],
)
def test_key_is_found_in_the_environment(name: str, variable: str, paths: Paths) -> None:
    found = keys.find_key(name, paths, {variable: f" {KEY}\n"})
    assert found is not None
    assert (found.value, found.where, found.detail) == (KEY, "environment", variable)


def test_own_variable_is_stronger_than_openai_s(paths: Paths) -> None:
    found = keys.find_key("openai", paths, {"OPENAI_API_KEY": "other", "HALFWATT_KEY_OPENAI": KEY})
    assert found is not None
    assert found.value == KEY


def test_openai_s_variable_is_not_used_for_other_providers(paths: Paths) -> None:
    assert keys.find_key("mistral", paths, {"OPENAI_API_KEY": KEY}) is None


def test_environment_is_stronger_than_the_file(paths: Paths) -> None:
    keys.store_key("openai", "from-file", paths, to_file=True)
    found = keys.find_key("openai", paths, {"HALFWATT_KEY_OPENAI": KEY})
    assert found is not None
    assert found.where == "environment"


@posix_only
def test_key_file_is_private_and_read_back(paths: Paths) -> None:
    assert keys.store_key("openai", f"{KEY}\n", paths, to_file=True) == "file"
    file = keys.key_file("openai", paths)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["openai"]
    found = keys.find_key("openai", paths, {})
    assert found is not None
    assert (found.value, found.where) == (KEY, "file")


@posix_only
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_key_file_that_others_can_read_is_refused(mode: int, paths: Paths) -> None:
    keys.store_key("openai", KEY, paths, to_file=True)
    keys.key_file("openai", paths).chmod(mode)
    with pytest.raises(ConfigError, match="must be 0600") as refusal:
        keys.find_key("openai", paths, {})
    assert KEY not in str(refusal.value)


@posix_only
def test_key_file_that_is_a_link_is_refused(paths: Paths, tmp_path: Path) -> None:
    keys.key_file("openai", paths).parent.mkdir(parents=True)
    (tmp_path / "elsewhere").write_text(KEY)
    keys.key_file("openai", paths).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be opened"):
        keys.find_key("openai", paths, {})


@posix_only
def test_setting_the_key_again_mends_a_file_that_others_can_read(paths: Paths) -> None:
    keys.store_key("openai", "old", paths, to_file=True)
    keys.key_file("openai", paths).chmod(0o644)
    keys.store_key("openai", KEY, paths, to_file=True)
    found = keys.find_key("openai", paths, {})
    assert found is not None
    assert found.value == KEY


@pytest.mark.parametrize("value", ["", "  \n", "two words", "line\nline", "schlüssel", "tab\tbed", "x" * 5000])
def test_value_that_is_no_key_is_refused_without_showing_it(value: str, paths: Paths) -> None:
    with pytest.raises(UsageError) as refusal:
        keys.store_key("openai", value, paths, to_file=True)
    assert not value.strip() or value not in str(refusal.value)
    assert not keys.key_file("openai", paths).exists()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65, "a b", "ключ"])
def test_name_that_is_no_name_is_refused(name: str, paths: Paths) -> None:
    for call in (lambda: keys.find_key(name, paths, {}), lambda: keys.store_key(name, KEY, paths, to_file=True)):
        with pytest.raises(UsageError, match="letters, digits"):
            call()


def test_without_a_keyring_nothing_is_kept_and_the_fallbacks_are_named(paths: Paths) -> None:
    with pytest.raises(HalfwattError) as refusal:
        keys.store_key("openai", KEY, paths)
    for part in ("No keyring", "HALFWATT_KEY_OPENAI", "halfwatt key set openai --file"):
        assert part in str(refusal.value)
    assert KEY not in str(refusal.value)
    assert not keys.key_file("openai", paths).exists()
    assert keys.keyring_problem() is not None


def test_keyring_that_is_switched_off_is_noticed(clean_environ: dict[str, str]) -> None:
    """The null backend takes a key without an error and keeps nothing."""
    ended = _halfwatt_key(["set", "openai"], clean_environ, "keyring.backends.null.Keyring", KEY)
    assert ended.returncode == 1
    assert "switched off" in ended.stderr


def test_text_form_of_a_found_key_hides_it(paths: Paths) -> None:
    assert KEY not in repr(keys.find_key("openai", paths, {"OPENAI_API_KEY": KEY}))


def test_delete_removes_the_file_and_says_so(paths: Paths) -> None:
    keys.store_key("openai", KEY, paths, to_file=True)
    assert keys.delete_key("openai", paths) == ("file",)
    assert keys.delete_key("openai", paths) == ()


def test_command_line_keeps_shows_and_deletes_without_ever_printing_the_key(paths: Paths) -> None:
    steps = [
        (["status", "openai"], None, 1, "There is no key of openai"),
        (["set", "openai"], KEY, 1, "--file"),
        (["set", "openai", "--file"], KEY, 0, "the key file (mode 0600)"),
        (["status", "openai"], None, 0, "comes from the key file"),
        (["status", "openai", "--json"], None, 0, '"source": "file"'),
        (["delete", "openai"], None, 0, "removed from the key file"),
        (["delete", "openai"], None, 1, "Nothing was removed"),
        (["set", "openai", "--file"], "", 2, "is empty"),
        (["set", "bad/name", "--file"], KEY, 2, "letters, digits"),
    ]
    for arguments, typed, code, sentence in steps:
        ended = CliRunner().invoke(app, arguments, input=typed)
        assert (ended.exit_code, sentence in ended.output) == (code, True), (arguments, ended.output)
        assert KEY not in ended.output


def test_status_names_the_variable_in_use(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALFWATT_KEY_RACK", KEY)
    ended = CliRunner().invoke(app, ["status", "rack"])
    assert ended.exit_code == 0
    assert "the environment variable HALFWATT_KEY_RACK" in ended.output


def test_key_in_a_file_below_a_stronger_variable_is_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALFWATT_KEY_RACK", "stronger")
    ended = CliRunner().invoke(app, ["set", "rack", "--file"], input=KEY)
    assert ended.exit_code == 0
    assert "HALFWATT_KEY_RACK is stronger" in ended.output


def test_key_cannot_be_given_as_an_argument() -> None:
    assert CliRunner().invoke(app, ["set", "openai", KEY]).exit_code == 2


@posix_only
def test_key_typed_at_a_terminal_is_not_shown(clean_environ: dict[str, str]) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "typer", "halfwatt.daemon.cli.keys", "run", "set", "openai", "--file"]
    started = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=clean_environ, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(ours, 1024)
    while termios.tcgetattr(ours)[3] & termios.ECHO:  # what is typed before the prompt hides it is thrown away
        os.sched_yield()
    os.write(ours, f"{KEY}\n".encode())
    try:
        while piece := os.read(ours, 1024):
            shown += piece
    except OSError:  # the terminal's other end was closed: the program ended
        pass
    os.close(ours)
    assert started.wait(timeout=60) == 0, shown
    assert b"is kept in the key file" in shown
    assert KEY.encode() not in shown


REAL_KEYRING = r"""
set -e
eval "$(printf 'test-login\n' | gnome-keyring-daemon --unlock --components=secrets)"
key() { "$PYTHON" -m typer halfwatt.daemon.cli.keys run "$@"; }
printf '%s\n' "$PLANTED" | key set openai
key status openai
"$PYTHON" -c 'import os
from halfwatt.daemon.tiers import keys
from halfwatt.daemon.paths import user_paths
found = keys.find_key("openai", user_paths(os.environ), {"HALFWATT_KEY_OPENAI": "weaker"})
print(found.where, found.value == os.environ["PLANTED"], keys.keyring_problem())'
key delete openai
key status openai || echo "gone"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Secret Service is Linux's keyring")
def test_real_keyring_keeps_finds_and_deletes_a_key(clean_environ: dict[str, str], paths: Paths) -> None:
    """gnome-keyring on a session bus of its own, as on a desktop; the bus ends everything it started."""
    absent = [name for name in ("dbus-run-session", "gnome-keyring-daemon") if shutil.which(name) is None]
    if absent:
        missing(f"{' and '.join(absent)} missing: install the packages dbus and gnome-keyring")
    environ = clean_environ | {"PYTHON": sys.executable, "PLANTED": KEY}
    del environ["PYTHON_KEYRING_BACKEND"]
    command = ["dbus-run-session", "--", "sh", "-c", REAL_KEYRING]
    with tempfile.TemporaryDirectory() as runtime:  # of a short name, as a socket's path must be
        environ["XDG_RUNTIME_DIR"] = runtime
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert "is kept in the OS keyring" in ended.stdout
    assert "comes from the OS keyring" in ended.stdout
    assert "keyring True None" in ended.stdout
    assert "removed from the OS keyring" in ended.stdout
    assert ended.stdout.rstrip().endswith("gone")
    assert KEY not in ended.stdout + ended.stderr
    assert not keys.key_file("openai", paths).exists()


def _halfwatt_key(
    arguments: list[str], environ: dict[str, str], backend: str, typed: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "typer", "halfwatt.daemon.cli.keys", "run", *arguments],
        env=environ | {"PYTHON_KEYRING_BACKEND": backend},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )
