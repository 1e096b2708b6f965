"""Writes the generated pages of this folder: `make docs`. tests/rules/test_docs_pages.py says when one is old."""

from __future__ import annotations

from pathlib import Path

import api_page
import settings_page

FOLDER = Path(__file__).resolve().parent


def pages() -> dict[Path, str]:
    """Each generated file with the text that it should have."""
    return {FOLDER / "settings.md": settings_page.page(), FOLDER / "api.md": api_page.page()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")
