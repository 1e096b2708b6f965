"""What halfwatt adds to LSP is the same in the server, in PROTOCOL.md and in both clients, and as `wire` has it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from typescript import differences, page, shape

from halfwatt.daemon import wire
from halfwatt.lsp.editor import extensions

ROOT = Path(__file__).resolve().parents[2]
NAMES: dict[str, Any] = {**vars(wire), **vars(extensions), "ResultObject": wire.Result}
COMMANDS = {f"halfwatt.{name}" for name in extensions.COMMANDS}
NOTIFICATIONS = {
    extensions.DID_CHANGE_STATUS,
    extensions.GENERATE_DELTA,
    extensions.SHOW_DIFF,
    extensions.DID_SHOW_COMPLETION,
    extensions.DID_PARTIALLY_ACCEPT_COMPLETION,
}
NOT_IN_VSCODE = {"halfwatt.explain"}  # it shows the decision when it was made, by `halfwatt.why`
NOT_IN_NEOVIM = {"halfwatt.status"}  # its status line hears the notifications


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


PROTOCOL = read("lsp/PROTOCOL.md")
TYPESCRIPT = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "editors/vscode/src").glob("*.ts")}
PACKAGE = json.loads(read("editors/vscode/package.json"))
NEOVIM = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "editors/nvim/lua/halfwatt").glob("*.lua")}
PLUGIN = read("editors/nvim/plugin/halfwatt.lua")
HELP = read("editors/nvim/doc/halfwatt.txt")


def test_page_has_a_row_for_every_command() -> None:
    rows = re.findall(r"^\| `(halfwatt\.\w+)` \|", PROTOCOL, re.MULTILINE)
    assert sorted(rows) == sorted({*COMMANDS, extensions.COMPLETION_ACCEPTED})


def arguments_on_the_page() -> dict[str, set[str]]:
    """Command → the names of its arguments."""
    rows = re.findall(r"^\| `(halfwatt\.\w+)` \| `\{(.*?)\}`", PROTOCOL, re.MULTILINE)
    return {name: set(shape(written.replace("\\|", "|")).types) if written else set() for name, written in rows}


def arguments_read(path: str) -> dict[str, set[str]]:
    """Function → the names that it reads of `arguments`, or that a helper reads to which it hands them on."""
    nodes = ast.walk(ast.parse(read(path)))
    functions = {it.name: it for it in nodes if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name: _read_by(it, functions) for name, it in functions.items()}


def _read_by(function: ast.AST, functions: Mapping[str, ast.AST]) -> set[str]:
    found = set()
    for call in (it for it in ast.walk(function) if isinstance(it, ast.Call) and it.args):
        called, first = ast.unparse(call.func), call.args[0]
        if called == "arguments.get" and isinstance(first, ast.Constant):
            found.add(str(first.value))
        elif ast.unparse(first) == "arguments" and called.removeprefix("self.") in functions:
            found |= _read_by(functions[called.removeprefix("self.")], functions)
    return found


def test_page_has_the_arguments_that_each_command_reads() -> None:
    read_by, accepted = arguments_read("lsp/commands.py"), arguments_read("lsp/inline_completion.py")["accepted"]
    commands = {f"halfwatt.{name}": read_by[method] for name, method in extensions.COMMANDS.items()}
    assert arguments_on_the_page() == commands | {extensions.COMPLETION_ACCEPTED: accepted}


def test_vscode_and_neovim_send_arguments_that_the_page_names() -> None:
    asked = [it for text in TYPESCRIPT.values() for it in re.findall(r"'(halfwatt\.\w+)', \{ (.*?) \}\)", text)]
    run = re.findall(r"\brun\(\"(\w+)\", \{ (.*?) \}", NEOVIM["init.lua"])
    sent = [(name, re.findall(r"(?:^|, )(\w+)", it)) for name, it in asked if "{" not in it]
    sent += [(f"halfwatt.{name}", re.findall(r"(\w+) = ", it)) for name, it in run]
    assert len({name for name, _ in sent}) > 4
    known = arguments_on_the_page()
    assert {(name, it) for name, names in sent for it in names if it not in known[name]} == set()


def test_page_names_every_notification() -> None:
    assert set(re.findall(r"`(halfwatt/\w+)`", PROTOCOL)) == NOTIFICATIONS


def test_page_names_every_ability() -> None:
    declared = json.loads(re.search(r"^`(\{.*?\})`", PROTOCOL, re.MULTILINE)[1])  # type: ignore[index]
    assert set(declared) == set(get_args(extensions.Ability))


def test_page_shows_the_notifications_whole() -> None:
    written = page(PROTOCOL)
    assert set(written.shapes) == {"StatusNote", "StatusEnergy", "DeltaNote", "DiffNote"}
    for name, found in written.shapes.items():
        assert differences(found, NAMES[name], NAMES, written.aliases) == []
        assert set(found.types) == set(NAMES[name].__annotations__)


def test_types_that_the_page_names_are_its_own_or_the_daemons() -> None:
    table = "\n".join(line for line in PROTOCOL.splitlines() if line.startswith("|"))
    named = {word for span in re.findall(r"`([^`]*)`", table) for word in re.findall(r"\b[A-Z]\w+", span)}
    ours = {name for name, it in vars(wire).items() if getattr(it, "__module__", "") == wire.__name__}
    assert named
    assert named <= ours | set(page(PROTOCOL).shapes)


VSCODE = page(TYPESCRIPT["protocol.ts"])
OUR_OWN = {"GenerateArguments"}


@pytest.mark.parametrize("name", sorted(set(VSCODE.shapes) - OUR_OWN))
def test_vscode_reads_shapes_as_the_server_sends_them(name: str) -> None:
    assert differences(VSCODE.shapes[name], NAMES[name], NAMES, VSCODE.aliases) == []


def test_vscode_knows_the_same_words() -> None:
    for name, words in VSCODE.aliases.items():
        if name in NAMES:
            assert set(re.findall(r"'(\w+)'", words)) == set(get_args(NAMES[name]))


def test_vscode_asks_for_a_generation_as_the_page_says() -> None:
    row = re.search(r"^\| `halfwatt\.generate` \| `\{(.*?)\}`", PROTOCOL, re.MULTILINE)
    assert row is not None
    written, asked = shape(row[1].replace("\\|", "|")), VSCODE.shapes["GenerateArguments"]
    assert set(asked.types) <= set(written.types)
    assert asked.optional <= written.optional


def test_vscode_and_neovim_ask_for_notifications_by_known_names() -> None:
    for text in (TYPESCRIPT["protocol.ts"], NEOVIM["client.lua"]):
        declared = re.search(r"(?:ABILITIES = |WISHES = \{ halfwatt = )\{(.*?)\}", text)
        assert declared is not None
        assert set(re.findall(r"(\w+)\s*[:=]", declared[1])) <= set(get_args(extensions.Ability))


def test_vscode_offers_every_command_or_the_list_says_why_not() -> None:
    asked = {
        name
        for text in TYPESCRIPT.values()
        for name in re.findall(r"(?:ask(?:<.*?>)?|ofPreview|executeCommand)\('(halfwatt\.\w+)'", text)
    }
    pausing = set(re.findall(r"ask\(status\.last\?\.paused \? '([\w.]+)' : '([\w.]+)'\)", TYPESCRIPT["commands.ts"])[0])
    own = set(own_commands()) - COMMANDS
    assert (asked | pausing) - own == COMMANDS - NOT_IN_VSCODE


def own_commands() -> list[str]:
    """The palette's commands as commands.ts registers them."""
    table = re.search(r"const commands: .*? = \{\n(.*?)\n  \};", TYPESCRIPT["commands.ts"], re.DOTALL)
    assert table is not None
    return [f"halfwatt.{name}" for name in re.findall(r"^    (\w+):", table[1], re.MULTILINE)]


