"""onnxruntime collects usage unless told not to before its import: with the router it leaves no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OURS = "import halfwatt.router_model.serving.router\nimport onnxruntime"


def files_after(home: Path, code: str) -> list[str]:
    """What a process with this home has written there."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environ | {"HOME": str(home)}, check=False)
    assert done.returncode == 0
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_router_keeps_onnxruntime_from_making_an_install_id(tmp_path: Path) -> None:
    assert files_after(tmp_path, OURS) == []
