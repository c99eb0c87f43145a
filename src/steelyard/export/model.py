"""The whole of a model as one ONNX file: rows in, probabilities and labels out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors
from steelyard.blend import Blend, Member
from steelyard.decisions import FittedDecision
from steelyard.decisions._cuts import FittedCuts
from steelyard.decisions.argmax import FittedArgmax
from steelyard.decisions.cost import FittedCost
from steelyard.decisions.multipliers import FittedMultipliers
from steelyard.errors import MissingExtraError, OutputExistsError, UsageError
from steelyard.export.encoders import encode
from steelyard.export.graph import OPSET, TREE_OPSET, TREES, Graph
from steelyard.export.members import probabilities
from steelyard.features import TableSchema
from steelyard.files import replacing

if TYPE_CHECKING:
    import polars as pl


def export_onnx(
    path: Path,
    *,
    schema: TableSchema,
    blend: Blend,
    factors: ClassFactors,
    decision: FittedDecision,
    classes: NDArray[Any],
    force: bool = False,
) -> Path:
    """Write a model as an ONNX file that needs nothing of Steelyard.

    Inputs are ``numeric`` (n_rows, n_numeric), float64, NaN where missing, and ``codes`` (n_rows, n_categorical),
    int64: the position of a category in the list that the file's metadata holds under ``columns``, -1 where missing and
    -2 where it is none of them; an input without columns is left out. :func:`row_inputs` makes both from a table.
    Outputs are ``probabilities`` (n_rows, n_classes), float64, and ``label`` (n_rows,), by the decision rule, which is
    part of the graph. The encoding of the table is too.

    Parameters
    ----------
    path : Path
    schema, blend, factors, decision, classes
        Parts of the model.
    force : bool, default False
        Replace a file that is there.

    Raises
    ------
    MissingExtraError
        When onnx is not installed.
    UsageError
        When a model or a rule in it cannot be exported; it is named.
    OutputExistsError
        When the file is there and ``force`` is not given.
    """
    try:
        import onnx
        from onnx import TensorProto, helper
    except ImportError:
        raise MissingExtraError("onnx", "export to ONNX") from None
    if path.exists() and not force:
        raise OutputExistsError(f"{path} is there already; name another file or use --force")
    graph = Graph()
    proba = _adjusted(graph, _mixture(graph, blend), factors)
    place = _decided(graph, proba, decision)
    text = classes.dtype.kind not in "iub"
    names: Any = (
        [str(label).encode("utf-8") for label in classes.tolist()] if text else classes.astype(np.int64).tolist()
    )
    kind = TensorProto.STRING if text else TensorProto.INT64
    graph.constants.append(helper.make_tensor("class_names", kind, [len(names)], names))
    graph.nodes.append(helper.make_node("Gather", ["class_names", place], ["label"], axis=0))
    graph.nodes.append(helper.make_node("Identity", [proba], ["probabilities"]))
    inputs = []
    if schema.numeric:
        inputs.append(helper.make_tensor_value_info("numeric", TensorProto.DOUBLE, [None, len(schema.numeric)]))
    if schema.categorical:
        inputs.append(helper.make_tensor_value_info("codes", TensorProto.INT64, [None, len(schema.categorical)]))
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, len(names)]),
        helper.make_tensor_value_info("label", kind, [None]),
    ]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "steelyard", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(TREES, TREE_OPSET)],
        ir_version=9,
        producer_name="steelyard",
    )
    columns = [
        {"name": column.name, "kind": column.kind, "categories": list(column.categories)}
        for column in schema.columns
        if column.kind != "dropped"
    ]
    helper.set_model_props(made, {"columns": json.dumps(columns, ensure_ascii=False)})
    onnx.checker.check_model(made)
    with replacing(path) as temporary:
        temporary.write_bytes(made.SerializeToString())
    return path


def row_inputs(schema: TableSchema, frame: pl.DataFrame) -> dict[str, NDArray[Any]]:
    """Inputs of an exported model for the rows of a table, ready for onnxruntime."""
    matrix = schema.extract(frame)
    parts = {"numeric": matrix.numeric, "codes": matrix.codes.astype(np.int64)}
    return {name: values for name, values in parts.items() if values.shape[1]}


def _mixture(graph: Graph, blend: Blend) -> str:
    encoded: dict[str, str] = {}
    total = ""
    for member in blend.members:
        assert member.pipeline is not None
        encoder = member.pipeline.encoder
        # All members are trained on the same rows: an encoding of one style is the same for all.
        if encoder.style not in encoded:
            encoded[encoder.style] = encode(graph, encoder, "numeric", "codes")
        state = member.pipeline.model.to_state()
        found = probabilities(graph, member.training.model, state, encoded[encoder.style])
        weighted = graph.op("Mul", _entering(graph, member, found), graph.const(np.array(member.weight)))
        total = graph.op("Add", total, weighted) if total else weighted
    return total


def _entering(graph: Graph, member: Member, proba: str) -> str:
    """What :meth:`Member.transform` does."""
    rounded = graph.normalised(graph.to(graph.to(proba, np.float32), np.float64))
    found = _adjusted(graph, rounded, member.factors)
    calibration = member.calibration
    if calibration is None:
        return found
    priors = np.array(calibration.priors)[None]
    mixed = graph.op("Add", graph.op("Mul", found, graph.const(np.array(0.999))), graph.const(0.001 * priors))
    return _adjusted(graph, mixed, calibration.factors)


def _adjusted(graph: Graph, proba: str, factors: ClassFactors) -> str:
    if factors.power == 1.0 and len(set(factors.factors)) == 1:
        return proba
    values = np.array(factors.factors)[None] / max(factors.factors)
    if factors.power != 1.0:
        proba = graph.op("Pow", proba, graph.const(np.array(factors.power)))
    return graph.normalised(graph.op("Mul", proba, graph.const(values)))


def _decided(graph: Graph, proba: str, decision: FittedDecision) -> str:
    """Codes of the classes, (n_rows,), by the rule."""
    if isinstance(decision, FittedMultipliers):
        floored = graph.op("Max", proba, graph.const(np.array(1e-12)))
        scores = graph.op("Add", graph.op("Log", floored), graph.const(np.array(decision.log_multipliers)[None]))
    elif isinstance(decision, FittedCost):
        scores = graph.op("MatMul", proba, graph.const(-np.array(decision.matrix)))
    elif isinstance(decision, FittedArgmax) and not decision.multilabel:
        scores = proba
    elif isinstance(decision, FittedCuts) and decision.form == "columns":
        one = graph.op("Gather", proba, graph.const(np.array(decision.positive, dtype=np.int64)), axis=1)
        above = graph.op("GreaterOrEqual", one, graph.const(np.array(decision.cuts[0])))
        codes = [graph.const(np.array(code, dtype=np.int64)) for code in (decision.positive, 1 - decision.positive)]
        return graph.op("Where", above, *codes)
    else:
        raise UsageError(f"the decision {decision.state_name} cannot be exported to ONNX")
    return graph.op("ArgMax", scores, axis=1, keepdims=0)
