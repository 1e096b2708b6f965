"""`halfwatt generate|complete|explain FILE:LINE[:COL]`: what the language server does, for a shell.

It reads and writes files by source_file.py and asks the daemon; it decides nothing about code or routes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halfwatt.daemon.cli.common import print_json, run
from halfwatt.daemon.wire import (
    AnswerItem,
    Energy,
    Latency,
    RequestOptions,
    Result,
    Route,
    RouteDecision,
    Saved,
    TokenCounts,
)

if TYPE_CHECKING:
    from halfwatt.daemon.client.client import Client
    from halfwatt.daemon.code.targets import Target
    from halfwatt.daemon.inference.generation_prompt import GenerationPrompt
    from halfwatt.lsp.completion.one_shot import OneShotCompletion

    from .source_file import SourceFile

app = typer.Typer()

PlaceArgument = Annotated[
    str, typer.Argument(metavar="FILE:LINE[:COL]", help="A stub, a comment or an undefined call.")
]
Cursor = Annotated[str, typer.Argument(metavar="FILE:LINE:COL", help="Where the cursor is.")]
RouteOption = Annotated[Route | None, typer.Option("--route", help="Who answers; default: the configured route.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JSON_FIELDS = (
    *("code", "tier", "kind", "model", "reason", "scores"),
    *("stop", "tokens", "latency_ms", "energy", "saved"),
)


@app.command()
@run
def generate(
    place: PlaceArgument,
    route: RouteOption = None,
    as_json: AsJson = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write the file.")] = False,
) -> None:
    """Generate a function's body, or the function that a comment describes or a call misses."""
    from halfwatt.daemon.code.edits import apply as applied
    from halfwatt.daemon.errors import AnswerError
    from halfwatt.daemon.inference.generation_prompt import generation_prompt
    from halfwatt.lsp.generate.fit import fit

    from . import source_file

    file, target = _target(place)
    if apply:
        source_file.check_writable(file)
    prompt = generation_prompt(file.source, target)
    answer = asyncio.run(_stoppable(_generate(prompt, _options(file, target, prompt, route))))
    try:
        fitted = fit(file.source, target, answer.code, answer.continued, file.path.parent)
    except AnswerError:
        whole = prompt.answer(answer.code, answer.continued)
        _print(_with_code(answer, whole), as_json)  # to be copied; the error says that nothing was changed
        raise
    if apply:
        write_or_print(file, applied(file.text, fitted.edits), fitted.shown)
    asyncio.run(_tell(answer, "accepted" if apply else "offered", len(fitted.code)))
    _print(_with_code(answer, fitted.shown), as_json)
    if apply:
        typer.echo(f"{file.path} was changed.", err=True)


@app.command()
@run
def complete(place: Cursor, route: RouteOption = None, as_json: AsJson = False) -> None:
    """Complete the code at a position: the text that would be ghost text in an editor."""
    from halfwatt.daemon.privacy.document_secrets import secrets_of

    from . import source_file

    path, line, column = source_file.parse_place(place)
    file = source_file.read(path)
    at = file.offset(line, column)
    one_shot = _one_shot(file, at)
    options = RequestOptions(
        kind="complete",
        route=route,
        editor="cli",
        language=file.language.id,
        path=str(path.absolute()),
        document_secrets=secrets_of(file.text),
        router_text=file.text[max(at - 400, 0) : at],
        stop_rules=one_shot.stop_rules,
    )
    answer = asyncio.run(_stoppable(_complete(one_shot, options)))
    _print(_with_code(answer, one_shot.fitted(answer)), as_json)


@app.command()
@run
def explain(place: PlaceArgument, route: RouteOption = None, as_json: AsJson = False) -> None:
    """Say which model would answer and why; no model is called."""
    from halfwatt.daemon.inference.generation_prompt import generation_prompt
    from halfwatt.lsp.generate import wording

    file, target = _target(place)
    prompt = generation_prompt(file.source, target)
    decision = asyncio.run(_decide(prompt, _options(file, target, prompt, route)))
    if as_json:
        _print(_undone(decision), as_json)
    else:
        typer.echo(wording.decision(decision).replace("**", ""))


def _one_shot(file: SourceFile, at: int) -> OneShotCompletion:
    """The cursor with its context. Context comes from the current folder, and only for a file below it."""
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import file as settings_file
    from halfwatt.lsp.completion.context.gather import ContextDocument
    from halfwatt.lsp.completion.one_shot import OneShotCompletion

    path, folder = file.path.resolve(), Path.cwd().resolve()
    workspace = str(folder) if path.is_relative_to(folder) else None
    document = ContextDocument(path.as_uri(), str(path), file.text, file.language.id, workspace)
    config = settings_file.load(user_paths(os.environ), os.environ)
    return OneShotCompletion(document, at, config.completion.context, config.privacy)


