"""Cuts found by counting in buckets are those found by sorting all scores."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from steelyard.decisions import AtPrecision, AtRecall, Threshold, _buckets, _cuts

RULES = [
    Threshold(metric="f1", guard=None),
    Threshold(metric="f_beta(beta=2)", guard=None),
    Threshold(metric="macro_f1", guard=None),
    Threshold(metric="balanced_accuracy", guard=None),
    Threshold(metric="min_recall", guard=None),
    Threshold(metric="accuracy", guard=None),
    Threshold(metric="mcc", guard=None),
    AtRecall(0.8),
    AtPrecision(0.3),
    AtPrecision(0.999),
]


def scores_of(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y = rng.random(6000) < 0.03
    logits = rng.normal(size=6000) + 2 * y
    if kind == "rare":
        return 1 / (1 + np.exp(9 - 2 * logits)), y
    if kind == "ties":
        return np.round(1 / (1 + np.exp(-logits)), 2), y
    if kind == "saturated":
        return 1 / (1 + np.exp(-30 * logits)), y
    if kind == "edges":
        return rng.choice([0.0, 1e-300, 0.5, 1.0, np.nextafter(0.5, 1), -1e-7, 1 + 1e-7], 6000), y
    return 1 / (1 + np.exp(-logits)), y


@pytest.mark.parametrize("kind", ["plain", "rare", "ties", "saturated", "edges"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_buckets_lose_no_cut(kind, rule, monkeypatch):
    scores, y = scores_of(kind, np.random.default_rng(len(kind)))
    fast = rule.fit(scores, y)
    monkeypatch.setattr(_cuts, "_MANY", np.inf)
    assert rule.fit(scores, y) == fast


def test_labels_with_unknown_entries_are_as_good_as_scikit_learns_curve():
    rng = np.random.default_rng(0)
    Y = (rng.random((9000, 3)) < [0.3, 0.05, 0.01]).astype(float)
    proba = 1 / (1 + np.exp(-(rng.normal(size=Y.shape) + 2 * Y - 2)))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    predicted = Threshold(guard=None).fit(proba, Y).predict(proba)
    for label in range(3):
        known = ~np.isnan(Y[:, label])
        y = Y[known, label]
        precision, recall, _ = precision_recall_curve(y, proba[known, label])
        hits = (predicted[known, label] * y).sum()
        found = 2 * hits / (predicted[known, label].sum() + y.sum())
        assert found == pytest.approx(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)), rel=1e-12)


def test_only_a_small_part_is_sorted():
    scores, y = scores_of("plain", np.random.default_rng(1))
    some = _cuts.promising_cuts(scores, y, lambda cuts: 2 * cuts.hits / (cuts.selected + cuts.positives))
    assert len(some.values) < 0.3 * len(_cuts.all_cuts(scores, y).values)


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_compiled_counts_give_the_same_cuts(rule, unknown, monkeypatch):
    rng = np.random.default_rng(3)
    kinds = [scores_of(kind, rng) for kind in ("plain", "rare", "ties", "saturated")]
    proba = np.column_stack([scores for scores, _ in kinds] + [rng.random(6000)] * 2)
    Y = np.column_stack([y for _, y in kinds] + [np.zeros(6000), np.ones(6000)]).astype(float)
    if unknown:
        Y[rng.random(Y.shape) < 0.2] = np.nan
    monkeypatch.setattr(_cuts, "compiled_pays", lambda size: True)
    compiled = rule.fit(proba, Y)
    monkeypatch.setattr(_cuts, "compiled_pays", lambda size: False)
    assert compiled == rule.fit(proba, Y)
    assert sum("nothing to tune" in note for note in compiled.notes) == 2


def test_small_tables_do_not_wait_for_compiled_code(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", object())
    assert not _buckets.compiled_pays(_buckets.WORTH_CALLING - 1)
    assert _buckets.compiled_pays(_buckets.WORTH_CALLING)
    monkeypatch.delitem(sys.modules, "numba")
    assert not _buckets.compiled_pays(_buckets.WORTH_LOADING - 1)
