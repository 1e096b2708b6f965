"""What the server's commands do: from JSON arguments to JSON answers. editor/extensions.py lists them.

A failure is a HalfwattError whose text is a sentence for the user. Doctor, keys and the dashboard's link belong to the
command line: they are run as a child process, so that the server does not import them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

import msgspec
from lsprotocol import types

from halfwatt.daemon.child_process import child_environ, python_command, working_folder
from halfwatt.daemon.code.targets import NOTHING_HERE, Target, TargetRefusal, find
from halfwatt.daemon.code.undefined import diagnosed_names
from halfwatt.daemon.errors import HalfwattError, UsageError
from halfwatt.daemon.inference.generation_prompt import generation_prompt
from halfwatt.daemon.privacy.document_secrets import secrets_of
from halfwatt.daemon.wire import RequestOptions, Result, Route, RouteDecision, Status
from halfwatt.lsp.editor.daemon_link import DaemonLink
from halfwatt.lsp.editor.documents import Snapshot
from halfwatt.lsp.editor.editor import Editor
from halfwatt.lsp.editor.extensions import COMMANDS
from halfwatt.lsp.editor.untyped import fields
from halfwatt.lsp.generate import wording
from halfwatt.lsp.generate.jobs import GenerationJob, Jobs

Arguments = Mapping[str, Any]
Command = Callable[[Arguments], Awaitable[Any]]
CHILD_LIMIT_S = 60.0


class Commands:
    """The commands of one editor window."""

    def __init__(self, editor: Editor, jobs: Jobs, link: DaemonLink, last: Callable[[], Status | None]) -> None:
        self._editor = editor
        self._jobs = jobs
        self._link = link
        self._last = last

    async def run(self, name: str, arguments: Arguments) -> Any:
        """The JSON answer of a command named as in extensions.py; raises HalfwattError."""
        command: Command = getattr(self, COMMANDS[name])
        return await command(arguments)

    async def generate(self, arguments: Arguments) -> dict[str, str]:
        route = _route(arguments)
        now, offset = self._place(arguments)
        found = find(now.source, offset, _undefined(arguments), now.path)
        job = GenerationJob(now, found, route) if isinstance(found, Target) else self._jobs.again(now, offset, route)
        if job is None:
            raise UsageError(_refusal(found))
        job.review = bool(arguments.get("review"))
        return {"job": self._jobs.start(job)}

    async def accept(self, arguments: Arguments) -> None:
        if not self._jobs.accept(str(arguments.get("job"))):
            raise UsageError("There is no such generation any more. Ask for a new one.")

    async def cancel(self, arguments: Arguments) -> dict[str, int]:
        return {"cancelled": self._jobs.cancel(arguments.get("job"))}

    async def explain(self, arguments: Arguments) -> dict[str, Any]:
        now, offset = self._place(arguments)
        found = find(now.source, offset, _undefined(arguments), now.path)
        if not isinstance(found, Target):
            raise UsageError(_refusal(found))
        options = RequestOptions(
            kind="generate",
            route=_route(arguments),
            editor=self._editor.name,
            language=now.language.id,
            path=now.path or None,
            document_secrets=await asyncio.to_thread(secrets_of, now.text),
            router_text=found.router_text,
            dry_run=True,
        )
        client = await self._link.client()
        prompt = generation_prompt(now.source, found)
        decision: RouteDecision = await client.route(options, prompt.messages)
        return {"decision": msgspec.to_builtins(decision), "text": wording.decision(decision)}

    async def why(self, _: Arguments) -> dict[str, Any]:
        result = self._last_result()
        return {"result": msgspec.to_builtins(result) if result else None, "text": wording.why(result)}

    async def energy(self, arguments: Arguments) -> Any:
        client = await self._link.client()
        return msgspec.to_builtins(await client.energy(str(arguments.get("since") or "7d")))

    async def status(self, _: Arguments) -> Any:
        return msgspec.to_builtins(await (await self._link.client()).status())

    async def pause(self, arguments: Arguments) -> Any:
        minutes = arguments.get("minutes")
        if minutes is not None and (not isinstance(minutes, int | float) or minutes <= 0):
            raise UsageError("`minutes` must be a number above 0, or be left out to pause until you resume.")
        return msgspec.to_builtins(await (await self._link.client()).pause(minutes))

    async def resume(self, _: Arguments) -> Any:
        return msgspec.to_builtins(await (await self._link.client()).resume())

    async def set_dial(self, arguments: Arguments) -> Any:
        dial = arguments.get("dial")
        if not isinstance(dial, str | int | float):
            raise UsageError("`dial` must be eco, balanced, quality or a number from 0 on.")
        return msgspec.to_builtins(await (await self._link.client()).dial(dial))

    async def dashboard(self, _: Arguments) -> dict[str, str]:
        return msgspec.json.decode(await self._child(["dashboard", "--json"]), type=dict[str, str])

    async def logs(self, _: Arguments) -> dict[str, str]:
        return {"path": str(self._link.paths.log_file)}

    async def doctor(self, _: Arguments) -> dict[str, str]:
        return {"text": await self._child(["doctor"], may_fail=True)}

    async def set_cloud_key(self, arguments: Arguments) -> dict[str, str]:
        provider, key = arguments.get("provider"), arguments.get("key")
        if not isinstance(provider, str) or not isinstance(key, str) or not key.strip() or provider.startswith("-"):
            raise UsageError("A provider and a key are needed. No key was stored.")
        return {"stored": (await self._child(["key", "set", provider], key + "\n")).strip()}

    async def pull_model(self, arguments: Arguments) -> Any:
        client = await self._link.client()
        return msgspec.to_builtins(await client.pull(str(arguments.get("id") or "auto")))

    def _place(self, arguments: Arguments) -> tuple[Snapshot, int]:
        position = fields(arguments.get("position"))
        uri, line, character = arguments.get("uri"), position.get("line"), position.get("character")
        if not isinstance(uri, str) or not isinstance(line, int) or not isinstance(character, int):
            raise UsageError("This command needs `uri` and `position` (`line`, `character`). Nothing was done.")
        now = self._editor.snapshot(uri)
        return now, now.offset(types.Position(line, character))

    def _last_result(self) -> Result | None:
        """This window's last generation, else the daemon's last request."""
        status = self._last()
        return self._jobs.last or (status.last if status else None)

    async def _child(self, arguments: list[str], stdin: str = "", may_fail: bool = False) -> str:
        """What `halfwatt ARGUMENTS` prints. HalfwattError holds what it said where it fails."""
        process = await asyncio.create_subprocess_exec(
            *python_command("halfwatt.lsp.cli", *arguments),
            cwd=working_folder(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environ(self._link.environ),
        )
        try:
            async with asyncio.timeout(CHILD_LIMIT_S):
                out, problem = await process.communicate(stdin.encode())
        except TimeoutError:
            process.kill()
            raise HalfwattError(
                f"`halfwatt {arguments[0]}` took too long and was ended. Try it in a terminal."
            ) from None
        if process.returncode != 0 and not may_fail:
            raise HalfwattError(problem.decode(errors="replace").strip() or f"`halfwatt {arguments[0]}` failed.")
        return out.decode(errors="replace")


def _refusal(found: Target | TargetRefusal | None) -> str:
    return f"Nothing was generated: {found.reason}." if isinstance(found, TargetRefusal) else NOTHING_HERE


def _undefined(arguments: Arguments) -> list[str]:
    """Names that the editor knows to be undefined, given as such or as diagnostics' messages."""
    given = [str(it) for it in arguments.get("undefined") or ()]
    return [*given, *diagnosed_names(given)]


def _route(arguments: Arguments) -> Route | None:
    route = arguments.get("route")
    if route is not None and route not in get_args(Route):
        raise UsageError(f"Unknown route {route!r}. Allowed: {', '.join(get_args(Route))}. Nothing was done.")
    return route
