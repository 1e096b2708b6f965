"""The prompt: stable at its start, within its budget, with declarations of this workspace and nothing secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfwatt.daemon.code.languages import for_id
from halfwatt.daemon.settings.schema import PrivacyConfig
from halfwatt.lsp.completion.context.gather import ContextDocument, Gatherer
from halfwatt.lsp.completion.context.outline import outline
from halfwatt.lsp.completion.context.prompt import Budget, ContextChunk, block, prompt, window_after, window_before
from halfwatt.lsp.completion.context.recent_files import SIZE, PlacedChunk, RecentFiles, around

PRIVACY = PrivacyConfig()
FAKE_KEY = "AKIA" + "Z7Q3M5X2K9R4T6W8"
LINES = "".join(f"line_{n} = {n}\n" for n in range(2000))


def test_window_stays_where_it_is_while_the_user_types() -> None:
    starts = [window_before(LINES[:end], 1000)[:40] for end in range(5000, 5400)]
    assert len(set(starts)) <= 2
    for end in range(900, 9000, 77):
        window = window_before(LINES[:end], 1000)
        assert LINES[:end].endswith(window)
        assert min(end, 480) <= len(window) <= 1000
        assert window.startswith("line_")


def test_window_after_is_whole_lines_within_the_budget() -> None:
    assert window_after(LINES, 100).endswith("\n")
    assert len(window_after(LINES, 100)) <= 100
    assert window_after("short", 100) == "short"


def test_prompt_has_the_stable_part_first_and_the_cursor_last() -> None:
    budget = Budget(prefix=100, suffix=50, context=200)
    made = prompt("# File: a.py\n", "x = 1\ny = ", "\nz = 3\n", budget)
    assert made.prefix == "# File: a.py\nx = 1\ny = "
    assert made.suffix == "\nz = 3\n"


def test_block_takes_what_fits_in_the_order_given() -> None:
    chunks = [ContextChunk("a.py", "aaa"), ContextChunk("b.py", "b" * 500), ContextChunk("c.py", "ccc")]
    assert block(chunks, "python", 60) == "# File: a.py\n# aaa\n# File: c.py\n# ccc\n\n"
    assert block(chunks, "go", 25) == "// File: a.py\n// aaa\n\n"
    assert block([], "python", 100) == ""


def placed(n: int, text: str, workspace: str = "/w") -> PlacedChunk:
    return PlacedChunk(workspace, f"file:///w/{n}.py", ContextChunk(f"{n}.py", text))


def test_ring_keeps_the_newest_and_drops_what_says_the_same() -> None:
    ring = RecentFiles()
    for n in range(SIZE + 3):
        ring.add(placed(n, f"first_{n}\nsecond_{n}"))
    assert [chunk.name for chunk in ring.chunks("/w", "")] == [f"{n}.py" for n in range(3, SIZE + 3)]
    ring.add(placed(99, "first_5\nsecond_5\nmore"))
    names = [chunk.name for chunk in ring.chunks("/w", "")]
    assert "5.py" not in names
    assert names[-1] == "99.py"


def test_ring_shows_nothing_of_another_workspace_and_nothing_of_the_document_itself() -> None:
    ring = RecentFiles()
    ring.add(placed(1, "a\nb"))
    ring.add(placed(2, "c\nd", workspace="/other"))
    assert [chunk.name for chunk in ring.chunks("/w", "file:///w/9.py")] == ["1.py"]
    assert ring.chunks("/w", "file:///w/1.py") == []


def test_around_takes_the_lines_near_the_cursor() -> None:
    text = around(LINES, 1000, 64)
    assert text.split("\n")[0] == LINES.split("\n")[968]
    assert text.count("\n") == 63
    assert around("a\nb", 1, 64) == "a\nb"


SOURCES = {
    "python": (
        "import os\n\ndef area(w: int, h: int) -> int:\n    return w * h\n\n@dec\nclass Box(Base):\n"
        "    def grow(self, by):\n        pass\n    def _inner(self):\n        pass\n",
        "def area(w: int, h: int) -> int\nclass Box(Base)\n    def grow(self, by)",
    ),
    "typescript": (
        "export function area(w: number): number {\n  return w;\n}\nexport class Box {\n  grow(by: number) {\n  }\n}\n"
        "export interface Shape { w: number }\n",
        "function area(w: number): number\nclass Box\n  grow(by: number)\ninterface Shape { w: number }",
    ),
    "go": (
        "package p\n\nfunc Area(w int) int {\n\treturn w\n}\n\ntype Box struct{ W int }\n",
        "func Area(w int) int\ntype Box struct{ W int }",
    ),
    "rust": (
        "pub fn area(w: i32) -> i32 {\n    w\n}\nimpl Box {\n    pub fn grow(&self) {}\n}\nstruct Box { w: i32 }\n",
        "pub fn area(w: i32) -> i32\nimpl Box\n    pub fn grow(&self)\nstruct Box { w: i32 }",
    ),
    "java": (
        "class Box {\n    int area(int w) {\n        return w;\n    }\n}\n",
        "class Box\n    int area(int w)",
    ),
    "cpp": (
        "int area(int w) {\n    return w;\n}\nclass Box {\npublic:\n    int grow(int by) { return by; }\n};\n",
        "int area(int w)\nclass Box\n    int grow(int by)",
    ),
}


@pytest.mark.parametrize("language_id", SOURCES)
def test_outline_keeps_declarations_and_drops_bodies(language_id: str) -> None:
    text, expected = SOURCES[language_id]
    language = for_id(language_id)
    assert language is not None
    assert outline(text, language, None) == expected


def test_outline_of_named_declarations_only() -> None:
    language = for_id("python")
    assert language is not None
    assert outline(SOURCES["python"][0], language, frozenset({"area"})) == "def area(w: int, h: int) -> int"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def document(path: Path, workspace: Path | None, language: str = "python") -> ContextDocument:
    root = str(workspace) if workspace else None
    return ContextDocument(path.as_uri(), str(path), path.read_text(), language, root)


@pytest.mark.parametrize(
    ("language", "main", "files", "expected"),
    [
        ("python", ("app/main.py", "from app.shapes import area\n"), {"app/shapes.py": SOURCES["python"][0]}, "area"),
        ("python", ("app/main.py", "from .shapes import Box\n"), {"app/shapes.py": SOURCES["python"][0]}, "Box"),
        ("python", ("app/main.py", "from . import shapes\n"), {"app/shapes.py": SOURCES["python"][0]}, "area"),
        ("python", ("main.py", "import shapes\n"), {"shapes.py": SOURCES["python"][0]}, "area"),
        ("python", ("src/app/main.py", "from app.shapes import area\n"), {"src/app/shapes.py": SOURCES["python"][0]}, "area"),
        ("typescript", ("main.ts", 'import { area } from "./shapes";\n'), {"shapes.ts": SOURCES["typescript"][0]}, "area"),
        ("typescript", ("main.ts", 'import { area } from "./shapes.js";\n'), {"shapes.ts": SOURCES["typescript"][0]}, "area"),
        ("go", ("main.go", 'package main\n\nimport "example.org/m/p"\n'), {"p/p.go": SOURCES["go"][0]}, "Area"),
        ("rust", ("src/main.rs", "use crate::shapes::area;\n"), {"src/shapes.rs": SOURCES["rust"][0]}, "area"),
        ("java", ("src/main/java/m/Main.java", "import p.Box;\n"), {"src/main/java/p/Box.java": SOURCES["java"][0]}, "Box"),
        ("cpp", ("main.cpp", '#include "shapes.hpp"\n'), {"include/shapes.hpp": SOURCES["cpp"][0]}, "area"),
    ],
)  # fmt: skip
def test_imports_bring_the_declarations_of_workspace_files(
    tmp_path: Path, language: str, main: tuple[str, str], files: dict[str, str], expected: str
) -> None:
    path = write(tmp_path, *main)
    for name, text in files.items():
        write(tmp_path, name, text)
    chunks = Gatherer().declarations(document(path, tmp_path, language), PRIVACY)
    assert any(expected in chunk.text for chunk in chunks)
    assert {chunk.name for chunk in chunks} == set(files)


def test_import_that_leads_out_of_the_workspace_brings_nothing(tmp_path: Path) -> None:
    write(tmp_path, "other/shapes.py", SOURCES["python"][0])
    path = write(tmp_path, "mine/app/main.py", "from ...other.shapes import area\n")
    assert Gatherer().declarations(document(path, tmp_path / "mine"), PRIVACY) == []
    (tmp_path / "mine/shapes.py").symlink_to(tmp_path / "other/shapes.py")
    path = write(tmp_path, "mine/main.py", "from shapes import area\n")
    assert Gatherer().declarations(document(path, tmp_path / "mine"), PRIVACY) == []


def test_document_outside_of_any_workspace_has_no_context(tmp_path: Path) -> None:
    write(tmp_path, "shapes.py", SOURCES["python"][0])
    path = write(tmp_path, "main.py", "from shapes import area\n")
    assert Gatherer().declarations(document(path, None), PRIVACY) == []


def test_secret_and_excluded_files_never_become_context(tmp_path: Path) -> None:
    gatherer = Gatherer()
    secret = write(tmp_path, "keys.py", f'def connect(key="{FAKE_KEY}"):\n    pass\n')
    excluded = write(tmp_path, "private/shapes.py", SOURCES["python"][0])
    path = write(tmp_path, "main.py", "from keys import connect\nfrom private.shapes import area\n")
    privacy = PrivacyConfig(exclude=("private/",))
    assert gatherer.declarations(document(path, tmp_path), privacy) == []
    for file in (secret, excluded):
        gatherer.remember(document(file, tmp_path), 0, privacy)
    assert gatherer.recent_files.chunks(str(tmp_path), "") == []


def test_file_that_becomes_secret_leaves_the_ring(tmp_path: Path) -> None:
    gatherer = Gatherer()
    file = write(tmp_path, "a.py", "x = 1\ny = 2\n")
    gatherer.remember(document(file, tmp_path), 0, PRIVACY)
    assert len(gatherer.recent_files.chunks(str(tmp_path), "")) == 1
    file.write_text(f'x = "{FAKE_KEY}"\ny = 2\n')
    gatherer.remember(document(file, tmp_path), 0, PRIVACY)
    assert gatherer.recent_files.chunks(str(tmp_path), "") == []


def test_gathering_stops_at_its_deadline(tmp_path: Path) -> None:
    for n in range(4):
        write(tmp_path, f"m{n}.py", SOURCES["python"][0])
    path = write(tmp_path, "main.py", "".join(f"from m{n} import area\n" for n in range(4)))
    ticks = iter(range(1000))
    late = Gatherer(clock=lambda: next(ticks) * 0.1)
    assert 0 < len(late.declarations(document(path, tmp_path), PRIVACY)) < 4
