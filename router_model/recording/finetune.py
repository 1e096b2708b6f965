"""The data-augmented fine-tuned router of the edge-cloud study (Mohd Pozi and Sato, 2025), trained once, recorded.

    python -m halfwatt.router_model.recording.finetune --data-dir DIR --pair energy|local [--fills FILE.jsonl] \
        [--epochs N]

An encoder with two classes learns from the prompt whether the weak model passes. As published: cross-entropy, SGD with
Nesterov momentum, rate 0.001, momentum 0.95, batch 64, and prompts over 512 tokens go to the strong model.

Deviations, because the means are two processor cores and no model hub: the packaged MiniLM cut to the router's four
layers instead of CodeBERT, and its first 128 tokens. Few epochs instead of 200, one seed, one mask rate. Labels come
from one greedy answer unless all five samples were recorded.

With `--fills` it also learns from the copies that `mask_fill.py` made of the training tasks. It takes as many steps as
without, so that a gain of the copies is not one of longer training. Held-out P(weak passes) goes, without texts, to
`data/published_finetuned.csv`; the bench reads only that. Resumable: folds of the table are not trained again, those of
another number of epochs are replaced.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.baselines.finetuned import COLUMNS, TABLE
from halfwatt.router_model.export.encoder import N_LAYERS, packaged_encoder
from halfwatt.router_model.labelling.labels import energy_outcomes, local_outcomes, read_rows
from halfwatt.router_model.labelling.tasks import load_tasks
from halfwatt.router_model.measures.draft_data import recorded_outcomes
from halfwatt.router_model.measures.evaluation import Array, Mask, Rows, folds
from halfwatt.router_model.progress import tracked

SEED = 0
EPOCHS = 3
_BATCH = 64
_RATE, _MOMENTUM = 1e-3, 0.95
_MOST_TOKENS = 512
_WINDOW = 128


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage."""
    options = _arguments(argv)
    tasks = load_tasks(options.data_dir)
    names, texts = [task.task_id for task in tasks], [task.router_text for task in tasks]
    copies = _copies(options.fills) if options.fills else {}
    variant = "augmented" if options.fills else "plain"
    labels, n_strict = labels_of(options.data_dir, options.pair, names)
    sys.stderr.write(f"labels: {n_strict} from five samples, {len(names) - n_strict} from one greedy answer\n")
    recorded_rows = ProbabilityTable(options.out, names, options.pair, variant, options.epochs)
    todo = [fold for fold in folds(len(texts), SEED) if not recorded_rows.has([names[row] for row in fold[1]])]
    for train, test in tracked(todo, f"fine-tune {variant}", len(todo)):
        steps = options.epochs * n_batches(len(train))
        model = Classifier(packaged_encoder() if options.encoder is None else options.encoder)
        model.fit(*with_copies(train, names, texts, labels, copies), steps)
        recorded_rows.add([names[row] for row in test], model.probabilities([texts[row] for row in test]))
    return 0


def with_copies(
    train: Rows, names: Sequence[str], texts: Sequence[str], labels: Array, copies: dict[str, str]
) -> tuple[list[str], Array]:
    """Texts and labels of the training rows, then of those rows' copies; copies of other rows stay out."""
    doubled = [row for row in train if names[row] in copies]
    own = [texts[row] for row in train]
    return own + [copies[names[row]] for row in doubled], np.concatenate([labels[train], labels[doubled]])


