"""Training of one small network in compiled code: its weights, moments and batch stay in the cache.

Sizes, loss and options are arguments, so one compilation serves every network.
:mod:`steelyard.models._network` holds the same steps in NumPy.

Parameters of a network lie in one vector: for each hidden layer its weights (fan_in, width) and biases (width,), then
the weights of the classes (n_classes, width) and their biases. Widths are rounded up to whole vectors; what was added
is 0 and stays 0.

Loops are written out, and all work space is of one kind of array, because both halve the time of compilation.
Numba's cache watches the text of this file and nothing it calls, so the digest of the other two files is part of it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steelyard.compiled import compiled, inner
from steelyard.models._loss_kernels import batch_loss
from steelyard.models._tiles import BLOCK, GOLDEN, LANES, address, matmul, mix, scramble

#: Start of the SHA-256 of ``_loss_kernels.py`` and ``_tiles.py``; a test says when it is out of date.
PARTS = "2577b4bb1885cd66"

# A plain literal is a float64, and would make every vector half as long.
_0, _1, _LEAST = (np.float32(value) for value in (0, 1, 1e-12))
_BETA1, _BETA2, _EPS = np.float32(1 - 0.9), np.float32(1 - 0.999), np.float32(1e-8)
_32 = np.uint64(32)


@inner
def _whole(units: int) -> int:
    """Units rounded up to whole vectors."""
    return (units + LANES - 1) // LANES * LANES


@inner
def _forward(x: Any, hidden: Any, turned: Any, raw: Any, scores: Any, n: int, shape: Any, values: Any, dropout: float,
             key: Any, room: Any) -> int:  # fmt: skip
    """Hidden units (layer x row, unit) and scores (C, n); returns the position of the weights of the classes."""
    # As variables: Numba would compile the product anew for each pattern of literal arguments.
    one: Any = np.int64(4)
    still: Any = np.int64(0)
    start, position, size, wide, spare = address(values), 0, len(x), 4 * hidden.shape[1], address(room)
    units, row, inputs = shape[0], 4 * shape[0], address(x)
    limit, gain = np.uint32(dropout * 4294967296.0), np.float32(1.0 / (1.0 - dropout))
    for layer in range(len(shape) - 2):
        width, units = units, _whole(shape[layer + 1])
        bias, out = start + 4 * (position + width * units), address(hidden) + layer * size * wide
        matmul(inputs, row, one, start + 4 * position, 4 * units, width, bias, still, out, wide, n, units, spare)
        salt = np.uint32(mix(key + GOLDEN * np.uint64(layer + 1)) >> _32)
        for b in range(n):
            line, first = hidden[layer * size + b], np.uint32(b << 16) + salt
            if dropout > 0:
                for j in range(units):
                    kept = scramble(np.uint32(first + np.uint32(j))) >= limit
                    line[j] = line[j] * gain if kept and line[j] > _0 else _0
            else:
                for j in range(units):
                    # Times 1: what is stored unchanged would be skipped, which keeps the loop from becoming vectors.
                    line[j] = line[j] * gain if line[j] > _0 else _0
        position, inputs, row = position + (width + 1) * units, out, wide
    n_classes, padded = len(scores), 4 * turned.shape[1]
    for k in range(n_classes):
        own = values[position + k * units : position + (k + 1) * units]
        for j in range(units):
            turned[j, k] = own[j]
    bias = start + 4 * (position + n_classes * units)
    matmul(
        inputs, row, one, address(turned), padded, units, bias, still, address(raw), padded, n, turned.shape[1], spare
    )
    for b in range(n):
        for k in range(n_classes):
            scores[k, b] = raw[b, k]
    return position


@inner
def _inverse_length(line: Any, n: int) -> Any:
    s = _0
    for j in range(n):
        s += line[j] * line[j]
    length = np.float32(math.sqrt(s))
    return _1 / (length if length > _LEAST else _LEAST)


@inner
def _to_cosines(
    hidden: Any, first: int, values: Any, position: int, units: int, scores: Any, by_row: Any, by_class: Any, n: int
) -> None:
    """Divide scores (C, n) by the lengths of both vectors, and keep the inverses of these."""
    for b in range(n):
        by_row[b] = _inverse_length(hidden[first + b], units)
    for k in range(len(scores)):
        by_class[k] = _inverse_length(values[position + k * units : position + (k + 1) * units], units)
        score = scores[k]
        for b in range(n):
            score[b] *= by_class[k] * by_row[b]


@inner
def _from_cosines(scores: Any, slope: Any, by_row: Any, by_class: Any, due: Any, n: int) -> None:
    """Gradient by cosines to that by products; inverse lengths become what is due to the lengths."""
    for b in range(n):
        due[b] = _0
    for k in range(len(scores)):
        score, out, inverse, s = scores[k], slope[k], by_class[k], _0
        for b in range(n):
            both = out[b] * score[b]
            s += both
            due[b] += both
            out[b] *= inverse * by_row[b]
        by_class[k] = s * inverse * inverse
    for b in range(n):
        by_row[b] = due[b] * by_row[b] * by_row[b]


@inner
def _backward(x: Any, hidden: Any, back: Any, turned: Any, slope: Any, n: int, shape: Any, values: Any, gradient: Any,
              position: int, gain: Any, by_row: Any, by_class: Any, nothing: Any,
              room: Any) -> None:  # fmt: skip
    """Gradient of all parameters from that by the scores (C, n); ``position``: where the classes' weights begin."""
    one: Any = np.int64(4)
    still: Any = np.int64(0)
    layers, n_classes, size, wide, zero = len(shape) - 2, len(slope), len(x), 4 * hidden.shape[1], address(nothing)
    weights, found, steep, stride = address(values), address(gradient), address(slope), 4 * slope.shape[1]
    spare = address(room)
    units, top = _whole(shape[layers]), address(hidden) + (layers - 1) * size * wide
    matmul(steep, stride, one, top, wide, n, zero, still, found + 4 * position, 4 * units, n_classes, units,
           spare)  # fmt: skip
    for k in range(n_classes):
        line, s = slope[k], _0
        for b in range(n):
            s += line[b]
        gradient[position + n_classes * units + k] = s
        if by_class[k] != _0:
            own, by_own = values[position + k * units :], gradient[position + k * units :]
            for j in range(units):
                by_own[j] -= by_class[k] * own[j]
    matmul(steep, one, stride, weights + 4 * position, 4 * units, n_classes, zero, still, address(back), wide, n, units,
           spare)  # fmt: skip
    here, other = address(back), address(back) + size * wide
    for layer in range(layers - 1, -1, -1):
        units = _whole(shape[layer + 1])
        position -= units
        by_bias = gradient[position : position + units]
        for j in range(units):
            by_bias[j] = _0
        for b in range(n):
            line, due = hidden[layer * size + b], back[((layers - 1 - layer) % 2) * size + b]
            s = by_row[b] if layer == layers - 1 else _0
            for j in range(units):
                v = (due[j] - s * line[j]) * gain if line[j] > _0 else _0
                due[j] = v
                by_bias[j] += v
        width = _whole(shape[layer]) if layer else shape[0]
        below, row = (address(hidden) + (layer - 1) * size * wide, wide) if layer else (address(x), 4 * width)
        position -= width * units
        matmul(below, one, row, here, wide, n, zero, still, found + 4 * position, 4 * units, width, units,
                   spare)  # fmt: skip
        if layer:
            # Eight by eight, so that what is written stays in the cache until a line of it is full.
            for i in range(0, width, 8):
                for j in range(units):
                    line = turned[j]
                    for c in range(8):
                        line[i + c] = values[position + (i + c) * units + j]
            matmul(here, wide, one, address(turned), wide, units, zero, still, other, wide, n, width,
                   spare)  # fmt: skip
            here, other = other, here


