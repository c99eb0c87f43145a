"""The encodings of a table as ONNX operations, in float64 as in Python."""

from __future__ import annotations

import numpy as np

from steelyard.errors import UsageError
from steelyard.export.graph import Graph
from steelyard.features import FittedEncoder
from steelyard.features.encoder import OneHot, Ordinal
from steelyard.features.matrix import UNKNOWN
from steelyard.features.normal_scores import _FARTHEST, NormalScores
from steelyard.features.scaling import _LIMIT, Scaling

# Wichura (1988), algorithm AS 241, routine PPND16: the normal quantile to 16 digits.
_MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_OUTER = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip


def encode(graph: Graph, encoder: FittedEncoder, numeric: str, codes: str) -> str:
    """Encoded rows of shape (n_rows, n_features), float64.

    Parameters
    ----------
    graph : Graph
    encoder : FittedEncoder
    numeric : str
        Numeric columns, float64, NaN where missing.
    codes : str
        Category codes, int64, -1 where missing and -2 where unknown.
    """
    if isinstance(encoder, Ordinal):
        if encoder.n_numeric == len(encoder.feature_names):
            return numeric
        nan = graph.const(np.array(np.nan))
        negative = graph.op("Less", codes, graph.const(np.array(0, dtype=np.int64)))
        coded = graph.op("Where", negative, nan, graph.to(codes, np.float64))
        return graph.op("Concat", numeric, coded, axis=1) if encoder.n_numeric else coded
    if not isinstance(encoder, OneHot):
        raise UsageError(f"a table encoded as {encoder.style!r} cannot be exported to ONNX")
    parts = []
    if encoder.indicated.size:
        scales = encoder.scaling
        parts.append(
            _standardised(graph, scales, numeric) if isinstance(scales, Scaling) else _normal(graph, scales, numeric)
        )
    if encoder.indicated.any():
        chosen = graph.columns(numeric, np.flatnonzero(encoder.indicated))
        parts.append(graph.to(graph.op("IsNaN", chosen), np.float64))
    for position, lookup in enumerate(encoder.lookup):
        known = np.flatnonzero(lookup >= 0)
        # Columns stand in the order of the encoder's own, which puts "missing" last.
        wanted = known[np.argsort(lookup[known])] + UNKNOWN
        if wanted.size:
            same = graph.op("Equal", graph.column(codes, position), graph.const(wanted[None].astype(np.int64)))
            parts.append(graph.to(same, np.float64))
    return parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=1)


def _standardised(graph: Graph, scaling: Scaling, X: str) -> str:
    scaled = graph.op("Mul", X, graph.const(np.ldexp(1.0, -scaling.exponent)[None]))
    filled = graph.op("Where", graph.op("IsNaN", scaled), graph.const(scaling.median[None]), scaled)
    varies = scaling.deviation > 0
    divided = graph.op(
        "Div",
        graph.op("Sub", filled, graph.const(scaling.mean[None])),
        graph.const(np.where(varies, scaling.deviation, 1.0)[None]),
    )
    limited = graph.op("Clip", divided, graph.const(np.array(-_LIMIT)), graph.const(np.array(_LIMIT)))
    return graph.op("Mul", limited, graph.const(varies.astype(np.float64)[None]))


def _normal(graph: Graph, scores: NormalScores, X: str) -> str:
    filled = graph.op("Where", graph.op("IsNaN", X), graph.const(scores.median[None]), X)
    ranks = [_rank(graph, curve, graph.column(filled, place)) for place, curve in enumerate(scores.quantiles.T)]
    rank = ranks[0] if len(ranks) == 1 else graph.op("Concat", *ranks, axis=1)
    low, high = graph.const(np.array(-_FARTHEST)), graph.const(np.array(_FARTHEST))
    return _standardised(graph, scores.standard, graph.op("Clip", _quantile(graph, rank), low, high))


def _rank(graph: Graph, curve: np.ndarray, x: str) -> str:
    """Rank in [0, 1]: the mean of the interpolations from both sides, as a sum of ramps and of steps."""
    if len(curve) < 2:
        return graph.op("Mul", x, graph.const(np.array(0.0)))
    start, width = curve[:-1], np.diff(curve)
    ramp, step = width > 0, width == 0
    parts = []
    axis = graph.const(np.array([1], dtype=np.int64))
    if ramp.any():
        risen = graph.op("Sub", x, graph.const(start[ramp][None]))
        share = graph.op("Div", risen, graph.const(width[ramp][None]))
        inside = graph.op("Clip", share, graph.const(np.array(0.0)), graph.const(np.array(1.0)))
        parts.append(graph.op("ReduceSum", inside, axis, keepdims=1))
    if step.any():
        at = graph.const(start[step][None])
        both = [graph.to(graph.op(kind, x, at), np.float64) for kind in ("GreaterOrEqual", "Greater")]
        half = graph.op("Mul", graph.op("Add", *both), graph.const(np.array(0.5)))
        parts.append(graph.op("ReduceSum", half, axis, keepdims=1))
    total = parts[0] if len(parts) == 1 else graph.op("Add", *parts)
    return graph.op("Div", total, graph.const(np.array(float(len(width)))))


def _quantile(graph: Graph, p: str) -> str:
    """Quantile of the normal distribution; beyond ranks of 1e-9 the value is cut off anyway."""
    half = graph.const(np.array(0.5))
    q = graph.op("Sub", p, half)
    r = graph.op("Sub", graph.const(np.array(0.180625)), graph.op("Mul", q, q))
    middle = graph.op("Mul", q, _ratio(graph, _MIDDLE, r))
    nearer = graph.op("Min", p, graph.op("Sub", graph.const(np.array(1.0)), p))
    tail = graph.op("Max", nearer, graph.const(np.array(1e-10)))
    root = graph.op("Sqrt", graph.op("Neg", graph.op("Log", tail)))
    outer = graph.op(
        "Mul", graph.op("Sign", q), _ratio(graph, _OUTER, graph.op("Sub", root, graph.const(np.array(1.6))))
    )
    inside = graph.op("LessOrEqual", graph.op("Abs", q), graph.const(np.array(0.425)))
    return graph.op("Where", inside, middle, outer)


def _ratio(graph: Graph, coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: str) -> str:
    sides = []
    for side in coefficients:
        value = graph.const(np.array(side[0]))
        for coefficient in side[1:]:
            value = graph.op("Add", graph.op("Mul", value, x), graph.const(np.array(coefficient)))
        sides.append(value)
    return graph.op("Div", *sides)
