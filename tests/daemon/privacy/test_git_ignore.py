"""What git ignores, read without git: compared with git itself, and on repositories made to attack the reader."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from halfwatt.daemon.privacy.git_ignore import MAX_FILE_BYTES, UnreadableIgnoreFilesError, is_ignored

NAMES = st.sampled_from(["a", "b", "src", "x.log", "a.py", "built", ".env", "é", "a b", "AB.py", "a]", "[", "a*", "-"])
SEGMENTS = st.sampled_from(
    ["*", "**", "a", "b", "src", "*.log", "x.*", "a*", "?", "[ab]", "[!a]", "built", "\\a", "é", "a b", ".*"]
)
PATTERNS = st.builds(
    lambda sign, start, parts, end: sign + start + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "/**"]),
)
# Anything that git's matcher may meet, mostly nonsense.
ODD_PARTS = (
    *("*", "**", "***", "/", "a", "b", "x.log", ".", "?", "!", "\\", " ", "\t", "-", "]", "src", "[a-c]", "[]a]"),
    *("[", "[a", "[!", "[^", "[a-", "[[:alpha:]]", "[[:upper:]x]", "[[:digit:]", "[:alpha:]", "[[:none:]]", "[\\]a]"),
)
ODD_PATTERNS = st.lists(st.sampled_from(ODD_PARTS), min_size=1, max_size=6).map("".join)
FILES = st.lists(PATTERNS | ODD_PATTERNS | st.sampled_from(["# a", "", "/"]), max_size=5).map("\n".join)


def git(folder: Path, environ: Mapping[str, str], *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environ, input=text, capture_output=True, text=True, check=False
    )


@pytest.fixture
def repository(tmp_path: Path, clean_environ: dict[str, str]) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    assert git(folder, clean_environ, "init", "--quiet").returncode == 0
    return folder


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(root=FILES, inner=FILES, exclude=FILES, paths=st.lists(st.lists(NAMES, min_size=1, max_size=4), min_size=1))
@example(root="*.log\n!/a", inner="", exclude="", paths=[["a", "x.log"], ["a", "b"]])
@example(root="*\n!/src", inner="", exclude="", paths=[["src"], ["src", "a.py"]])
@example(root="a/\n!a/b", inner="", exclude="", paths=[["a", "b"], ["b", "a"]])
@example(root="[[:upper:]]*.py\n***/a.py", inner="", exclude="", paths=[["AB.py"], ["a.py"], ["x", "a.py"]])
@example(
    root="d**/a.py", inner="", exclude="", paths=[["dir", "sub", "a.py"], ["d", "a.py"], ["da.py"], ["dir", "a.py"]]
)
@example(root="a.py\t\nb \nx.log\\ ", inner="", exclude="", paths=[["a.py"], ["b"], ["x.log"]])
@example(root="src/**\n!src/*/", inner="!a.py", exclude="x.log", paths=[["src", "a", "a.py"], ["src", "x.log"]])
def test_the_verdict_is_that_of_git(
    root: str, inner: str, exclude: str, paths: list[list[str]], repository: Path, clean_environ: dict[str, str]
) -> None:
    (repository / "src").mkdir(exist_ok=True)
    (repository / ".gitignore").write_text(root)
    (repository / "src" / ".gitignore").write_text(inner)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "exclude").write_text(exclude)
    names = [name for name in {"/".join(parts) for parts in paths} if name != "src"]
    # A path that does not exist counts as a file, as a document that was not saved yet does.
    said = git(
        repository, clean_environ, "check-ignore", "--no-index", "-z", "--stdin", text="\0".join(names) + "\0"
    ).stdout
    ignored = set(said.split("\0"))
    assert [name for name in names if is_ignored(repository / name, clean_environ)] == [
        name for name in names if name in ignored
    ]


def test_users_own_ignore_file_counts(repository: Path, tmp_path: Path, clean_environ: dict[str, str]) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    environ = {**clean_environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    (home / ".config" / "git" / "ignore").write_text("*.swp\n")
    assert is_ignored(repository / "a.swp", environ)
    (home / ".gitconfig").write_text('[user]\n\tname = A\n[core]\n\texcludesFile = "~/own"  \n[alias]\n\tx = !echo\n')
    (home / "own").write_text("*.bak\n")
    assert is_ignored(repository / "a.bak", environ)
    assert not is_ignored(repository / "a.swp", environ)


def test_every_place_where_git_finds_the_users_ignore_file_counts(
    repository: Path, tmp_path: Path, clean_environ: dict[str, str]
) -> None:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    environ = {**clean_environ, "HOME": str(home)}
    (home / ".gitconfig").write_text('[Include]\n\tpath = more ; a comment\n[includeIf "gitdir:/x"] path = ~/other\n')
    (home / "more").write_text("[CORE]\nExcludesFile = \\\n  first # a comment\n")
    (home / "other").write_text('[core] excludesfile = "~/sec\\"ond"\n')
    (repository / "first").write_text("*.one\n")
    (home / 'sec"ond').write_text("*.two\n")
    git(repository, environ, "config", "core.excludesFile", str(tmp_path / "third"))
    (tmp_path / "third").write_text("*.three\n")
    git(repository, environ, "config", "core.ignoreCase", "true")
    assert [name for name in ("a.one", "a.two", "A.THREE", "a.four") if is_ignored(repository / name, environ)] == [
        *("a.one", "a.two", "A.THREE")
    ]


def test_linked_work_tree_has_the_excludes_of_the_main_one(repository: Path, clean_environ: dict[str, str]) -> None:
    name = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}
    assert git(repository, {**clean_environ, **name}, "commit", "-qm", "a", "--allow-empty").returncode == 0
    assert git(repository, clean_environ, "worktree", "add", "-q", "../other").returncode == 0
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "exclude").write_text("*.local\n")
    assert is_ignored(repository.parent / "other" / "a.local", clean_environ)


def test_outside_of_a_repository_nothing_is_ignored(tmp_path: Path, clean_environ: dict[str, str]) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    assert not is_ignored(tmp_path / "a.py", clean_environ)


def test_a_repository_starts_no_program(repository: Path, tmp_path: Path, clean_environ: dict[str, str]) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    settings_of_an_attacker = {
        "core.fsmonitor": str(program),
        "core.hooksPath": str(tmp_path),
        "core.pager": str(program),
        "core.sshCommand": str(program),
        "core.gitProxy": str(program),
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "protocol.ext.allow": "always",
        "filter.x.clean": str(program),
    }
    for name, value in settings_of_an_attacker.items():
        git(repository, clean_environ, "config", name, value)
    (repository / ".git" / "index").write_bytes(b"DIRC nonsense")
    (repository / ".gitattributes").write_text("* filter=x\n")
    (repository / ".gitignore").write_text("*.log\n")
    path = f"{tmp_path}{os.pathsep}{clean_environ.get('PATH', '')}"
    (tmp_path / "git").symlink_to(program)
    assert is_ignored(repository / "a.log", {**clean_environ, "PATH": path})
    assert not is_ignored(repository / "a.py", {**clean_environ, "PATH": path})
    assert not ran.exists()


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 40 + "b", "**/a/" * 20 + "b", "[a-" * 50, "a*" * 200, "?" * 250 + "*x*y*z*", "*a\n" * 9000],
)
def test_patterns_made_to_take_for_ever_are_refused_or_matched_soon(
    pattern: str, repository: Path, clean_environ: dict[str, str]
) -> None:
    (repository / ".gitignore").write_text(pattern + "\n")
    deep = repository.joinpath(*["a"] * 60, "a" * 250)
    with contextlib.suppress(UnreadableIgnoreFilesError):  # either is well; the test's own time limit is the proof
        is_ignored(deep, clean_environ)


@pytest.mark.parametrize("kind", ["fifo", "folder", "huge", "device"])
def test_what_is_no_plain_file_of_ordinary_size_is_refused(
    kind: str, repository: Path, clean_environ: dict[str, str]
) -> None:
    file = repository / ".git" / "info" / "exclude"
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "device":
        (repository / ".git" / "commondir").write_text("/dev/zero")
        os.mkfifo(repository / ".gitignore")
    else:
        file.write_bytes(b"a\n" * MAX_FILE_BYTES)
    with pytest.raises(UnreadableIgnoreFilesError):
        is_ignored(repository / "a.py", clean_environ)


def test_ignore_file_that_is_a_link_is_not_followed(repository: Path, clean_environ: dict[str, str]) -> None:
    (repository / "patterns").write_text("*\n")
    (repository / ".gitignore").symlink_to(repository / "patterns")
    assert not is_ignored(repository / "a.py", clean_environ)
