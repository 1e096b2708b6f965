"""The form in which a model runs: its quantization and chat template.

What the router has learnt about drafts holds for one form. A chat template of a new kind needs a line in `_MARKS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUANTIZATION = re.compile(r"(?:^|[-_.])((?:i?q\d\w*)|bf16|f16|fp16|f32)(?=[-.]|$)")
_MARKS = {"chatml": "<|im_start|>", "llama3": "<|start_header_id|>"}


@dataclass(frozen=True)
class ModelForm:
    """Names as in the router's tables, for example q4_k_m and chatml; empty where unknown."""

    quantization: str = ""
    template: str = ""


def form_of(file_name: str, chat_template: str | None) -> ModelForm:
    """The form, from the usual name of a GGUF file and the catalog's chat template.

    A user's own file has no template here, because the worker reads it from the file. So its drafts are judged by the
    first estimate alone."""
    found = _QUANTIZATION.findall(file_name.lower())
    template = next((name for name, mark in _MARKS.items() if mark in (chat_template or "")), "")
    return ModelForm(found[-1] if found else "", template)
