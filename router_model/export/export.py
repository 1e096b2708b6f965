"""Stage 5, *export*: graph, tokenizer, tables, metrics and model card into one folder with digests.

    python -m halfwatt.router_model.commands.pipeline all --data-dir DIR --work DIR

The folder ships in the wheel. The metrics come from stage 4 (`bench/bench.py`); this module measures nothing.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from halfwatt.router_model.serving.artifact_io import VERSION, ArtifactTables, read_tables, write_manifest
from halfwatt.router_model.training.train import MODELS, N_MEMBERS, TrainedRouter

from .graph import build_graph
from .model_card import model_card

_DROPPED = 0.3
MEMBER_SPREAD = ((1 - _DROPPED) / _DROPPED) ** 0.5  # delete-d jackknife: from the members' spread to the estimate's


def export(
    encoder_folder: Path,
    trained: TrainedRouter,
    metrics: Mapping[str, Any],
    targets: Mapping[str, Mapping[str, float]],
    out: Path,
) -> None:
    """Write the whole artifact to `out`, replacing what is there."""
    out.mkdir(parents=True, exist_ok=True)
    build_graph(encoder_folder / "encoder.onnx", trained, out / "router.onnx")
    shutil.copy(encoder_folder / "tokenizer.json", out / "tokenizer.json")
    tables = make_tables(trained, targets)
    (out / "tables.json").write_bytes(msgspec.json.format(msgspec.json.encode(tables), indent=1))
    write_figures(out, metrics)


def write_figures(out: Path, metrics: Mapping[str, Any]) -> None:
    """Put measured figures beside a graph that stays as it is: metrics, model card and digests.

    Rows of other people's routers are left out of the metrics.
    """
    own = {name: value for name, value in metrics.get("energy_rtx4090", {}).items() if name != "routers"}
    published = {**metrics, "energy_rtx4090": own} if metrics else {}
    (out / "metrics.json").write_text(json.dumps(published, indent=1) + "\n", encoding="utf-8")
    (out / "MODEL_CARD.md").write_text(model_card(read_tables(out), metrics), encoding="utf-8")
    write_manifest(out)


def make_tables(trained: TrainedRouter, targets: Mapping[str, Mapping[str, float]]) -> ArtifactTables:
    """The tables beside the graph."""
    low, high = trained.token_quantiles
    return ArtifactTables(
        version=VERSION,
        models=list(MODELS),
        n_members=N_MEMBERS,
        member_spread=MEMBER_SPREAD,
        calibration=[(float(slope), float(intercept)) for slope, intercept in trained.calibration],
        smearing=[float(factor) for factor in trained.smearing],
        token_quantiles=[(float(a), float(b)) for a, b in zip(low, high, strict=True)],
        brier=[round(float(value), 4) for value in trained.brier],
        drafts=trained.drafts,
        targets={pair: dict(shares) for pair, shares in targets.items()},
        encoder="first four layers of all-MiniLM-L6-v2, int8",
        trained_on="HumanEval (164 tasks) and MBPP (974 tasks)",
    )
