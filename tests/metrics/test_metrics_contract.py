from __future__ import annotations

import numpy as np
import pytest

from steelyard import registry
from steelyard.metrics import CountMetric, PairMetric, ScoreMetric, class_counts

METRICS = registry.components("metric")


@pytest.fixture(params=METRICS.values(), ids=METRICS.keys())
def metric(request):
    return request.param()


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    codes, proba = np.r_[rng.integers(0, 2, 20), np.zeros(9, int)], rng.dirichlet([2, 1], 29)
    return codes, proba, proba.argmax(axis=1)


def value(metric, codes, proba, predicted, weights=None):
    if isinstance(metric, ScoreMetric):
        return metric.from_scores(codes, proba, weights)
    if isinstance(metric, PairMetric):
        each = metric.from_pairs(codes, predicted)
        return each.mean() if weights is None else weights @ each / weights.sum(axis=1)
    total = float(len(codes)) if weights is None else weights.sum(axis=1)
    return metric.from_counts(*class_counts(codes, predicted, 2, weights), total)


def test_describes_itself(metric):
    assert metric.kind == "metric"
    assert metric.needs == ("probabilities" if isinstance(metric, ScoreMetric) else "predictions")
    assert metric.title
    assert isinstance(metric.greater_is_better, bool)


def test_round_trip(metric):
    assert registry.parse("metric", str(metric)) == metric
    assert registry.from_dict("metric", metric.to_dict()) == metric


def test_perfect_is_best(metric, rows):
    codes, proba, predicted = rows
    perfect = float(value(metric, codes, np.eye(2)[codes], codes))
    real = float(value(metric, codes, proba, predicted))
    assert perfect > real if metric.greater_is_better else perfect < real


def test_repeating_a_row_is_weighting_it(metric, rows):
    codes, proba, predicted = rows
    times = np.random.default_rng(1).integers(0, 4, len(codes))
    repeated = value(metric, *(np.repeat(part, times, axis=0) for part in (codes, proba, predicted)))
    weighted = value(metric, codes, proba, predicted, times[None].astype(float))
    assert weighted == pytest.approx([float(repeated)], rel=1e-12)


def test_permuting_classes_changes_nothing(metric, rows):
    codes, proba, predicted = rows
    swapped = value(metric, 1 - codes, proba[:, ::-1], 1 - predicted)
    assert float(swapped) == pytest.approx(float(value(metric, codes, proba, predicted)), rel=1e-12)


COUNTED = [
    cls() for cls in METRICS.values() if issubclass(cls, CountMetric) and "positive" not in cls().params()
]  # with a positive class there are two classes


@pytest.mark.parametrize("metric", COUNTED, ids=str)
def test_many_counts_at_once_are_each_their_own(metric):
    rng = np.random.default_rng(2)
    actual = rng.integers(0, 5, (7, 4)).astype(float)
    actual[:, 0] += 1
    hits = np.floor(actual * rng.random((7, 4)))
    predicted = hits + rng.integers(0, 3, (7, 4))
    rows = zip(hits, predicted, actual, strict=True)
    one_by_one = [float(metric.from_counts(*row, row[2].sum())) for row in rows]
    assert metric.from_counts(hits, predicted, actual, actual.sum(axis=1)) == pytest.approx(one_by_one)
