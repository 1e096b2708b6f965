"""The commands that the language server announces."""

from __future__ import annotations

import inspect

from halfwatt.lsp.commands import Commands
from halfwatt.lsp.editor.extensions import COMMANDS


def test_every_announced_command_exists_and_every_command_is_announced() -> None:
    methods = {name for name in vars(Commands) if not name.startswith("_") and name != "run"}
    assert set(COMMANDS.values()) == methods
    assert all(inspect.iscoroutinefunction(vars(Commands)[name]) for name in methods)
