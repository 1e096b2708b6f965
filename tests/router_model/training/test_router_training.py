"""Training and serving are the same: the exported graph gives the scores that the training code gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from router_data import data_dir as data_dir

from halfwatt.router_model.bench import bench
from halfwatt.router_model.labelling.labels import STATISTICS
from halfwatt.router_model.serving.artifact_io import DEFAULT_FOLDER
from halfwatt.router_model.serving.router import Router
from halfwatt.router_model.training import kernel_ridge
from halfwatt.router_model.training.draft_model import stats_of
from halfwatt.router_model.training.views import VIEWS, Inputs, Scaling, Support, inputs_of, kernel, scaled

onnx = pytest.importorskip("onnx", reason="reads the graph's constants")

TEXTS = [
    "Write a python function to find the minimum of two numbers.",
    'def below_zero(operations: List[int]) -> bool:\n    """ True if the balance falls below zero.\n    """\n',
    "Write a function to sort a list of tuples using lambda.",
    "",
    "¿Qué hace esta función? 数字",
]


@pytest.fixture(scope="module")
def constants() -> dict[str, np.ndarray]:
    graph = onnx.load(str(DEFAULT_FOLDER / "router.onnx")).graph
    return {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}


def test_graph_gives_the_scores_of_the_training_code(constants: dict[str, np.ndarray]) -> None:
    router = Router.load()
    rows = kernel(scaled(inputs_for(router), scaling(constants)), support(constants)).astype(np.float64)
    passing, log_tokens = (kernel_ridge.predict(rows, head(constants, name)) for name in ("passing", "log_tokens"))
    served = [list(router.estimate(text).by_model.values()) for text in TEXTS]
    p_pass = np.array([[each.p_pass for each in row] for row in served])
    tokens = np.array([[each.tokens for each in row] for row in served])
    assert ((p_pass > 0.02) & (p_pass < 0.98)).all()
    assert ((tokens > 1) & (tokens < 4096)).all()
    lines = np.array(router.tables.calibration)
    assert p_pass == pytest.approx(kernel_ridge.probabilities(passing, lines), abs=1e-3)
    assert np.log(tokens / router.tables.smearing) == pytest.approx(log_tokens, abs=1e-3)


def test_statistics_of_a_table_row_come_back_unchanged() -> None:
    row = np.arange(len(STATISTICS), dtype=float)
    stats = stats_of(row)
    assert stats.n_tokens == 0
    assert [getattr(stats, name) for name in STATISTICS[1:]] == row[1:].tolist()


@pytest.mark.slow
@pytest.mark.timeout(600)  # a minute alone, more beside other work
def test_quick_bench_stays_within_its_ranges_and_keeps_its_shape(data_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra [bench]")
    result = bench.run(data_dir, quick=True, out_dir=tmp_path)
    assert result["outside_ranges"] == []
    assert set(result["energy_rtx4090"]["best"]) >= {"reduction_pct", "low", "high", "accuracy_pct", "energy_j"}
    assert {row["router"] for row in result["energy_rtx4090"]["routers"]} >= {"oracle", "length only", bench.OURS}
    assert result["artifact_bytes"] <= 25_000_000
    assert (tmp_path / "energy_accuracy.png").stat().st_size > 10_000
    assert "halfwatt, stage 1" in (tmp_path / "table.md").read_text()


def head(constants: dict[str, np.ndarray], name: str) -> kernel_ridge.Fit:
    weights, offset = constants[f"{name}_weights"], constants[f"{name}_offset"][0]
    return kernel_ridge.Fit(weights.astype(np.float64), offset.astype(np.float64), np.empty(0))


def inputs_for(router: Router) -> Inputs:
    meanings = np.array([router.meaning(text) for text in TEXTS], dtype=np.float32)
    return inputs_of(TEXTS, meanings)


def scaling(constants: dict[str, np.ndarray]) -> Scaling:
    names = ("words_weight", "grams_weight", "surface_mean", "surface_scale")
    return Scaling(*(constants[name] for name in names))


def support(constants: dict[str, np.ndarray]) -> Support:
    return Support(
        codes={view: constants[f"{view}_codes"] for view in VIEWS},
        step={view: constants[f"{view}_step"].item() for view in VIEWS},
        typical={view: constants[f"{view}_typical"].item() for view in VIEWS},
    )
