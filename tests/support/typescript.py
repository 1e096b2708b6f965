"""Shapes in TypeScript's syntax (`interface Name { field: type; }`), compared with Python's classes.

It reads interfaces, type aliases and inline objects as this project writes them, and nothing else of TypeScript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

WORDS = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


@dataclass(frozen=True)
class Shape:
    """The fields of an object: name → type as it is written. `optional`: those that may be left out."""

    types: dict[str, str]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Page:
    """All shapes of a text by name, and its type aliases."""

    shapes: dict[str, Shape]
    aliases: dict[str, str] = field(default_factory=dict)


def page(text: str) -> Page:
    text = re.sub(r" *//[^\n]*", "", text)
    interfaces = re.finditer(r"interface (\w+) \{\n(.*?)\n\}", text, re.DOTALL)
    aliases = re.finditer(r"^(?:export )?type (\w+) = (.*?);$", text, re.MULTILINE)
    return Page({it[1]: shape(it[2]) for it in interfaces}, {it[1]: it[2] for it in aliases})


def shape(body: str) -> Shape:
    """The fields that stand between an object's braces."""
    members = [part.partition(":") for part in _split(body, ";,\n")]
    names = [name.strip() for name, _, _ in members]
    types = [kind.strip() for _, _, kind in members]
    optional = frozenset(name.rstrip("?") for name in names if name.endswith("?"))
    return Shape({name.rstrip("?"): kind for name, kind in zip(names, types, strict=True)}, optional)


def differences(found: Shape, wanted: type, names: dict[str, Any], aliases: dict[str, str]) -> list[str]:
    """What the written shape says that the class does not have or has otherwise. `names` resolve annotations."""
    hints = get_type_hints(wanted, localns=names)
    may_be_left_out = _left_out(wanted)
    wrong = [f"{wanted.__name__} has no {name}" for name in found.types if name not in hints]
    for name, kind in found.types.items():
        if name in hints and not _is_same(kind, hints[name], names, aliases):
            wrong.append(f"{wanted.__name__}.{name} is {hints[name]}, not {kind}")
        if name in hints and (name in found.optional) != (name in may_be_left_out):
            wrong.append(f"{wanted.__name__}.{name}: may it be left out?")
    return wrong


def _left_out(wanted: type) -> frozenset[str]:
    """The fields that are not always there."""
    if issubclass(wanted, msgspec.Struct):
        fields = msgspec.structs.fields(wanted)
        return frozenset(it.name for it in fields if wanted.__struct_config__.omit_defaults and not it.required)
    return frozenset(getattr(wanted, "__optional_keys__", ()))


def _is_same(kind: str, hint: Any, names: dict[str, Any], aliases: dict[str, str]) -> bool:
    """Whether the alternatives of a written type are those of an annotation, one for one."""
    written = [part for alternative in _split(kind, "|") for part in _split(aliases.get(alternative, alternative), "|")]
    meant = _alternatives(hint)
    return len(written) == len(meant) and all(
        any(_is_one(it, each, names, aliases) for each in meant) for it in written
    )


def _alternatives(hint: Any) -> list[Any]:
    if get_origin(hint) is Literal:
        return [f"'{word}'" for word in get_args(hint)]
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        return [part for each in get_args(hint) for part in _alternatives(each)]
    return [hint]


def _is_one(kind: str, hint: Any, names: dict[str, Any], aliases: dict[str, str]) -> bool:
    if isinstance(hint, str):
        return kind.replace('"', "'") == hint
    if get_origin(hint) in (list, tuple):
        return kind.endswith("[]") and _is_same(kind[:-2], get_args(hint)[0], names, aliases)
    if get_origin(hint) is dict:
        record = re.fullmatch(r"Record<string, (.*)>", kind)
        return record is not None and _is_same(record[1], get_args(hint)[1], names, aliases)
    if kind.startswith("{"):
        return isinstance(hint, type) and not differences(shape(kind[1:-1]), hint, names, aliases)
    return kind == WORDS.get(hint, getattr(hint, "__name__", ""))


def _split(text: str, separators: str) -> list[str]:
    """The parts between separators that stand in no bracket."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "{[(<") - (char in "}])>")
        if char in separators and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]
