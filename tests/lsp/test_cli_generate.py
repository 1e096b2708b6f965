"""`halfwatt generate|complete|explain` as a user calls them: JSON, files written, bad input, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from generate_home import halfwatt, user_home

from halfwatt.daemon.errors import HalfwattError, UsageError
from halfwatt.lsp import cli_generate, source_file

STUB = 'def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n    pass\n'
BODY = STUB.replace("pass", "return a + b")
JSON_KEYS = ["code", "tier", "kind", "model", "reason", "scores", "stop", "tokens", "latency_ms", "energy", "saved"]
ENERGY_KEYS = ["total_j", "low_j", "high_j", "method", "router_j", "local_j", "cloud_j", "wasted_j"]


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    with user_home(tmp_path_factory.mktemp("cli"), model_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a b é.py"
    path.write_bytes(STUB.encode())
    return path


def test_generate_prints_the_json_of_the_contract_and_writes_nothing(environ: dict[str, str], file: Path) -> None:
    done = halfwatt(environ, "generate", f"{file}:1", "--route", "local", "--json")
    answer = json.loads(done.stdout)
    assert list(answer) == JSON_KEYS
    assert answer["code"] == BODY.rstrip("\n")
    assert (answer["tier"], answer["kind"]) == ("local", "local")
    assert list(answer["energy"]) == ENERGY_KEYS
    assert answer["energy"]["low_j"] <= answer["energy"]["total_j"] <= answer["energy"]["high_j"]
    assert set(answer["saved"]) == {"j", "low_j", "high_j", "reference"}
    assert set(answer["latency_ms"]) == {"queue", "first_token", "total"}
    assert file.read_bytes() == STUB.encode()


def test_apply_writes_the_file_and_keeps_mode_mark_and_line_ends(environ: dict[str, str], file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + STUB.replace("\n", "\r\n").encode())
    file.chmod(0o750)
    link = file.with_name("link.py")
    link.symlink_to(file)
    done = halfwatt(environ, "generate", f"{link}:3:5", "--route", "local", "--apply")
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == b"\xef\xbb\xbf" + BODY.replace("\n", "\r\n").encode()
    assert file.stat().st_mode & 0o777 == 0o750
    assert link.is_symlink()
    assert sorted(it.name for it in file.parent.glob("*.py")) == sorted([file.name, link.name])


def test_plain_output_is_code_on_stdout_and_the_rest_on_stderr(environ: dict[str, str], file: Path) -> None:
    done = halfwatt(environ, "generate", f"{file}:1", "--route", "local")
    assert done.stdout == BODY
    assert re.search(r"local · [\d.]+ s · .* J", done.stderr)


def test_explain_decides_without_calling_a_model(environ: dict[str, str], file: Path) -> None:
    answer = json.loads(halfwatt(environ, "explain", f"{file}:1", "--json").stdout)
    assert list(answer) == JSON_KEYS
    assert (answer["code"], answer["tokens"]) == ("", {"prompt": 0, "completion": 0})
    assert answer["reason"]
    assert "local" in halfwatt(environ, "explain", f"{file}:1").stdout


def test_complete_continues_at_the_cursor(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def add(a, b):\n    return \n\n\nprint(add(1, 2))\n")
    answer = json.loads(halfwatt(environ, "complete", f"{path}:2:12", "--route", "local", "--json").stdout)
    assert list(answer) == JSON_KEYS
    assert answer["code"] == "a + b"


def test_complete_says_nothing_that_stands_below_already(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def mean(xs):\n    total = 0\n    for x in xs:\n        \n    return total / len(xs)\n")
    done = halfwatt(environ, "complete", f"{path}:4:9", "--route", "local")
    assert done.stdout.strip() == "total += x"


def test_interrupted_generation_ends_cleanly_and_changes_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "slow.py"
    path.write_text(
        'def roman(n: int) -> str:\n    """Roman numeral of n, with every check and message."""\n    pass\n'
    )
    before = path.read_bytes()
    command = [sys.executable, "-m", "halfwatt.lsp.cli", "generate", f"{path}:1", "--route", "local", "--apply"]
    master, terminal = os.openpty()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    os.read(master, 1)  # the decision is shown: the request runs
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert path.read_bytes() == before
    os.close(master)


# what is wrong, file content (None: no such file), name, place behind the name, more arguments, exit code, sentence
BAD = [
    ("unknown route", STUB.encode(), "a.py", ":1", ["--route", "moon"], 2, "moon"),
    ("missing file", None, "a.py", ":1", [], 2, "There is no file"),
    ("line out of range", STUB.encode(), "a.py", ":99", [], 2, "has 4 lines, not 99"),
    ("line zero", STUB.encode(), "a.py", ":0", [], 2, "not 0"),
    ("column out of range", STUB.encode(), "a.py", ":1:99", [], 2, "columns, not 99"),
    ("no line", STUB.encode(), "a.py", "", [], 2, "FILE:LINE"),
    ("line is a word", STUB.encode(), "a.py", ":one", [], 2, "FILE:LINE"),
    ("unsupported language", b"x\n", "a.cobol", ":1", [], 2, "Known languages"),
    ("no extension", b"x\n", "Makefile", ":1", [], 2, "Known languages"),
    ("binary file", b"x = 1\n\0\0", "a.py", ":1", [], 2, "binary"),
    ("10 MB file", b"x = 1\n" * 1_700_000, "a.py", ":1", [], 2, "10.2 MB"),
    ("invalid UTF-8", b"x = '\xff'\n", "a.py", ":1", [], 2, "byte 5 is 0xff"),
    ("nothing to generate", b"x = 1\n", "a.py", ":1", [], 2, "no function stub"),
    ("overload", b"@overload\ndef f(): ...\n", "a.py", ":2", [], 2, "overload"),
    ("type stub", b"def f(): ...\n", "a.pyi", ":1", [], 2, "type stub"),
    ("empty file", b"", "a.py", ":1", [], 2, "no function stub"),
    ("no model pulled", STUB.encode(), "a.py", ":1", [], 1, "halfwatt models pull"),
]


@pytest.fixture(scope="module")
def bare_environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with user_home(tmp_path_factory.mktemp("bare"), None) as made:
        yield made


@pytest.mark.parametrize(
    ("wrong", "content", "name", "place", "more", "code", "sentence"), BAD, ids=[row[0] for row in BAD]
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    bare_environ: dict[str, str],
    tmp_path: Path,
    wrong: str,
    content: bytes | None,
    name: str,
    place: str,
    more: list[str],
    code: int,
    sentence: str,
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = halfwatt(bare_environ, "generate", f"{path}{place}", "--apply", *more)
    assert done.returncode == code, done.stderr
    assert sentence in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert (path.read_bytes() if content is not None else None) == content
    assert [it.name for it in tmp_path.iterdir()] == ([name] if content is not None else [])


def test_folder_is_not_a_source_file(bare_environ: dict[str, str], tmp_path: Path) -> None:
    done = halfwatt(bare_environ, "generate", f"{tmp_path}:1")
    assert done.returncode == 2
    assert "is not a file" in done.stderr


def test_broken_settings_are_named(bare_environ: dict[str, str], tmp_path: Path) -> None:
    settings = tmp_path / "home" / "config" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[routing]\nroute = "moon"\n')
    path = tmp_path / "a.py"
    path.write_text(STUB)
    done = halfwatt(bare_environ | {"HALFWATT_HOME": str(tmp_path / "home")}, "generate", f"{path}:1", "--apply")
    assert done.returncode in (1, 2)
    assert "route" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == STUB


def test_version_and_help_work() -> None:
    environ = dict(os.environ)
    assert re.fullmatch(r"halfwatt \d+\.\d+\.\d+\S*\n", halfwatt(environ, "--version").stdout)
    shown = halfwatt(environ, "--help").stdout
    for name in ("generate", "complete", "explain", "models", "daemon", "lsp", "energy", "key", "config", "doctor"):
        assert name in shown
    assert halfwatt(environ, "nonsense").returncode == 2


# place, its parts
PLACES = [
    ("a.py:3", ("a.py", 3, None)),
    ("a.py:3:5", ("a.py", 3, 5)),
    ("a:1:2:3", ("a:1", 2, 3)),
    ("C:/x/a.py:3", ("C:/x/a.py", 3, None)),
    ("a b/é.py:10:1", ("a b/é.py", 10, 1)),
]


@pytest.mark.parametrize(("place", "parts"), PLACES)
def test_place_is_taken_apart_from_its_end(place: str, parts: tuple[str, int, int | None]) -> None:
    assert source_file.parse_place(place) == (Path(parts[0]), *parts[1:])


@pytest.mark.parametrize("place", ["a.py", ":3", "a.py:", "a.py:x", "a.py:-1", ""])
def test_place_without_a_line_is_refused(place: str) -> None:
    with pytest.raises(UsageError, match="FILE:LINE"):
        source_file.parse_place(place)


def test_file_that_changed_meanwhile_is_not_written(file: Path) -> None:
    read = source_file.read(file)
    file.write_text("# mine\n")
    with pytest.raises(HalfwattError, match="changed while"):
        source_file.write(read, BODY)
    assert file.read_text() == "# mine\n"


def test_answer_that_cannot_be_written_is_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = source_file.read(file)
    file.write_text("# mine\n")
    with pytest.raises(HalfwattError, match="changed while"):
        cli_generate.write_or_print(read, BODY, "return a + b")
    assert capsys.readouterr().out == "return a + b\n"
    assert file.read_text() == "# mine\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_read_only_file_is_refused_before_the_work(file: Path) -> None:
    file.chmod(0o400)
    with pytest.raises(HalfwattError, match="cannot be written"):
        source_file.check_writable(source_file.read(file))
