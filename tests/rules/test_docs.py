"""The pages for people who change halfwatt stay short, plain and true: what they name exists."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from repository import ROOT

ARCHITECTURE, CONTRIBUTING, README, SECURITY = (
    ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CONTRIBUTING", "README", "SECURITY")
)
DOCS = sorted((ROOT / "packaging/docs").glob("*.md"))
PLAIN = [ARCHITECTURE, CONTRIBUTING, README, SECURITY, *DOCS, ROOT / "CHANGELOG.md", ROOT / "editors/vscode/README.md"]
NOT_OURS = {"node_modules", ".venv", ".cache", ".pytest_cache", "build", "dist"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts))
MOST_LINES = 150
MOST_WORDS = 30
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
FILE = re.compile(r"(?:daemon|lsp|router_model|tests|packaging|editors)/[\w./-]+|[\w-]+\.(?:md|toml|txt)|Makefile")
LIST_ITEM = re.compile(r"^\s*([-*]|\d+\.)\s")
CODE_OR_TABLE = re.compile(r" {4}|.*\S {2,}\S")  # of a docstring: indented, or with columns
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”)*]*\s+(?=[^a-z])")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> Iterator[str]:
    """A text's paragraphs and list items, without headings, tables and code blocks; inline code counts as one word."""
    text = re.sub(r"^```.*?^```", "\n", text, flags=re.MULTILINE | re.DOTALL)
    block: list[str] = []
    for line in [*text.split("\n"), ""]:
        is_apart = not line.strip() or line.startswith(("#", "|", "!["))
        if is_apart or LIST_ITEM.match(line):
            yield " ".join(block)
            block = []
        if not is_apart:
            block.append(LIST_ITEM.sub("", line).strip())


def sentences(text: str) -> Iterator[str]:
    for block in prose(text):
        plain = CODE.sub("CODE", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", block))
        yield from SENTENCE_END.split(plain)


def docstrings(file: Path) -> Iterator[str]:
    """The docstrings of a module, its classes and its functions, without their lines of code, formulas and tables."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (ast.get_docstring(node) or "").split("\n")
            yield "\n".join("" if CODE_OR_TABLE.match(line) else line for line in lines)


def long_sentences(text: str) -> list[str]:
    return [each for each in sentences(text) if n_words(each) > MOST_WORDS]


def n_words(sentence: str) -> int:
    return len([word for word in sentence.split() if re.search(r"\w", word)])


@cache
def anchors(page: Path) -> set[str]:
    """The places of a page that a link can name, spelled as GitHub does."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("page", [ARCHITECTURE, README], ids=name_of)
def test_page_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) < MOST_LINES


@pytest.mark.parametrize("page", PLAIN, ids=name_of)
def test_sentences_are_short(page: Path) -> None:
    assert long_sentences(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("folder", ["daemon", "lsp", "router_model", "tests"])
def test_sentences_of_docstrings_are_short(folder: str) -> None:
    found = [
        f"{name_of(file)}: {sentence}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for docstring in docstrings(file)
        for sentence in long_sentences(docstring)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (place and place not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING, *DOCS], ids=name_of)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = {each for each in CODE.findall(page.read_text(encoding="utf-8")) if FILE.fullmatch(each)}
    assert sorted(each for each in named if not (ROOT / each).exists()) == []


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=name_of)
def test_names_of_code_on_a_page_exist(page: Path) -> None:
    files = [path for folder in ("daemon", "lsp", "router_model", "tests") for path in (ROOT / folder).rglob("*.py")]
    words = set(re.findall(r"\w+", "".join(path.read_text(encoding="utf-8") for path in files)))
    named = {each for each in CODE.findall(page.read_text(encoding="utf-8")) if re.fullmatch(r"[A-Z]\w+|\w+_\w+", each)}
    assert sorted(named - words) == []


@pytest.mark.parametrize("page", PLAIN, ids=name_of)
def test_make_has_the_targets_that_a_page_names(page: Path) -> None:
    named = set(re.findall(r"(?:^|`|&& )make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert sorted(named - targets) == []


def test_map_has_one_row_for_each_room() -> None:
    rows = re.findall(r"^\| `([\w/]+)` \|", ARCHITECTURE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rooms = [
        path.parent for package in ("daemon", "lsp", "router_model") for path in (ROOT / package).rglob("__init__.py")
    ]
    assert sorted(rows) == sorted(map(name_of, rooms))


@pytest.mark.parametrize(
    ("page", "heading"),
    [(ARCHITECTURE, "| what always holds | the test that holds it |"), (SECURITY, "| promise | test |")],
    ids=["ARCHITECTURE", "SECURITY"],
)
def test_every_promise_names_tests_that_exist(page: Path, heading: str) -> None:
    _, *tables = page.read_text(encoding="utf-8").split(heading + "\n| --- | --- |\n")
    rows = [row for table in tables for row in table.partition("\n\n")[0].splitlines()]
    assert rows
    for row in rows:
        path = ""
        for named in CODE.findall(row.rpartition(" | ")[2]):
            path = named.partition("::")[0] or path
            assert named.partition("::")[2] in functions_of(ROOT / path), f"{path} has no {named}"


def test_every_dependency_says_why_it_is_here() -> None:
    text = (ROOT / "packaging/docs/dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    names = {re.split(r"[ >=<;]", each)[0] for each in [*project["dependencies"], *extras]} - {"halfwatt[bench]"}
    suffixes = {f"tree-sitter{each}" for each in re.findall(r"`(-[a-z]+)`", text)}
    assert sorted(name for name in names if f"`{name}`" not in text and name not in suffixes) == []