def test_vscode_registers_what_its_package_declares() -> None:
    declared = [it["command"] for it in PACKAGE["contributes"]["commands"]]
    assert sorted(own_commands()) == sorted(declared)
    shown = [
        *PACKAGE["contributes"]["keybindings"],
        *(it for menu in PACKAGE["contributes"]["menus"].values() for it in menu),
    ]
    ours = {it["command"] for it in shown if it["command"].startswith("halfwatt.")}
    assert ours <= set(declared)


def test_vscode_and_neovim_listen_to_every_notification() -> None:
    from_server = {extensions.DID_CHANGE_STATUS, extensions.GENERATE_DELTA, extensions.SHOW_DIFF}
    for texts in (TYPESCRIPT, NEOVIM):
        named = {name for text in texts.values() for name in re.findall(r"['\"](halfwatt/\w+)['\"]", text)}
        assert from_server <= named <= NOTIFICATIONS


def test_neovim_offers_every_command_or_the_list_says_why_not() -> None:
    asked = {f"halfwatt.{name}" for name in re.findall(r"\brun\(\"(\w+)\"", NEOVIM["init.lua"])}
    assert asked == COMMANDS - NOT_IN_NEOVIM


def test_neovims_commands_and_mappings_call_what_exists() -> None:
    called = set(re.findall(r"call\(\"(\w+)\"\)", PLUGIN)) | set(
        re.findall(r"^plug\(.*\"(\w+)\"\)$", PLUGIN, re.MULTILINE)
    )
    assert called <= set(re.findall(r"^function M\.(\w+)\(", NEOVIM["init.lua"], re.MULTILINE))


def test_neovims_help_has_every_command_and_mapping() -> None:
    commands = re.findall(r"^command\(\"(\w+)\"", PLUGIN, re.MULTILINE)
    assert sorted(re.findall(r"\*:Halfwatt(\w+)\*", HELP)) == sorted(commands)
    mappings = re.findall(r"^plug\(\"\w\", \"([\w-]+)\"", PLUGIN, re.MULTILINE)
    assert set(re.findall(r"<Plug>\(halfwatt-([\w-]+)\)", HELP)) == set(mappings)
