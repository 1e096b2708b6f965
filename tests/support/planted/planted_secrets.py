"""Secrets planted into text: each kind in the spellings of files that people have open, the same for each seed.

The line of a secret stands between ordinary lines of the same language, so that a window has something around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from planted_kinds import KINDS, Kind
from planted_names import set_aside

URL_SIGNS = "!$&*+=?-_.~"  # as people leave them, though some should be encoded


@dataclass(frozen=True)
class Planted:
    """A text with one secret in it. `value` is the secret's own text, as it stands there."""

    kind: str
    spelling: str
    text: str
    value: str


@dataclass(frozen=True)
class Spelling:
    """How one language writes a named value. `lines` have the places {name} and {value}; `case` spells the name."""

    lines: tuple[str, ...]
    case: Callable[[str], str]
    before: str
    after: str
    escape: Callable[[str], str] = lambda value: value


def snake(name: str) -> str:
    return name


def upper(name: str) -> str:
    return name.upper().replace("-", "_")


def camel(name: str) -> str:
    head, *rest = re.split(r"[-_]", name) if not name.isupper() else [name]
    return head + "".join(part.title() for part in rest)


def pascal(name: str) -> str:
    told = camel(name)
    return told[:1].upper() + told[1:]


def kebab(name: str) -> str:
    return name.replace("_", "-") if not name.isupper() else name


def quoted(value: str) -> str:
    """For double quotes, as in JSON, without the quotes themselves."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def in_shell(value: str) -> str:
    return value if re.fullmatch(r"[\w.:/@%+=-]+", value) else "'" + value.replace("'", "'\\''") + "'"


def in_yaml(value: str) -> str:
    if "\n" in value:
        return "|\n" + "\n".join("    " + line for line in value.split("\n"))
    return value if re.fullmatch(r"[\w.:/@%+=~-]+", value) else "'" + value + "'"


def in_line(value: str) -> str:
    return value.replace("\n", "\\n")


def in_comment(value: str) -> str:
    return value.replace("\n", " ")


def in_url(value: str) -> str:
    return quote(value, safe=URL_SIGNS)


SPELLINGS: dict[str, Spelling] = {
    "env": Spelling(("{name}={value}", '{name}="{value}"'), upper, "DEBUG=0\nPORT=8080\n", "LOG_LEVEL=info\n", in_line),
    "python": Spelling(
        (
            '{name}: str = "{value}"',
            '{name}: Final[str] = "{value}"',
            'connect(host, {name}="{value}")',
            'self.{name} = "{value}"',
        ),
        snake,
        "import os\n\n",
        "\n\ndef connect(host: str) -> None:\n    ...\n",
        quoted,
    ),
    "typescript": Spelling(
        (
            'const {name}: string = "{value}";',
            'export const {name} = "{value}";',
            '  private {name}: string | null = "{value}";',
        ),
        camel,
        'import fs from "fs";\n\n',
        "\nexport function run(): void {}\n",
        quoted,
    ),
    "go": Spelling(
        ('\t{name} := "{value}"', 'var {name} string = "{value}"', '\t\t{Name}: "{value}",'),
        camel,
        'package main\n\nimport "fmt"\n\nfunc main() {\n',
        "\n\tfmt.Println(1)\n}\n",
        quoted,
    ),
    "rust": Spelling(
        (
            'const {NAME}: &str = "{value}";',
            'pub static {NAME}: &\'static str = "{value}";',
            '    let {name} = "{value}".to_string();',
        ),
        snake,
        "use std::env;\n\n",
        "\nfn main() {}\n",
        quoted,
    ),
    "c": Spelling(
        ('#define {NAME} "{value}"', 'static const char *{name} = "{value}";', 'const char {name}[] = "{value}";'),
        snake,
        "#include <stdio.h>\n\n",
        "\nint main(void) { return 0; }\n",
        quoted,
    ),
    "java": Spelling(
        (
            '        config.set{Name}("{value}");',
            '    private static final String {NAME} = "{value}";',
            '        props.put("{name}", "{value}");',
        ),
        camel,
        "class Main {\n",
        "\n}\n",
        quoted,
    ),
    "yaml": Spelling(("  {name}: {value}",), snake, "service:\n  port: 8080\n", "  debug: false\n", in_yaml),
    "json": Spelling(('  "{name}": "{value}",',), camel, '{\n  "port": 8080,\n', '  "debug": false\n}\n', quoted),
    "ini": Spelling(
        ("{name} = {value}", "{name}={value}", "{name}: {value}"),
        snake,
        "[server]\nport = 8080\n",
        "debug = no\n",
        in_line,
    ),
    "shell": Spelling(
        ("export {NAME}={value}", "{NAME}={value} ./run.sh"),
        snake,
        "#!/bin/sh\nset -eu\n",
        "echo done\n",
        lambda value: in_shell(in_line(value)),
    ),
    "url": Spelling(
        (
            'endpoint = "https://api.acme.test/v1/items?{name}={value}&page=2"',
            "curl https://deploy:{value}@git.acme.test/repo.git",
        ),
        snake,
        "# fetch\n",
        "\n",
        in_url,
    ),
    "comment": Spelling(
        ("# {name}: {value}", "// {name} = {value}", "/* old {name}: {value} */", "-- {name} is {value}"),
        snake,
        "x = 1\n",
        "y = 2\n",
        in_comment,
    ),
    "bare": Spelling(("{value}",), snake, "", "\n"),
    "shell_text": Spelling(("cat > ~/.netrc <<END\n{value}\nEND",), snake, "#!/bin/sh\n", "chmod 600 ~/.netrc\n"),
}
COMMON = tuple(name for name in SPELLINGS if name not in ("bare", "shell_text"))


def planted(n_texts: int | None = None, seed: int = 7, aside: bool | None = None) -> list[Planted]:
    """Every kind in each of its spellings, or `n_texts` of them at random. `aside`: only or none of those set aside."""
    chance = Random(seed)  # noqa: S311 - made-up values, no secrets
    chosen = [kind for kind in KINDS if aside is None or (kind.name in set_aside()) is aside]
    everything = [plant(kind, spelling, chance) for kind in chosen for spelling in kind.spellings or COMMON]
    return everything if n_texts is None else chance.sample(everything, n_texts)


def plant(kind: Kind, spelling: str, chance: Random) -> Planted:
    """One secret of a kind in a spelling."""
    form = SPELLINGS[spelling]
    name, raw = chance.choice(kind.names), kind.make(chance)
    value = form.escape(raw)
    told = form.case(name) if not name.isupper() and "-" not in name else name
    line = chance.choice(form.lines)
    places = {"{name}": told, "{NAME}": upper(name), "{Name}": pascal(name), "{value}": value}
    for place, text in places.items():
        line = line.replace(place, text)
    return Planted(kind.name, spelling, f"{form.before}{line}\n{form.after}", value)


def in_parts(each: Planted) -> Iterator[tuple[str, str]]:
    """The text cut in two within the secret, at every fourth place."""
    start = each.text.index(each.value)
    for at in range(start + 1, start + len(each.value), max(1, len(each.value) // 4)):
        yield each.text[:at], each.text[at:]
