"""Text → tokens → one vector, through onnxruntime and tokenizers alone.

`encode` holds the window rule that training and serving share. The encoder is a parameter: any ONNX file with inputs
`input_ids` and `attention_mask` whose first output is the last hidden state, beside a `tokenizer.json`. It trains
nothing and knows no router.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .features import window

WINDOW_TOKENS = 256
_TAIL_TOKENS = 64


@dataclass(frozen=True)
class EncodedText:
    """Token ids inside the window, the count of all tokens, and whether some were left out.

    The count is an estimate beyond `features.MAX_CHARACTERS`.
    """

    ids: list[int]
    n_tokens: int
    over_window: bool


def encode(tokenizer: Any, text: str) -> EncodedText:
    """The tokens of a text. Of more than 256 the first 192 and the last 64 stay.

    A request states its task at its head and its examples at its tail. Text beyond `features.MAX_CHARACTERS` is cut
    before that, in the same way.
    """
    cut = window(text.encode("utf-8", "replace").decode("utf-8"))
    ids: list[int] = tokenizer.encode(cut).ids
    n_tokens = round(len(ids) * len(text) / max(1, len(cut)))
    over = len(ids) > WINDOW_TOKENS or len(cut) < len(text)
    if len(ids) > WINDOW_TOKENS:
        ids = ids[: WINDOW_TOKENS - _TAIL_TOKENS] + ids[-_TAIL_TOKENS:]
    return EncodedText(ids, n_tokens, over)


class Encoder:
    """A frozen encoder; `embed` gives the unit-length mean of the last hidden states."""

    def __init__(self, folder: Path, n_threads: int = 1) -> None:
        """Load `encoder.onnx` and `tokenizer.json` from a folder."""
        import onnxruntime
        import tokenizers

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        self._session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options)
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))

    def embed(self, text: str) -> npt.NDArray[np.float32]:
        """Vector of one text, shape `(width,)`."""
        ids = np.array([encode(self._tokenizer, text).ids], dtype=np.int64)
        hidden = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        mean = hidden.mean(axis=0)
        unit: npt.NDArray[np.float32] = (mean / max(1e-9, float(np.linalg.norm(mean)))).astype(np.float32)
        return unit
