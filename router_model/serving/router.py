"""The shipped router at run time: from a text to estimates for every model that it has labels for.

    Router.load().estimate("def area(radius: float) -> float: ...")

It needs numpy, onnxruntime, tokenizers and msgspec, one thread, and bounded work for any length of text. It decides
nothing (`decide.py`) and logs nothing: the text leaves no trace.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.errors import RouterUnavailable

from .artifact_io import DEFAULT_FOLDER, ArtifactTables, read_tables, total_bytes, verify
from .encoder import encode
from .estimates import Estimates, ModelEstimate
from .features import NO_FEATURES, Features, features

_NORMAL_80 = 1.2816
_MAX_TOKENS = 4096.0


class Router:
    """Holds one onnxruntime session. Make it with `load`; `estimate` may be called from any thread."""

    def __init__(self, folder: Path, tables: ArtifactTables, session: Any, tokenizer: Any) -> None:
        self.folder = folder
        self.tables = tables
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path | None = None) -> "Router":
        """Verify and open the artifact. Raises `RouterUnavailable`, which says what is wrong with it."""
        place = folder or DEFAULT_FOLDER
        verify(place)
        tables = read_tables(place)
        try:
            return cls(place, tables, open_graph(place / "router.onnx"), _tokenizer(place / "tokenizer.json"))
        except Exception as error:  # onnxruntime and tokenizers raise their own bare types
            raise RouterUnavailable("The router's graph cannot be opened. Reinstall halfwatt.") from error

    def estimate(self, text: str) -> Estimates:
        """What each labelled model would do with this request.

        `text` is the signature with its docstring or comment. Texts over the window are judged by their head and
        tail (`encoder.encode`), get intervals twice as wide, and are flagged `over_window`.
        """
        encoded = encode(self._tokenizer, text)
        passing, members, log_tokens = self._run(encoded.ids, features(text), ["passing", "members", "log_tokens"])
        widen = 2.0 if encoded.over_window else 1.0
        spread = members.reshape(self.tables.n_members, -1).std(axis=0) * self.tables.member_spread * widen
        by_model = {
            model: self._estimate(index, passing, spread, log_tokens) for index, model in enumerate(self.tables.models)
        }
        return Estimates(by_model, encoded.n_tokens, encoded.over_window)

    def meaning(self, text: str) -> npt.NDArray[np.float64]:
        """The encoder's unit vector of a text, shape `(width,)`; training and measuring use the shipped encoder."""
        return self._run(encode(self._tokenizer, text).ids, NO_FEATURES, ["meaning"])[0]

    def info(self) -> dict[str, Any]:
        """Facts for `halfwatt router info`."""
        return {
            "folder": self.folder.name,
            "artifact_bytes": total_bytes(self.folder),
            "models": list(self.tables.models),
            "encoder": self.tables.encoder,
            "trained_on": self.tables.trained_on,
            "brier": dict(zip(self.tables.models, self.tables.brier, strict=True)),
            "targets": self.tables.targets,
            "draft_tables": {
                name: f"{table.quantization}, {table.template}" for name, table in self.tables.drafts.items()
            },
        }

    def _run(self, token_ids: list[int], inputs: Features, outputs: list[str]) -> list[npt.NDArray[np.float64]]:
        ids = np.array([token_ids], dtype=np.int64)
        named = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "words": inputs.words[None],
            "grams": inputs.grams[None],
            "surface": inputs.surface[None],
        }
        return [np.asarray(part[0], dtype=np.float64) for part in self._session.run(outputs, named)]

    def _estimate(
        self, index: int, passing: npt.NDArray[Any], spread: npt.NDArray[Any], log_tokens: npt.NDArray[Any]
    ) -> ModelEstimate:
        slope, intercept = self.tables.calibration[index]
        p_pass = float(passing[index] * slope + intercept)
        half = float(spread[index]) * abs(slope) * _NORMAL_80
        low, high = self.tables.token_quantiles[index]
        middle = float(log_tokens[index])
        return ModelEstimate(
            p_pass=_probability(p_pass),
            p_low=_probability(p_pass - half),
            p_high=_probability(p_pass + half),
            tokens=_count(np.exp(middle) * self.tables.smearing[index]),
            tokens_low=_count(np.exp(middle + low)),
            tokens_high=_count(np.exp(middle + high)),
        )


def _probability(value: float) -> float:
    return min(0.98, max(0.02, value))


def _count(value: float) -> float:
    return float(min(_MAX_TOKENS, max(1.0, value)))


def open_graph(path: Path) -> Any:
    """An onnxruntime session of one thread. Raises what onnxruntime raises."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # the fused addition and norm is slower on processors than the two apart: a tenth of the whole decision
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


def _tokenizer(path: Path) -> Any:
    import tokenizers

    return tokenizers.Tokenizer.from_file(str(path))
