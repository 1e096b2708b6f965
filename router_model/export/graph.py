"""Stage 5b: encoder and heads as one ONNX graph.

Inputs: `input_ids`, `attention_mask` (1, tokens), `words`, `grams`, `surface` (1, width). Outputs: `passing`,
`members`, `log_tokens` (1, …), `meaning` (1, 384). The heads are the kernel of `training/views.py` and the
coefficients of `training/kernel_ridge.py`, node for node; the support vectors stay 8-bit in the file.
"""

from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.training.train import TrainedRouter
from halfwatt.router_model.training.views import FURTHEST, N_SHAPE, VIEWS


class _Builder:
    """Collects nodes and constants; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def build_graph(encoder: Path, trained: TrainedRouter, target: Path) -> None:
    """Append the heads to the encoder's graph and write the whole."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load(str(encoder))
    builder = _Builder()
    views = _views(builder, trained, model.graph.output[0].name)
    near = _kernel(builder, trained, views)
    widths = _heads(builder, trained, near)
    model.graph.node.extend(builder.nodes)
    model.graph.initializer.extend(builder.constants)
    support = trained.support.codes
    for name, width in (
        ("words", support["words"].shape[1]),
        ("grams", support["grams"].shape[1]),
        ("surface", support["surface"].shape[1]),
    ):
        model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]))
    del model.graph.output[:]
    for name, width in {**widths, "meaning": support["meaning"].shape[1]}.items():
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]))
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def _views(builder: _Builder, trained: TrainedRouter, hidden: str) -> dict[str, str]:
    mean = builder.node("ReduceMean", [hidden], "head_mean", axes=[1], keepdims=0)
    words = builder.node("Mul", ["words", builder.constant("words_weight", trained.scaling.words_weight)], "words_rare")
    grams = builder.node("Mul", ["grams", builder.constant("grams_weight", trained.scaling.grams_weight)], "grams_rare")
    centred = builder.node(
        "Sub", ["surface", builder.constant("surface_mean", trained.scaling.surface_mean)], "surface_centred"
    )
    surface = builder.node(
        "Mul", [centred, builder.constant("surface_scale", trained.scaling.surface_scale)], "surface_scaled"
    )
    cut = [
        builder.constant(f"shape_{part}", np.array([value]))
        for part, value in (("from", 0), ("to", N_SHAPE), ("axis", 1))
    ]
    return {
        "words": _unit(builder, words, "view_words"),
        "grams": _unit(builder, grams, "view_grams"),
        "meaning": _unit(builder, mean, "meaning"),
        "shape": builder.node("Slice", [surface, *cut], "view_shape"),
        "surface": surface,
    }


def _unit(builder: _Builder, rows: str, output: str) -> str:
    length = builder.node("ReduceL2", [rows], f"{output}_length", axes=[1], keepdims=1)
    least = builder.constant(f"{output}_least", np.float32(1e-6))
    return builder.node("Div", [rows, builder.node("Max", [length, least], f"{output}_safe")], output)


def _kernel(builder: _Builder, trained: TrainedRouter, views: dict[str, str]) -> str:
    furthest = builder.constant("furthest", np.float32(FURTHEST))
    zero = builder.constant("zero", np.float32(0))
    parts = []
    for view in VIEWS:
        scale = builder.constant(f"{view}_step", np.float32(trained.support.step[view]))
        codes = builder.constant(f"{view}_codes", trained.support.codes[view])
        wide = builder.node("Cast", [codes], f"{view}_wide", to=1)
        vectors = builder.node("Mul", [wide, scale], f"{view}_vectors")  # folded once, when the session opens
        products = builder.node("Gemm", [views[view], vectors], f"{view}_products", transB=1, alpha=-2.0)
        own = builder.node("ReduceSumSquare", [views[view]], f"{view}_own", axes=[1], keepdims=1)
        squares = (trained.support.vectors(view) ** 2).sum(axis=1)[None, :].astype(np.float32)
        theirs = builder.constant(f"{view}_theirs", squares)
        total = builder.node("Sum", [products, own, theirs], f"{view}_squared")
        positive = builder.node("Max", [total, zero], f"{view}_positive")
        typical = builder.constant(f"{view}_typical", np.float32(trained.support.typical[view]))
        relative = builder.node("Div", [positive, typical], f"{view}_relative")
        near = builder.node("Min", [relative, furthest], f"{view}_bounded")
        root = builder.node("Sqrt", [near], f"{view}_root")
        parts.append(builder.node("Exp", [builder.node("Neg", [root], f"{view}_minus")], f"{view}_kernel"))
    return builder.node("Mean", parts, "kernel")


def _heads(builder: _Builder, trained: TrainedRouter, near: str) -> dict[str, int]:
    heads = {
        "passing": (trained.pass_fit.coefficients, trained.pass_fit.offset),
        "members": (trained.members, trained.member_offset),
        "log_tokens": (trained.tokens_fit.coefficients, trained.tokens_fit.offset),
    }
    for name, (coefficients, offset) in heads.items():
        weights = builder.constant(f"{name}_weights", coefficients.astype(np.float32))
        constant = builder.constant(f"{name}_offset", offset.astype(np.float32)[None, :])
        builder.node("Gemm", [near, weights, constant], name)
    return {name: coefficients.shape[1] for name, (coefficients, _) in heads.items()}
