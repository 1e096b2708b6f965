"""Diffs as files, for editors that can only show documents: private, and not kept for long."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

KEPT_S = 24 * 3600.0


def write_diff(folder: Path, name: str, text: str) -> Path:
    """Write a diff that only the user can read, and remove those older than a day."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in folder.glob("*.diff"):
        if old.stat().st_mtime < time.time() - KEPT_S:
            old.unlink(missing_ok=True)
    path = folder / f"{name}-{secrets.token_hex(4)}.diff"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
