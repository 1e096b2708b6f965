"""The generated pages of packaging/docs say what the code says: `make docs` writes them."""

from __future__ import annotations

import ast

import pytest
from repository import ROOT
from write_pages import FOLDER, PAGES

from halfwatt.daemon.settings import values
from halfwatt.daemon.settings.schema import TierConfig


@pytest.mark.parametrize("name", list(PAGES))
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_setting_says_what_it_does_in_short_sentences() -> None:
    tables = values.sections() | {"tiers": TierConfig}
    said = {
        f"{section}.{name}": values.sentence(hint)
        for section, table in tables.items()
        for name, hint in values.fields_of(table).items()
    }
    assert [name for name, text in said.items() if not text.endswith(".")] == []
    assert [name for name, text in said.items() if max(map(len, map(str.split, text.split(". ")))) > 30] == []


def test_daemon_serves_the_three_lists_of_routes_that_the_api_page_reads() -> None:
    assembly = ast.parse((ROOT / "daemon/server/assembly.py").read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}".removeprefix("halfwatt.daemon.")
        for node in ast.walk(assembly)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lists = [
        imported[ast.unparse(call.func.value)]
        for call in ast.walk(assembly)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "routes"
    ]
    assert sorted(lists) == ["api.halfwatt_routes", "api.openai_routes", "dashboard.routes"]
