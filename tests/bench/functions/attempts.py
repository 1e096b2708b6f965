"""One way of writing a function on one task: what it cost, and what became of the file.

The product is driven from outside, by its command line in a process of its own, so that any checkout can be measured.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import running_daemon

from halfwatt.router_model.labelling.doctest_tasks import DoctestTask, passes

PREFIX_CHARS = 7000  # about 2,000 tokens; prefix, suffix and answer fit into a context of 4,096
SUFFIX_CHARS = 2500
FILL_TOKENS = 512
LIMIT_S = 300.0


@dataclass(frozen=True)
class Attempt:
    """`outcome` is a verdict, or a fault: `refused` (with the sentence), `damaged`, `unparsable`."""

    task_id: str
    way: str
    outcome: str
    n_tokens: int | None = None
    energy_j: float | None = None
    seconds: float | None = None
    sentence: str = ""

    @property
    def is_fault(self) -> bool:
        return self.outcome in ("refused", "damaged", "unparsable")


@contextmanager
def workspace(task: DoctestTask, cache_dir: Path) -> Iterator[Path]:
    """The task's package as a folder of sources with the stub in it; the cache itself stays as it is."""
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        folder = Path(scratch) / "workspace"
        shutil.copytree(task.folders[0], folder, copy_function=os.link, ignore=shutil.ignore_patterns("__pycache__"))
        module = folder / task.module_path
        module.unlink()
        module.write_bytes(task.text.encode())
        yield folder


def by_product(task: DoctestTask, checkout: Path, environ: Mapping[str, str], cache_dir: Path) -> Attempt:
    """`halfwatt generate` of this checkout writes the body into the file, and the file is judged."""
    way = f"product {checkout.name}"
    with workspace(task, cache_dir) as folder:
        module = folder / task.module_path
        place = f"{module}:{task.line}"
        command = [sys.executable, "-P", "-m", "halfwatt.lsp.cli", "generate", place, "--route", "local"]
        done = subprocess.run(
            [*command, "--apply", "--json"],
            cwd=folder,
            env=product_environ(checkout, environ),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        text = module.read_bytes().decode()
    if done.returncode != 0:
        return Attempt(task.task_id, way, "refused", sentence=(done.stderr.strip().splitlines() or [""])[-1])
    outcome = "damaged" if parses(text) and not rest_is_kept(task, text) else verdict(task, text)
    return _measured(task, way, outcome, json.loads(done.stdout))


def product_environ(checkout: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The modules are those of the checkout, and never those of the folder that the command runs in."""
    return {**environ, "PYTHONPATH": str(checkout / "packaging" / "import_root"), "PYTHONSAFEPATH": "1"}


def by_fill_in(task: DoctestTask, daemon: running_daemon.RunningDaemon) -> Attempt:
    """A plain fill-in-the-middle request with the file around the body, as far as it fits into the context."""
    function = task.function
    prefix = f"{task.original[: function.body_start]}\n"
    suffix = task.original[function.body_end :]
    body = {
        "model": "local",
        "prompt": _last_lines(prefix, PREFIX_CHARS),
        "suffix": suffix[:SUFFIX_CHARS].rpartition("\n")[0] if len(suffix) > SUFFIX_CHARS else suffix,
        "max_tokens": FILL_TOKENS,
    }
    try:
        with daemon.http() as http:
            reply = http.post("/v1/completions", json=body, timeout=LIMIT_S)
    except httpx2.HTTPError as error:
        return Attempt(task.task_id, "fill in the middle", "refused", sentence=type(error).__name__)
    if reply.status_code != 200:
        return Attempt(task.task_id, "fill in the middle", "refused", sentence=reply.json()["error"]["message"])
    answer = reply.json()
    text = prefix + answer["choices"][0]["text"] + suffix
    return _measured(task, "fill in the middle", verdict(task, text), answer["halfwatt"])


def verdict(task: DoctestTask, text: str) -> str:
    return str(passes(task, text)) if parses(text) else "unparsable"


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def rest_is_kept(task: DoctestTask, text: str) -> bool:
    """Whether all but the function's body, imports and new names of the module is what it was."""
    before, after = ast.parse(task.original), ast.parse(text)
    known = {name for statement in before.body for name in _bound(statement)}
    after.body = [each for each in after.body if not _bound(each) or _bound(each) & known]
    return _without_body(before, task.name) == _without_body(after, task.name)


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a definition or an assignment of the module binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _without_body(tree: ast.Module, name: str) -> str:
    """The tree as text, without imports and the documented function's statements."""
    *owners, last = name.split(".")
    scope: list[ast.AST] = [tree]
    for owner in owners:
        scope = [
            each for node in scope for each in ast.walk(node) if isinstance(each, ast.ClassDef) and each.name == owner
        ]
    for node in (each for outer in scope for each in ast.walk(outer)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != last:
            continue
        if ">>>" in (ast.get_docstring(node) or ""):
            node.body = node.body[:1]
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, field, [each for each in value if not isinstance(each, ast.Import | ast.ImportFrom)])
    return ast.dump(tree)


def _measured(task: DoctestTask, way: str, outcome: str, result: Mapping[str, Any]) -> Attempt:
    total_ms = result["latency_ms"].get("total")
    return Attempt(
        task_id=task.task_id,
        way=way,
        outcome=outcome,
        n_tokens=result["tokens"]["completion"],
        energy_j=result["energy"].get("total_j"),
        seconds=None if total_ms is None else total_ms / 1000,
    )


def _last_lines(text: str, n_chars: int) -> str:
    return text if len(text) <= n_chars else text[-n_chars:].partition("\n")[2]
