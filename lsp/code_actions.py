"""The code action "Generate function": offered at a stub, a describing comment or a call of an undefined name.

It only looks: no model is asked, and nothing changes before the editor runs the action's command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from halfwatt.daemon.errors import HalfwattError
from halfwatt.lsp.editor.documents import Snapshot, UnusableText
from halfwatt.lsp.editor.editor import Editor

if TYPE_CHECKING:
    from halfwatt.daemon.code.targets import Target

KINDS = (types.CodeActionKind.RefactorRewrite, types.CodeActionKind.QuickFix)


def code_actions(editor: Editor, params: types.CodeActionParams) -> list[types.CodeAction]:
    """At most one action."""
    try:
        return _actions_in(editor, params, editor.snapshot(params.text_document.uri))
    except UnusableText as error:
        return _disabled(editor, str(error))
    except HalfwattError:
        return []  # another language's document: nothing to say here


def _actions_in(editor: Editor, params: types.CodeActionParams, now: Snapshot) -> list[types.CodeAction]:
    from halfwatt.daemon.code.targets import TargetRefusal, find
    from halfwatt.daemon.code.undefined import diagnosed_names

    undefined = diagnosed_names(it.message for it in params.context.diagnostics)
    found = find(now.source, now.offset(params.range.start), undefined, now.path)
    if found is None:
        return []
    if isinstance(found, TargetRefusal):
        return _disabled(editor, found.reason)
    action = _action(params, now, found, undefined)
    only = params.context.only
    if only and not any(str(_plain(action.kind)).startswith(str(_plain(it))) for it in only):
        return []
    return [action]


def _action(params: types.CodeActionParams, now: Snapshot, target: Target, undefined: list[str]) -> types.CodeAction:
    is_call = target.kind == "call"
    position = {"line": params.range.start.line, "character": params.range.start.character}
    arguments = {"uri": now.uri, "position": position, "undefined": undefined}
    named = [it for it in params.context.diagnostics if is_call and target.name in it.message]
    return types.CodeAction(
        target.title,
        kind=types.CodeActionKind.QuickFix if is_call else types.CodeActionKind.RefactorRewrite,
        diagnostics=named or None,
        command=types.Command(target.title, "halfwatt.generate", arguments=[arguments]),
    )


def _disabled(editor: Editor, reason: str) -> list[types.CodeAction]:
    """The action greyed out with its reason, for editors that can show that."""
    if not editor.can("text_document.code_action.disabled_support"):
        return []
    kind = types.CodeActionKind.RefactorRewrite
    return [types.CodeAction("Generate function", kind=kind, disabled=types.CodeActionDisabled(reason=reason))]


def _plain(kind: object) -> object:
    """A kind's text: some clients send words that the protocol's enumeration does not have."""
    return getattr(kind, "value", kind)
