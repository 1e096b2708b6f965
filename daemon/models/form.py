"""In which form a model runs: its quantization and chat template. What was learned of drafts holds for one form."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUANTIZATION = re.compile(r"(?:^|[-_.])((?:i?q\d\w*)|bf16|f16|fp16|f32)(?=[-.]|$)")
_MARKS = {"chatml": "<|im_start|>", "llama3": "<|start_header_id|>"}


@dataclass(frozen=True)
class ModelForm:
    """Names as the router's tables spell them, for example q4_k_m and chatml; empty where unknown."""

    quantization: str = ""
    template: str = ""


def form_of(file_name: str, chat_template: str | None) -> ModelForm:
    """From the usual name of a GGUF file and the catalog's template. A user's own file has no template here: the
    worker reads it from the file, so its drafts are judged by the first estimate alone."""
    found = _QUANTIZATION.findall(file_name.lower())
    template = next((name for name, mark in _MARKS.items() if mark in (chat_template or "")), "")
    return ModelForm(found[-1] if found else "", template)
