"""Models as ONNX operations: from encoded rows to probabilities of all classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from steelyard.errors import UsageError
from steelyard.export.graph import Graph
from steelyard.export.trees import boosted_scores, forest_shares
from steelyard.models import Model, ModelState

Writer = Callable[[Graph, ModelState, str], str]


def probabilities(graph: Graph, model: Model, state: ModelState, X: str) -> str:
    """Probabilities (n_rows, n_classes), float64, of a fitted model.

    Parameters
    ----------
    graph : Graph
    model : Model
    state : ModelState
        Of the fitted model.
    X : str
        Encoded rows, float64.

    Raises
    ------
    UsageError
        When a model of this kind cannot be exported.
    """
    writer = _WRITERS.get(model.name)
    if writer is None or state.foreign is not None:
        raise UsageError(
            f"{model} cannot be exported to ONNX: it is a part of scikit-learn's or another library's; those that "
            f"can are {', '.join(sorted(_WRITERS))}"
        )
    for odd in ("multilabel", "cosine_scale"):
        if state.meta.get(odd):
            raise UsageError(f"{model} cannot be exported to ONNX: {odd} is not written yet; use its Python form")
    found = writer(graph, state, X)
    present, n_classes = np.asarray(state.arrays["present"]), int(state.meta["n_classes"])
    if len(present) == n_classes:
        return found
    spread = np.zeros((len(present), n_classes))
    spread[np.arange(len(present)), present] = 1.0
    return graph.op("MatMul", found, graph.const(spread))


def _linear(graph: Graph, state: ModelState, X: str) -> str:
    coef, intercept = state.arrays["coef"], np.asarray(state.arrays["intercept"])
    scores = graph.op("Add", graph.op("MatMul", X, graph.const(coef)), graph.const(intercept[None]))
    return _softmax(graph, scores, single=len(intercept) == 1)


def _softmax(graph: Graph, scores: str, *, single: bool) -> str:
    if single:
        zero = graph.op("Mul", scores, graph.const(np.array(0.0)))
        scores = graph.op("Concat", zero, scores, axis=1)
    return graph.op("Softmax", scores, axis=1)


def _nystroem(graph: Graph, state: ModelState, X: str) -> str:
    landmarks, gamma = state.arrays["landmarks"], float(state.meta["gamma"])
    axis = graph.const(np.array([1], dtype=np.int64))
    own = graph.op("ReduceSum", graph.op("Mul", X, X), axis, keepdims=1)
    crossed = graph.op("MatMul", X, graph.const(-2.0 * landmarks.T))
    squared = graph.op("Add", graph.op("Add", own, graph.const((landmarks**2).sum(axis=1)[None])), crossed)
    near = graph.op("Max", squared, graph.const(np.array(0.0)))
    kernel = graph.op("Exp", graph.op("Mul", near, graph.const(np.array(-gamma))))
    return _linear(graph, state, graph.op("MatMul", kernel, graph.const(state.arrays["root"])))


def _mlp(graph: Graph, state: ModelState, X: str) -> str:
    value, n_layers = graph.to(X, np.float32), int(state.meta["layers"])
    for layer in range(n_layers):
        weight, bias = state.arrays[f"weight{layer}"], np.asarray(state.arrays[f"bias{layer}"])
        value = graph.op("Add", graph.op("MatMul", value, graph.const(weight)), graph.const(bias[None]))
        if layer < n_layers - 1:
            value = graph.op("Relu", value)
    return graph.op("Softmax", graph.to(value, np.float64), axis=1)


def _forest(graph: Graph, state: ModelState, X: str) -> str:
    return forest_shares(graph, state.arrays, X)


def _boosting(graph: Graph, state: ModelState, X: str) -> str:
    n_present = len(state.arrays["present"])
    scores = boosted_scores(graph, state.arrays["booster"].tobytes().decode("utf-8"), n_present, X)
    return _softmax(graph, scores, single=n_present == 2)


_WRITERS: dict[str, Writer] = {
    "linear": _linear,
    "lda": _linear,
    "nystroem": _nystroem,
    "mlp": _mlp,
    "forest": _forest,
    "extra_trees": _forest,
    "balanced_forest": _forest,
    "boosting": _boosting,
}