@inner
def _adamw(p: Any, g: Any, m: Any, v: Any, decay: Any, size: Any, root: Any) -> None:
    """One step of AdamW: parameters, gradient, first and second moment."""
    for i in range(len(p)):
        m[i] += _BETA1 * (g[i] - m[i])
        v[i] += _BETA2 * (g[i] * g[i] - v[i])
        p[i] = p[i] * decay - size * m[i] / (np.float32(math.sqrt(v[i])) * root + _EPS)


@inner
def _gather(X: Any, rows: Any, mixed: Any, whole: Any, x: Any, partner: Any, share: Any, n: int) -> None:
    """Rows of a batch side by side, and what each of them counts; mixed with the next one where ``mixed`` says so."""
    for b in range(n):
        row, line = X[rows[b]], x[b]
        share[b], partner[b] = whole, rows[b + 1 if b + 1 < n else 0]
        if len(mixed) == 0:
            for i in range(len(line)):
                line[i] = row[i]
            continue
        lam, mate = mixed[b], X[partner[b]]
        share[b] = lam * whole
        for i in range(len(line)):
            line[i] = lam * row[i] + (_1 - lam) * mate[i]


@compiled
def run(X: Any, targets: Any, weight: Any, order: Any, mixed: Any, shape: Any, state: Any, loss: Any, vectors: Any,
        options: Any, key: Any, step: int, out: Any, several: Any) -> float:  # fmt: skip
    """One pass over rows in an order, training or only scoring; returns the weighted sum of the loss.

    Parameters
    ----------
    X : float32 (n_rows, n_columns)
    targets, weight : float32 (n_rows, 1) with the codes, or (n_rows, n_classes) with several labels
    order : int64 (n_drawn,)
    mixed : float32 (n_drawn,) or (0,)
        Share of a row that is mixed with the next of its batch.
    shape : int64 (2 + n_hidden_layers,)
        Columns, hidden units, classes.
    state : float32 (4, n_parameters)
        Parameters, gradient, first and second moment.
    loss : float32 (6,)
        Scale, gamma, gamma_neg, clip, smoothing, cosines.
    vectors : float32 (2, n_classes)
        Offsets and margins.
    options : float64 (4,)
        Learning rate, weight decay, dropout, rows of a batch.
    key : uint64
        Of the random stream of dropout.
    step : int
        Steps made so far; below 0 only scores are made.
    out : float32 (n_drawn, n_classes) or (0, 0)
        Takes the scores.
    several : None or True
        Whether a row may have several labels. None leaves their loss out of what is compiled.
    """
    learning = step >= 0
    size: Any = np.int64(options[3])
    n_classes, units = shape[-1], _whole(shape[-2])
    dropout = options[2] if learning else 0.0
    cosine, mixing = loss[5] > _0, len(mixed) > 0
    widest = 0
    for layer in range(1, len(shape) - 1):
        widest = max(widest, _whole(shape[layer]))
    x, hidden = np.empty((size, shape[0]), np.float32), np.empty(((len(shape) - 2) * size, widest), np.float32)
    back, turned = np.empty((2 * size, widest), np.float32), np.empty((widest, _whole(n_classes)), np.float32)
    raw, scores = np.empty((size, _whole(n_classes)), np.float32), np.empty((n_classes, size), np.float32)
    slope, lines = np.empty((n_classes, size), np.float32), np.empty((12, size), np.float32)
    square = np.empty((widest if len(shape) > 3 else 1, widest), np.float32)
    room = np.empty((max(max(size, widest), max(shape[0], n_classes)), BLOCK), np.float32)
    ends, partner = np.empty((2, widest + n_classes), np.float32), np.empty(size, np.int64)
    share, by_row, by_class, nothing = lines[9], lines[10], ends[0], ends[1]
    for j in range(widest + n_classes):
        by_class[j], nothing[j] = _0, _0
    for j in range(widest):
        for k in range(_whole(n_classes)):
            turned[j, k] = _0
    for b in range(size):
        by_row[b] = _0
    value = 0.0
    for first in range(0, len(order), size):
        n: Any = size if first + size < len(order) else len(order) - first
        rows = order[first : first + n]
        whole = _1 / np.float32(n * n_classes if several is not None else n) if learning else _1
        _gather(X, rows, mixed[first : first + n], whole, x, partner, share, n)
        drawn = mix(key + GOLDEN * np.uint64(step + 1))
        position = _forward(x, hidden, turned, raw, scores, n, shape, state[0], dropout, drawn, room)
        if cosine:
            _to_cosines(hidden, (len(shape) - 3) * size, state[0], position, units, scores, by_row, by_class, n)
        for k in range(n_classes):
            line = slope[k]
            for b in range(n):
                line[b] = _0
        for _ in range(2 if mixing else 1):
            value += batch_loss(scores, slope, rows, share, targets, weight, loss, vectors, lines, n, several)
            for b in range(n):
                share[b] = whole - share[b]
            rows = partner[:n]
        if len(out):
            for b in range(n):
                for k in range(n_classes):
                    out[first + b, k] = scores[k, b]
        if learning:
            step += 1
            if cosine:
                _from_cosines(scores, slope, by_row, by_class, lines[11], n)
            _backward(x, hidden, back, square, slope, n, shape, state[0], state[1], position,
                      np.float32(1.0 / (1.0 - dropout)), by_row, by_class, nothing, room)  # fmt: skip
            if cosine:
                for k in range(n_classes):
                    state[1, position + n_classes * units + k] = _0
            rate = options[0] / (1.0 - 0.9**step)
            _adamw(state[0], state[1], state[2], state[3], np.float32(1.0 - options[0] * options[1]),
                   np.float32(rate), np.float32(1.0 / math.sqrt(1.0 - 0.999**step)))  # fmt: skip
    return value
