"""Writes the generated pages of this folder: `make docs`. tests/rules/test_docs_pages.py says when one is old."""

from __future__ import annotations

from pathlib import Path

import api_page
import settings_page

FOLDER = Path(__file__).resolve().parent
PAGES = {"settings.md": settings_page.page, "api.md": api_page.page}  # file: what makes its text


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"wrote {name}")
