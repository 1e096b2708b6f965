"""One completion for the command line: ghost text's own prompt, stop rules and post-processing, without an editor.

It has no rules about when to suggest, no filter and no cache, because whoever calls a command has asked. It calls no
model itself.
"""

from __future__ import annotations

from dataclasses import replace

from halfwatt.daemon.settings.schema import ContextSource, PrivacyConfig
from halfwatt.daemon.wire import Result, StopRule
from halfwatt.lsp.completion.context.gather import ContextDocument, Gatherer
from halfwatt.lsp.completion.context.prompt import Budget, CompletionPrompt, prompt
from halfwatt.lsp.completion.postprocess.brackets import balanced
from halfwatt.lsp.completion.postprocess.candidate import PostprocessCandidate
from halfwatt.lsp.completion.postprocess.chain import clean

from .extent import UNFINISHED_STOPS, is_block, stop_rules
from .prompt_budget import PromptBudget
from .values import Query


class OneShotCompletion:
    """A cursor in a document. Its context is the files behind its imports; the rest needs an editor's session."""

    def __init__(
        self, document: ContextDocument, offset: int, sources: tuple[ContextSource, ...], privacy: PrivacyConfig
    ) -> None:
        text = document.text
        self._query = Query(document.uri, text[:offset], text[offset:], document.language, "invoked", document.path)
        self._multiline = is_block(self._query)
        budget = Budget.of_tokens(PromptBudget().budget_tokens)
        context = Gatherer().context(document, offset, sources, privacy, budget.context)
        self.prompt: CompletionPrompt = prompt(context, self._query.prefix, self._query.suffix, budget)
        self.stop_rules: tuple[StopRule, ...] = stop_rules(self._multiline)

    def fitted(self, result: Result) -> str:
        """The answer as it may be inserted at the cursor; empty where it holds nothing useful."""
        query = self._query
        raw = PostprocessCandidate(
            result.code, query.prefix, query.suffix, query.language, self._multiline, result.stop in UNFINISHED_STOPS
        )
        shown = clean(raw)
        if not shown.n_replaced:
            return shown.text
        return balanced(replace(shown, n_replaced=0)).text  # an editor replaces closers; here they stay
