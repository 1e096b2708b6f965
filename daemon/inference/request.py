"""One request to generate, whichever endpoint it came through: the value that the service, policy and tiers read.

It fills in no default that depends on settings; such fields stay None, and whoever reads them fills them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halfwatt.daemon.wire import RequestOptions

CHARS_PER_TOKEN = 4.0  # roughly, of code and English
PromptShape = Literal["chat", "text", "fim"]


@dataclass(frozen=True)
class GenerationRequest:
    """`messages` for chat, `prompt` for text, `prompt` and `suffix` for fill-in-the-middle.

    `request_id` is unique and names the ledger's row. `whole`: the client takes the answer only when it is complete,
    so nothing is shown before its end. `model` is the name asked for: auto, local, cloud, a tier's name or a model id.
    Elsewhere None means the configured default.
    """

    request_id: str
    shape: PromptShape
    model: str
    options: RequestOptions
    messages: tuple[dict[str, str], ...] = ()
    prompt: str = ""
    suffix: str | None = None
    max_tokens: int | None = None
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    whole: bool = False

    def texts(self) -> tuple[str, ...]:
        """Everything that would be sent to a model, in order."""
        if self.shape == "chat":
            opening = (self.options.opening,) if self.options.opening else ()
            return (*(message["content"] for message in self.messages), *opening)
        return (self.prompt,) if self.suffix is None else (self.prompt, self.suffix)

    def about_n_tokens(self) -> int:
        """The prompt's tokens by its length, where no tokenizer has counted them."""
        return round(sum(map(len, self.texts())) / CHARS_PER_TOKEN)

    def judged_text(self) -> str:
        """What the router judges: the client's choice, else the last user message or the prompt."""
        if self.options.router_text is not None:
            return self.options.router_text
        users = [message["content"] for message in self.messages if message["role"] == "user"]
        return users[-1] if users else self.prompt
