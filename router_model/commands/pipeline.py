"""All stages from labels to artifact, in one script.

    python -m halfwatt.router_model.commands.pipeline train|evaluate|all --data-dir DIR --work DIR [--encoder FOLDER]

The stages 1 *label* (`labelling/label.py`) and 2 *judge* (`labelling/judge.py`) need hours and a model. They are
resumable programs of their own, which `run.sh` calls first. Here follow 3 *train*, 5 *export* and 4 *evaluate*, in that
order because the figures are those of the exported, quantized artifact. `train` writes an artifact without figures,
`evaluate` adds them to it, `all` does both. Seeds are fixed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from halfwatt.router_model.baselines.ours import GainEstimates, lambda_for_share
from halfwatt.router_model.bench.bench import run
from halfwatt.router_model.export.encoder import export_encoder, packaged_encoder
from halfwatt.router_model.export.export import export, write_figures
from halfwatt.router_model.labelling.labels import ENERGY_MODELS, energy_outcomes
from halfwatt.router_model.labelling.tasks import load_tasks
from halfwatt.router_model.measures.evaluation import PairOutcomes
from halfwatt.router_model.serving.artifact_io import DEFAULT_FOLDER
from halfwatt.router_model.serving.encoder import Encoder
from halfwatt.router_model.training.train import MODELS, TrainedRouter, train
from halfwatt.router_model.training.views import inputs_of

_SHARES = (0.90, 0.95, 0.97, 0.99)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Make the router's artifact.")
    parser.add_argument("stage", choices=["train", "evaluate", "all"])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for intermediate files")
    parser.add_argument("--encoder", type=Path, default=None, help="Hugging Face folder of another encoder")
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER)
    options = parser.parse_args(argv)
    if options.stage != "evaluate":
        if not (options.work / "encoder.onnx").exists():
            export_encoder(options.encoder or packaged_encoder(), options.work)
        _make(options)
    if options.stage != "train":
        write_figures(options.out, run(options.data_dir, out_dir=options.work))
    return 0


def targets(trained: TrainedRouter, pair: PairOutcomes) -> dict[str, dict[str, float]]:
    """λ per joule that keeps a share of the strong model's accuracy, with confidence, on held-out predictions."""
    columns = [MODELS.index(model) for model in ENERGY_MODELS]
    p_pass = np.clip(trained.pass_fit.left_out[:, columns], 0.02, 0.98)
    tokens = np.exp(trained.tokens_fit.left_out[:, columns]) * trained.smearing[columns]
    joules = tokens * pair.energy_j.mean(axis=0) / tokens.mean(axis=0)
    held = GainEstimates(p_pass[:, 1] - p_pass[:, 0], joules[:, 1] - joules[:, 0], p_pass)
    found = {f"{share:.2f}": lambda_for_share(pair, held, share) for share in _SHARES}
    return {" → ".join(ENERGY_MODELS): found}


def _make(options: argparse.Namespace) -> None:
    tasks = load_tasks(options.data_dir)
    texts = [task.router_text for task in tasks]
    encoder = Encoder(options.work)
    inputs = inputs_of(texts, np.array([encoder.embed(text) for text in texts]))
    trained = train(tasks, inputs, options.data_dir)
    outcomes = energy_outcomes(options.data_dir, [task.task_id for task in tasks])
    pair = PairOutcomes(outcomes.passed, outcomes.energy_j)
    export(options.work, trained, {}, targets(trained, pair), options.out)
    sys.stderr.write(f"artifact written to {options.out.name}\n")


if __name__ == "__main__":
    raise SystemExit(main())
