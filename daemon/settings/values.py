"""One setting at a time: its type, its value from text or TOML, and the sentence on what is allowed.

Pure: it reads no file and no environment. schema.py defines which settings exist.
"""

from __future__ import annotations

import difflib
import math
import re
import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from halfwatt.daemon.errors import ConfigError

from .own_network import is_own
from .schema import Config, TierConfig

RESERVED_TIER_NAMES = ("auto", "local", "none")
TIER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
NONE_WORDS = ("", "none", "null")


def sections() -> dict[str, type[Struct]]:
    """The tables of the settings by name, without the list of tiers."""
    hints = typing.get_type_hints(Config)
    return {name: hint for name, hint in hints.items() if name != "tiers"}


def fields_of(table: type[Struct]) -> dict[str, Any]:
    """A table's settings and their types."""
    return typing.get_type_hints(table, include_extras=True)


def type_of(section: str, key: str, where: str) -> Any:
    """The type of a setting; ConfigError with a similar name where there is no such setting."""
    tables = sections()
    if section not in tables:
        raise ConfigError(unknown("section", section, [*tables, "tiers"], where))
    hints = fields_of(tables[section])
    if key not in hints:
        raise ConfigError(unknown("setting", f"{section}.{key}", [f"{section}.{name}" for name in hints], where))
    return hints[key]


def sentence(hint: Any) -> str:
    """What the setting of this type does; "" where its definition says nothing."""
    metas = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return " ".join(meta.description for meta in metas if meta.description)


def unknown(what: str, name: str, known: Iterable[str], where: str) -> str:
    """The sentence for a name that does not exist."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
    return f"There is no {what} “{name}” ({where}). {hint}"


def from_toml(name: str, value: object, hint: Any, where: str) -> Any:
    """A value as TOML gave it, checked against its type."""
    return _convert(name, value, value, hint, where, strict=True)


def from_text(name: str, text: str, hint: Any, where: str) -> Any:
    """A value from text, of an environment variable or the command line.

    Commas separate the items of a list; "none" empties a setting that may be empty."""
    value: object = text.strip()
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    alternatives = get_args(bare) if get_origin(bare) in (types.UnionType, typing.Union) else ()
    if type(None) in alternatives and text.strip().lower() in NONE_WORDS:
        return None
    if get_origin(bare) is tuple:
        value = [part.strip() for part in text.split(",") if part.strip()]
    return _convert(name, value, text, hint, where, strict=False)


def _convert(name: str, value: object, shown: object, hint: Any, where: str, *, strict: bool) -> Any:
    try:
        converted = msgspec.convert(value, hint, strict=strict)
    except msgspec.ValidationError as error:
        raise ConfigError(bad_value(name, shown, hint, where)) from error
    if isinstance(converted, float) and not math.isfinite(converted):
        raise ConfigError(bad_value(name, shown, hint, where))
    return converted


def bad_value(name: str, shown: object, hint: Any, where: str) -> str:
    """The sentence for a value that is not allowed."""
    text = str(shown)
    shortened = text if len(text) <= 60 else f"{text[:57]}…"
    return f"{name} cannot be “{shortened}” ({where}). Allowed: {allowed(hint)}."


def allowed(hint: Any) -> str:
    """What a type allows, in words: `one of eco, balanced, quality, or a number from 0`."""
    origin = get_origin(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if origin in (types.UnionType, typing.Union):
        return ", or ".join(allowed(part) for part in get_args(hint))
    if origin is tuple:
        part = get_args(hint)[0]
        return f"a list of {', '.join(get_args(part))}" if get_origin(part) is Literal else "a list of texts"
    if origin is Annotated:
        base, *metas = get_args(hint)
        return allowed(base) + "".join(map(_range, metas))
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", type(None): "none"}
    return names[hint]


def _range(meta: Meta) -> str:
    parts = []
    if meta.gt is not None:
        parts.append(f"greater than {meta.gt:g}")
    if meta.ge is not None:
        parts.append(f"from {meta.ge:g}")
    if meta.le is not None:
        parts.append(f"to {meta.le}")
    return "".join(f" {part}" for part in parts)


def check_tier(tier: TierConfig, where: str) -> None:
    """ConfigError for a tier that its types allow but that cannot work or holds a secret."""
    if not TIER_NAME.fullmatch(tier.name) or tier.name in RESERVED_TIER_NAMES:
        raise ConfigError(
            f"A tier cannot be named “{tier.name}” ({where}). Use up to 40 letters, digits, dots, dashes and "
            f"underscores, and none of {', '.join(RESERVED_TIER_NAMES)}."
        )
    try:
        url = urlsplit(tier.base_url)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            f"The base_url of tier “{tier.name}” is not an address ({where}). It looks like https://HOST/v1."
        )
    if url.username or url.password:
        raise ConfigError(
            f"The base_url of tier “{tier.name}” holds a password ({where}). Take it out; "
            f"store the key with `halfwatt key set {tier.name}`."
        )
    if tier.kind == "cloud" and url.scheme == "http" and not (tier.allow_unencrypted or is_own(url.hostname or "")):
        raise ConfigError(
            f"The cloud tier “{tier.name}” has an http:// address outside your own networks ({where}). Code and key "
            "would go there unencrypted. Write https:// if the server speaks it; else write allow_unencrypted = true "
            "below the address to allow it all the same."
        )
    if tier.key and (not TIER_NAME.fullmatch(tier.key) or tier.key.startswith("sk-")):
        raise ConfigError(
            f"The key of tier “{tier.name}” must be the name of a stored key, not the key itself ({where}). "
            f'Store the key with `halfwatt key set {tier.name}` and write key = "{tier.name}".'
        )
    if not tier.model:
        raise ConfigError(f"Tier “{tier.name}” has no model ({where}). Write the name that its server knows.")
