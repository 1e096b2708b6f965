"""Which documents never leave the machine: names, patterns, links, and what git ignores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halfwatt.daemon.privacy import excluded
from halfwatt.daemon.settings.schema import PrivacyConfig

DEFAULT = PrivacyConfig()
GIT = PrivacyConfig(exclude_git_ignored=True)


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".ENV",
        ".env.production",
        "prod.env",
        "server.pem",
        "tls/server.key",
        "id_rsa",
        "id_ed25519",
        ".ssh/config",
        "release.keystore",
        "release.jks",
        "cert.p12",
        "secrets.yaml",
        "secrets.py",
        "deep/down/secrets.json",
        "credentials.json",
        ".netrc",
        ".aws/credentials",
        ".kube/config",
        ".docker/config.json",
        ".npmrc",
        ".pypirc",
        "terraform.tfstate",
        "prod.tfvars",
        "passwords.kdbx",
    ],
)
def test_file_of_a_secret_kind_stays(name: str, tmp_path: Path) -> None:
    assert excluded.exclusion_reason(str(tmp_path / name), DEFAULT) == excluded.BUILT_IN_PATTERN


@pytest.mark.parametrize(
    "name",
    [
        "main.py",
        "environment.py",
        "env.py",
        ".env.example",
        "keys.py",
        "keyboard.ts",
        "secretary.py",
        "credentials.py",
        "id_rsa.pub",
        "config.json",
        "docker/config.json",
        "pem.py",
        "test_secrets.py",
    ],
)
def test_ordinary_file_may_leave(name: str, tmp_path: Path) -> None:
    assert excluded.exclusion_reason(str(tmp_path / name), DEFAULT) is None


@pytest.mark.parametrize("path", [None, ""])
def test_unsaved_document_has_no_reason(path: str | None) -> None:
    assert excluded.exclusion_reason(path, GIT) is None


@pytest.mark.parametrize(
    ("patterns", "name", "found"),
    [
        (("*.sql",), "a/b/dump.sql", excluded.USER_PATTERN),
        (("*.sql",), "a/b/dump.sqlite", None),
        (("clients/",), "clients/acme/main.py", excluded.USER_PATTERN),
        (("clients/acme/*.py",), "work/clients/acme/main.py", excluded.USER_PATTERN),
        (("clients/acme/*.py",), "work/clients/other/main.py", None),
        (("**/private/**",), "x/private/y/z.ts", excluded.USER_PATTERN),
        (("*.py", "!main.py"), "main.py", None),
        (("!secrets.py",), "secrets.py", None),
        (("!secrets.py",), "secrets.json", excluded.BUILT_IN_PATTERN),
        (("# a comment", ""), "main.py", None),
    ],
)
def test_user_patterns_are_gitignore_patterns_and_stronger_than_the_built_in(
    patterns: tuple[str, ...], name: str, found: str | None, tmp_path: Path
) -> None:
    assert excluded.exclusion_reason(str(tmp_path / name), PrivacyConfig(exclude=patterns)) == found


def test_full_path_and_home_patterns_are_bound_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    full = PrivacyConfig(exclude=(f"{tmp_path.as_posix()}/work/",))
    home = PrivacyConfig(exclude=("~/work/",))
    assert excluded.exclusion_reason(str(tmp_path / "work" / "a.py"), full) == excluded.USER_PATTERN
    assert excluded.exclusion_reason(str(tmp_path / "other" / "work" / "a.py"), full) is None
    assert excluded.exclusion_reason(str(tmp_path / "home" / "work" / "a.py"), home) == excluded.USER_PATTERN
    assert excluded.exclusion_reason("~/work/a.py", home) == excluded.USER_PATTERN


def test_link_is_judged_by_its_target_and_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1")
    (tmp_path / "plain.py").write_text("")
    (tmp_path / "settings.py").symlink_to(tmp_path / ".env")
    (tmp_path / "server.pem").symlink_to(tmp_path / "plain.py")
    assert excluded.exclusion_reason(str(tmp_path / "settings.py"), DEFAULT) == excluded.BUILT_IN_PATTERN
    assert excluded.exclusion_reason(str(tmp_path / "server.pem"), DEFAULT) == excluded.BUILT_IN_PATTERN
    assert excluded.exclusion_reason(str(tmp_path / "x" / ".." / "plain.py"), DEFAULT) is None


def test_link_in_the_middle_of_the_path_is_followed(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "notes").symlink_to(tmp_path / ".ssh")
    assert excluded.exclusion_reason(str(tmp_path / "notes" / "hosts.py"), DEFAULT) == excluded.BUILT_IN_PATTERN


def test_loop_of_links_stays(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to(tmp_path / "b.py")
    (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
    try:
        (tmp_path / "a.py").resolve()
    except (OSError, RuntimeError):
        assert excluded.exclusion_reason(str(tmp_path / "a.py"), DEFAULT) == excluded.UNRESOLVED
    else:  # from Python 3.13 on such a path resolves to itself, and nothing can be read through it
        assert excluded.exclusion_reason(str(tmp_path / "a.py"), DEFAULT) is None


def test_reason_does_not_name_the_path(tmp_path: Path) -> None:
    found = excluded.exclusion_reason(str(tmp_path / "acme-merger" / ".env"), DEFAULT)
    assert found is not None
    assert "acme" not in found
    assert ".env" not in found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / ".gitignore").write_text("local_*.py\nbuilt/\n")
    return folder


def test_git_ignored_file_stays_only_where_so_set(repository: Path) -> None:
    path = str(repository / "src" / "local_settings.py")
    assert excluded.exclusion_reason(path, GIT) == excluded.GIT_IGNORED
    assert excluded.exclusion_reason(path, DEFAULT) is None


def test_file_in_an_ignored_folder_that_does_not_exist_yet_stays(repository: Path) -> None:
    assert excluded.exclusion_reason(str(repository / "built" / "deep" / "a.py"), GIT) == excluded.GIT_IGNORED


def test_file_that_git_does_not_ignore_may_leave(repository: Path) -> None:
    assert excluded.exclusion_reason(str(repository / "src" / "main.py"), GIT) is None


def test_file_outside_any_repository_may_leave(tmp_path: Path, clean_environ: dict[str, str]) -> None:
    assert excluded.exclusion_reason(str(tmp_path / "main.py"), GIT, clean_environ) is None


def test_unreadable_ignore_file_keeps_the_file_here(repository: Path) -> None:
    (repository / "src").mkdir()
    os.mkfifo(repository / "src" / ".gitignore")
    assert excluded.exclusion_reason(str(repository / "src" / "main.py"), GIT) == excluded.GIT_FAILED
