"""The artifact's folder: its files, their digests, and the tables beside the graph.

The files are `router.onnx`, `tokenizer.json`, `tables.json` (read here), `metrics.json` and `MODEL_CARD.md` (for
people), and `manifest.json` with the SHA-256 of each. Nothing is used before its digest matches. This module opens no
graph (`router.py`).
"""

import hashlib
import json
from pathlib import Path

import msgspec

from halfwatt.router_model.errors import RouterUnavailable

from .stage2 import DraftTable

VERSION = 1
DEFAULT_FOLDER = Path(__file__).parent / "artifact"
MANIFEST = "manifest.json"


class ArtifactTables(msgspec.Struct, frozen=True):
    """Calibration of the graph's raw outputs; lists have one entry per model.

    `calibration`: slope and intercept. `smearing`: a factor. `token_quantiles`: 10 % and 90 % of the log residual.
    `targets`: pair → share of the strong model's accuracy → λ per joule, chosen on held-out folds.
    """

    version: int
    models: list[str]
    n_members: int
    member_spread: float
    calibration: list[tuple[float, float]]
    smearing: list[float]
    token_quantiles: list[tuple[float, float]]
    brier: list[float]
    drafts: dict[str, DraftTable]
    targets: dict[str, dict[str, float]]
    encoder: str
    trained_on: str


def write_manifest(folder: Path) -> None:
    """Write the digests of everything else in the folder."""
    digests = {path.name: digest(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    text = json.dumps({"version": VERSION, "sha256": digests}, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def verify(folder: Path) -> None:
    """Raise `RouterUnavailable` when a file is missing, damaged or of another version."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, digests = manifest["version"], dict(manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RouterUnavailable(
            "The router's artifact is missing or its manifest cannot be read. Reinstall halfwatt."
        ) from error
    if version != VERSION:
        raise RouterUnavailable(f"The router's artifact has version {version}, not {VERSION}. Reinstall halfwatt.")
    for name, expected in digests.items():
        _verify_file(folder / name, expected)


def read_tables(folder: Path) -> ArtifactTables:
    """The tables of a verified folder."""
    try:
        return msgspec.json.decode((folder / "tables.json").read_bytes(), type=ArtifactTables)
    except (OSError, msgspec.MsgspecError) as error:
        raise RouterUnavailable("The router's tables cannot be read. Reinstall halfwatt.") from error


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def total_bytes(folder: Path) -> int:
    """Bytes of all files in the folder."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _verify_file(path: Path, expected: str) -> None:
    try:
        actual = digest(path)
    except OSError as error:
        raise RouterUnavailable(f"The router's file {path.name} is missing. Reinstall halfwatt.") from error
    if actual != expected:
        raise RouterUnavailable(f"The router's file {path.name} is damaged. Reinstall halfwatt.")