class Classifier:
    """An encoder and a linear layer with two classes, both trained. Needs torch and transformers."""

    def __init__(self, encoder: Path, n_threads: int = 1) -> None:
        """Load the encoder's weights; the head starts from a fixed seed."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.manual_seed(SEED)
        torch.set_num_threads(n_threads)
        self._torch: Any = torch
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(encoder))
        self._encoder: Any = AutoModel.from_pretrained(str(encoder))
        self._encoder.encoder.layer = self._encoder.encoder.layer[:N_LAYERS]
        self._head: Any = torch.nn.Linear(self._encoder.config.hidden_size, 2)

    def fit(self, texts: Sequence[str], labels: Array, steps: int) -> None:
        """Take `steps` steps through all texts, over and over, in random batches of like length."""
        torch = self._torch
        parameters = [*self._encoder.parameters(), *self._head.parameters()]
        optimizer = torch.optim.SGD(parameters, lr=_RATE, momentum=_MOMENTUM, nesterov=True)
        targets = torch.tensor(labels > 0.5).long()
        random = np.random.default_rng(SEED)
        self._encoder.train()
        for rows in islice(_forever([len(text) for text in texts], random), steps):
            loss = torch.nn.functional.cross_entropy(self._logits([texts[row] for row in rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def probabilities(self, texts: Sequence[str]) -> Array:
        """P(weak passes) of each text; 0 beyond 512 tokens, which go to the strong model."""
        self._encoder.eval()
        out = np.zeros(len(texts))
        with self._torch.no_grad():
            for rows in batches([len(text) for text in texts], np.random.default_rng(0)):
                out[rows] = self._logits([texts[row] for row in rows]).softmax(dim=-1)[:, 1].numpy()
        too_long = [len(self._tokenizer(text)["input_ids"]) > _MOST_TOKENS for text in texts]
        return np.where(too_long, 0.0, out)

    def _logits(self, texts: Sequence[str]) -> Any:
        inputs = self._tokenizer(list(texts), return_tensors="pt", padding=True, truncation=True, max_length=_WINDOW)
        hidden = self._encoder(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None]
        return self._head((hidden * mask).sum(dim=1) / mask.sum(dim=1))


def batches(lengths: Sequence[int], random: np.random.Generator) -> Iterator[list[int]]:
    """Rows in batches of texts of like length, the batches in random order."""
    noisy = np.array(lengths) * random.uniform(0.8, 1.25, len(lengths))
    order = np.argsort(noisy)
    for place in random.permutation(n_batches(len(order))):
        yield order[place * _BATCH : (place + 1) * _BATCH].tolist()


def n_batches(n_texts: int) -> int:
    """Steps of one epoch."""
    return -(-n_texts // _BATCH)


def _forever(lengths: Sequence[int], random: np.random.Generator) -> Iterator[list[int]]:
    while True:
        yield from batches(lengths, random)


def strict_labels(greedy: Array, sample_passed: Array, has_samples: Mask) -> Array:
    """All five samples pass where five were recorded, else the greedy answer passes."""
    return np.where(has_samples, sample_passed.min(axis=1), greedy)


def labels_of(data_dir: Path, pair: str, names: list[str]) -> tuple[Array, int]:
    """Whether the weak model passes, and for how many tasks all five of five samples say so.

    The measured pair has one greedy answer per task. The Llama-3 pairs are not trained here: their train rows hold how
    often one model did as well as another, and not whether it passed.
    """
    if pair == "energy":
        return energy_outcomes(data_dir, names).passed[:, 0], 0
    recorded = recorded_outcomes(names)
    greedy = local_outcomes(data_dir, names).passed[:, 0]
    return strict_labels(greedy, recorded.sample_passed, recorded.has_samples), len(recorded.with_samples)


def _copies(path: Path) -> dict[str, str]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {row["task_id"]: row["text"] for row in rows}


class ProbabilityTable:
    """The rows of one pair and variant in a table of held-out probabilities, written fold by fold."""

    def __init__(self, table: Path, names: Sequence[str], pair: str, variant: str, epochs: int) -> None:
        """Rows of the same pair and variant that took another number of epochs are dropped at the first `add`."""
        self._table, self._names = table, names
        self._common = {"pair": pair, "variant": variant, "epochs": str(epochs)}
        rows = list(read_rows(table)) if table.exists() else []
        self._rows = [row for row in rows if (row["pair"], row["variant"]) != (pair, variant)]
        self._mine = {row["task_id"]: row for row in rows if self._common.items() <= row.items()}

    def has(self, names: Sequence[str]) -> bool:
        """Whether all these tasks are recorded."""
        return all(name in self._mine for name in names)

    def add(self, names: Sequence[str], p_weak: Array) -> None:
        """Record a fold, and write the table in the order of all `names`."""
        for name, value in zip(names, p_weak, strict=True):
            self._mine[name] = {"task_id": name, **self._common, "p_weak": f"{value:.4f}"}
        mine = [self._mine[name] for name in self._names if name in self._mine]
        with self._table.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows([*self._rows, *mine])


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fine-tune the edge-cloud study's router once.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--pair", choices=["energy", "local"], required=True)
    parser.add_argument("--fills", type=Path, help="mask-and-fill copies of the texts")
    parser.add_argument("--encoder", type=Path, help="another encoder in Hugging Face layout")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="through the tasks' own texts")
    parser.add_argument("--out", type=Path, default=TABLE)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
