"""Losses of a batch and their gradients, for the compiled training of a small network.

:mod:`steelyard.models._kernels` says why its loops are written out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.compiled import inner
from steelyard.models._tiles import exp, log

# A plain literal is a float64, and would make every vector half as long.
_0, _1, _HALF, _THIRD = (np.float32(value) for value in (0, 1, 0.5, 1 / 3))
_TINY, _SMALL, _LOWEST = (np.float32(value) for value in (1e-30, 1e-3, -3e38))


@inner
def _softmax_loss(
    scores: Any, slope: Any, codes: Any, weight: Any, loss: Any, vectors: Any, lines: Any, n: int
) -> float:
    """Weighted loss of n rows with one label; its gradient by the scores (C, n) is added to ``slope``.

    The loss is that of scale (score + offset - margin of the true class), see ``FusedLoss``.
    """
    scale, gamma, smoothing, n_classes = loss[0], loss[1], loss[4], len(scores)
    top, total, others, true, mean, inner, outer = (
        lines[0], lines[1], lines[2], lines[3], lines[4], lines[5], lines[6],
    )  # fmt: skip
    each, part = smoothing / np.float32(n_classes), _1 - smoothing
    for b in range(n):
        top[b], total[b], others[b], mean[b] = _LOWEST, _0, _0, _0
    for k in range(n_classes):
        score, out, offset, margin, code = scores[k], slope[k], vectors[0, k], vectors[1, k], np.float32(k)
        for b in range(n):
            mine = codes[b] == code
            v = scale * (score[b] + offset - (margin if mine else _0))
            top[b] = v if v > top[b] else top[b]
            true[b] = v if mine else true[b]
            mean[b] += v
    for sweep in range(2):
        for k in range(n_classes):
            score, out, offset, margin, code = scores[k], slope[k], vectors[0, k], vectors[1, k], np.float32(k)
            if sweep == 0:
                for b in range(n):
                    mine = codes[b] == code
                    v = exp(scale * (score[b] + offset - (margin if mine else _0)) - top[b])
                    total[b] += v
                    # Summed without the true class, 1 - p keeps its digits where p is nearly 1.
                    others[b] += _0 if mine else v
            else:
                for b in range(n):
                    mine = codes[b] == code
                    v = exp(scale * (score[b] + offset - (margin if mine else _0)) - top[b])
                    out[b] += inner[b] * v - (outer[b] if mine else _0) - scale * weight[b] * each
        if sweep == 0:
            for b in range(n):
                log_total = log(total[b]) + top[b]
                q = others[b] / total[b]
                q = q if q > _TINY else _TINY
                minus_log = q * (_1 + q * (_HALF + q * _THIRD)) if q < _SMALL else log_total - true[b]
                factor = exp(gamma * log(q))
                pull = part * factor * (_1 + gamma * (_1 - q) * minus_log / q)
                spread = log_total - mean[b] / np.float32(n_classes)
                mean[b] = weight[b] * (part * factor * minus_log + smoothing * spread)
                inner[b] = scale * weight[b] * (pull + smoothing) / total[b]
                outer[b] = scale * weight[b] * pull
    value = 0.0
    for b in range(n):
        value += np.float64(mean[b])
    return value


@inner
def _sigmoid_loss(score: Any, out: Any, target: Any, weight: Any, loss: Any, offset: Any, found: Any, n: int) -> float:
    """Weighted loss of one label of n rows; its gradient by the scores is added to ``out``; a NaN is not known."""
    gamma_pos, gamma_neg, clip, smoothing = loss[1], loss[2], loss[3], loss[4]
    for b in range(n):
        z, t = score[b] + offset, target[b]
        known = t == t
        share = _HALF * smoothing + (_1 - smoothing) * (t if known else _0)
        size = z if z > _0 else -z
        e = exp(-size)
        large, little = _1 / (_1 + e), e / (_1 + e)
        p, q = (large if z > _0 else little), (little if z > _0 else large)
        tail = e * (_1 - e * (_HALF - e * _THIRD)) if e < _SMALL else log(_1 + e)
        minus_log_p, minus_log_q = (tail if z > _0 else tail + size), (tail + size if z > _0 else tail)
        raised = exp(-gamma_pos * minus_log_q)
        positive, by_positive = raised * minus_log_p, -raised * (gamma_pos * p * minus_log_p + q)
        # What is left of the probability of a negative once ``clip`` is taken off; without a clip, all of it.
        left = p - clip
        counts = clip == _0 or left > _TINY
        left = left if left > _TINY else _TINY
        log_left = log(left) if clip > _0 else -minus_log_p
        log_rest = left * (_1 + left * (_HALF + left * _THIRD)) if left < _SMALL else -log(_1 - left)
        log_rest = log_rest if clip > _0 else minus_log_q
        raised = exp(gamma_neg * log_left)
        pull = p * q * (gamma_neg * log_rest / left + _1 / (_1 - left)) if clip > _0 else gamma_neg * q * log_rest + p
        negative, by_negative = (raised * log_rest if counts else _0), (raised * pull if counts else _0)
        w = weight[b] if known else _0
        found[b] = w * (share * positive + (_1 - share) * negative)
        out[b] += w * (share * by_positive + (_1 - share) * by_negative)
    value = 0.0
    for b in range(n):
        value += np.float64(found[b])
    return value


@inner
def batch_loss(
    scores: Any,
    slope: Any,
    rows: Any,
    share: Any,
    targets: Any,
    weight: Any,
    loss: Any,
    vectors: Any,
    lines: Any,
    n: int,
    several: Any,
) -> float:
    """Loss of n rows that each count ``share``; the gradient by the scores (C, n) is added to ``slope``."""
    t, w, value = lines[7], lines[8], 0.0
    for k in range(targets.shape[1]):
        for b in range(n):
            t[b] = targets[rows[b], k]
            w[b] = weight[rows[b], k] * share[b]
        if several is not None:
            value += _sigmoid_loss(scores[k], slope[k], t, w, loss, vectors[0, k], lines[0], n)
        else:
            value += _softmax_loss(scores, slope, t, w, loss, vectors, lines, n)
    return value
