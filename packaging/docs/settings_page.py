"""The text of settings.md, from the settings' own definitions (daemon/settings/schema.py).

It writes no file: write_pages.py does.
"""

from __future__ import annotations

import inspect

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from halfwatt.daemon.settings import values
from halfwatt.daemon.settings.schema import TierConfig

HEAD = """\
# Settings

This page is generated from `daemon/settings/schema.py` by `make docs`; change the sentences there.

`halfwatt config path` names the settings file, and `halfwatt config show` prints what holds and where it comes from.
The file is TOML with one table per section. Without a file, every setting has its default. A wrong setting is an error
that names the place and what is allowed.

Each setting can be given in three places; the first one below that has it wins:

1. an environment variable, `HALFWATT_<SECTION>_<KEY>`, for example `HALFWATT_ROUTING_DIAL=eco`;
2. the file, for example `dial = "eco"` below `[routing]`, or `halfwatt config set routing.dial eco`;
3. the default.

In a variable and on the command line, the parts of a list are separated by commas, and `none` empties a setting.
A running daemon reads the file again when it changes. `HALFWATT_HOME` and `HALFWATT_MODELS_DIR` are no settings: they
move halfwatt's folders and the models' folder.
"""
TIERS = """\
Each `[[tiers]]` in the file adds one. `halfwatt config add-tier` writes it; `halfwatt config set tiers.NAME.KEY VALUE`
changes it. Tiers cannot be given by environment variables.
"""


def page() -> str:
    parts = [HEAD]
    for name, table in values.sections().items():
        parts.append(f"## `[{name}]`\n\n{_purpose(table)}\n\n{_table(table, f'{name}.')}")
    parts.append(f"## `[[tiers]]`\n\n{_purpose(TierConfig)}\n{TIERS}\n{_table(TierConfig, '')}")
    return "\n".join(parts)


def _purpose(table: type[Struct]) -> str:
    return " ".join((inspect.getdoc(table) or "").split())


def _table(table: type[Struct], prefix: str) -> str:
    hints = values.fields_of(table)
    rows = ["| setting | allowed | default | what it does |", "| --- | --- | --- | --- |"]
    for field in fields(table):
        hint = hints[field.name]
        default = "required" if field.default is NODEFAULT else f"`{_toml(field.default)}`"
        rows.append(f"| `{prefix}{field.name}` | {values.allowed(hint)} | {default} | {values.sentence(hint)} |")
    return "\n".join(rows) + "\n"


def _toml(value: object) -> str:
    """A default as it would stand in the file; `none` where it would be left out."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value}"