def write_or_print(file: SourceFile, text: str, code: str) -> None:
    """Write the file. Where that fails, the answer goes to stdout, so that it is not lost."""
    from . import source_file

    try:
        source_file.write(file, text)
    except BaseException:
        typer.echo(code)
        raise


def _target(place: str) -> tuple[SourceFile, Target]:
    from halfwatt.daemon.code.targets import NOTHING_HERE, TargetRefusal, find
    from halfwatt.daemon.errors import UsageError

    from . import source_file

    path, line, column = source_file.parse_place(place)
    file = source_file.read(path)
    found = find(file.source, file.offset(line, column), path=str(path))
    if found is None:
        raise UsageError(f"{NOTHING_HERE} Nothing was done.")
    if isinstance(found, TargetRefusal):
        raise UsageError(f"Nothing was generated: {found.reason}.")
    return file, found


def _options(file: SourceFile, target: Target, prompt: GenerationPrompt, route: Route | None) -> RequestOptions:
    from halfwatt.daemon.privacy.document_secrets import secrets_of

    return RequestOptions(
        kind="generate",
        route=route,
        editor="cli",
        language=file.language.id,
        path=str(file.path.absolute()),
        document_secrets=secrets_of(file.text),
        router_text=target.router_text,
        stop_rules=prompt.stop_rules,
        opening=prompt.opening,
    )


async def _stoppable(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of the work. After Ctrl-C, any error that the request raises while it ends counts as the stop."""
    try:
        return await work
    except Exception:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from None
        raise


async def _connect() -> Client:
    from halfwatt.daemon.client.client import Client
    from halfwatt.daemon.paths import user_paths

    return await Client.connect(user_paths(os.environ), os.environ)


async def _generate(prompt: GenerationPrompt, options: RequestOptions) -> Result:
    async with await _connect() as client:
        return await _collected(client.chat(prompt.messages, options))


async def _complete(one_shot: OneShotCompletion, options: RequestOptions) -> Result:
    async with await _connect() as client:
        return await _collected(client.complete(one_shot.prompt.prefix, one_shot.prompt.suffix, options))


async def _decide(prompt: GenerationPrompt, options: RequestOptions) -> RouteDecision:
    async with await _connect() as client:
        return await client.route(options, prompt.messages)


async def _tell(result: Result, outcome: Any, n_chars: int) -> None:
    from halfwatt.daemon.wire import Feedback

    if result.request_id:
        async with await _connect() as client:
            await client.feedback(Feedback(result.request_id, outcome, n_chars))


async def _collected(stream: AsyncGenerator[AnswerItem, None]) -> Result:
    """The stream's result. The decision is shown on a terminal's stderr; leaving early cancels the request."""
    from halfwatt.daemon.errors import DaemonError

    text = ""
    async with aclosing(stream):
        async for item in stream:
            if isinstance(item, Result):
                _show_progress("")
                return item if item.code else _with_code(item, text)
            if isinstance(item, RouteDecision):
                _show_progress(f"{item.tier}: {item.reason}")
            else:
                text += item
    raise DaemonError("The daemon ended the answer without a result. Nothing was changed; try again.")


def _show_progress(message: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{message[:120]}")
        sys.stderr.flush()


def _with_code(result: Result, code: str) -> Result:
    import msgspec

    return msgspec.structs.replace(result, code=code)


def _undone(decision: RouteDecision) -> Result:
    """A decision without a call, in the shape of an answer. Its code is empty, and its energy unknown."""
    return Result(
        code="",
        tier=decision.tier,
        kind=decision.kind,
        model=decision.model,
        reason=decision.reason,
        scores=decision.scores,
        stop="",
        tokens=TokenCounts(0, 0),
        latency_ms=Latency(),
        energy=Energy(),
        saved=Saved(),
    )


def _print(result: Result, as_json: bool) -> None:
    """The code on stdout and a line about it on stderr, or the JSON of the contract."""
    from halfwatt.lsp.generate import wording

    if as_json:
        print_json({name: getattr(result, name) for name in JSON_FIELDS})
        return
    typer.echo(result.code)
    typer.echo(f"{wording.summary(result)}\n{result.reason}", err=True)
