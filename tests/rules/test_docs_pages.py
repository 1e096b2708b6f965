"""The generated pages of packaging/docs say what the code says: `make docs` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from write_pages import pages

from halfwatt.daemon.settings import values
from halfwatt.daemon.settings.schema import TierConfig


@pytest.mark.parametrize("path", list(pages()), ids=lambda path: path.name)
def test_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "run `make docs`"


def test_every_setting_says_what_it_does() -> None:
    tables = values.sections() | {"tiers": TierConfig}
    silent = [
        f"{section}.{name}"
        for section, table in tables.items()
        for name, hint in values.fields_of(table).items()
        if not values.sentence(hint).endswith(".")
    ]
    assert silent == []
