"""Where a row may have several labels, every metric is what scikit-learn computes on the matrix, or label by label."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from steelyard.errors import UsageError
from steelyard.metrics import (
    REPORTED_OF_LABEL_SETS,
    RowMetric,
    ScoreMetric,
    evaluate_label_sets,
    get_metric,
    label_counts,
)


def make_labels(n, n_labels, seed, unknown=0.0):
    rng = np.random.default_rng(seed)
    shares = np.linspace(0.5, 0.05, n_labels)
    Y = (rng.random((n, n_labels)) < shares).astype(float)
    Y[0], Y[1] = 1.0, 0.0
    proba = np.clip(0.5 * Y + 0.6 * rng.random((n, n_labels)) - 0.05, 0.01, 0.99)
    Y[rng.random(Y.shape) < unknown] = np.nan
    return Y, proba, (proba > 0.5).astype(int)


def sklearn_values(Y, proba, predicted):
    averaged = {"zero_division": 0}
    columns = range(Y.shape[1])
    return {
        "macro_f1": theirs.f1_score(Y, predicted, average="macro", **averaged),
        "weighted_f1": theirs.f1_score(Y, predicted, average="weighted", **averaged),
        "micro_f1": theirs.f1_score(Y, predicted, average="micro", **averaged),
        "samples_f1": theirs.f1_score(Y, predicted, average="samples", **averaged),
        "balanced_accuracy": np.mean([theirs.balanced_accuracy_score(Y[:, k], predicted[:, k]) for k in columns]),
        "accuracy": theirs.accuracy_score(Y, predicted),
        "hamming_loss": theirs.hamming_loss(Y, predicted),
        "mcc": np.mean([theirs.matthews_corrcoef(Y[:, k], predicted[:, k]) for k in columns]),
        "roc_auc": theirs.roc_auc_score(Y, proba, average="macro"),
        "average_precision": theirs.average_precision_score(Y, proba, average="macro"),
        "log_loss": np.mean([theirs.log_loss(Y[:, k], proba[:, k]) for k in columns]),
        "brier": np.mean([theirs.brier_score_loss(Y[:, k], proba[:, k]) for k in columns]),
    }


@pytest.mark.parametrize("n_labels", [2, 7])
def test_all_reported_metrics_are_those_of_scikit_learn(n_labels):
    Y, proba, predicted = make_labels(80, n_labels, seed=n_labels)
    found = evaluate_label_sets(Y, proba, predicted)
    assert tuple(found) == REPORTED_OF_LABEL_SETS
    assert found == pytest.approx(sklearn_values(Y, proba, predicted), rel=1e-12)


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_f_beta(beta):
    Y, _, predicted = make_labels(60, 4, seed=3)
    value = float(get_metric(f"f_beta(beta={beta})").from_label_counts(*label_counts(Y, predicted)))
    expected = theirs.fbeta_score(Y, predicted, beta=beta, average="macro", zero_division=0)
    assert value == pytest.approx(expected, rel=1e-12)


def test_unknown_entries_are_left_out():
    Y, proba, predicted = make_labels(120, 5, seed=4, unknown=0.3)
    found = evaluate_label_sets(Y, proba, predicted)
    columns = [~np.isnan(Y[:, k]) for k in range(5)]
    per_label = {
        "macro_f1": lambda t, p, _: theirs.f1_score(t, p, zero_division=0),
        "balanced_accuracy": lambda t, p, _: theirs.balanced_accuracy_score(t, p),
        "roc_auc": lambda t, _, s: theirs.roc_auc_score(t, s),
        "average_precision": lambda t, _, s: theirs.average_precision_score(t, s),
        "log_loss": lambda t, _, s: theirs.log_loss(t, s),
    }
    for name, metric in per_label.items():
        expected = np.mean([metric(Y[m, k], predicted[m, k], proba[m, k]) for k, m in enumerate(columns)])
        assert found[name] == pytest.approx(expected, rel=1e-12), name
    known = ~np.isnan(Y)
    assert found["hamming_loss"] == pytest.approx((predicted[known] != Y[known]).mean(), rel=1e-12)
    assert found["micro_f1"] == pytest.approx(theirs.f1_score(Y[known], predicted[known]), rel=1e-12)


def test_a_label_without_rows_is_left_out_of_averages():
    Y, proba, predicted = make_labels(60, 4, seed=5)
    Y[:, 3] = 0.0
    found = evaluate_label_sets(Y, proba, predicted)
    expected = sklearn_values(Y[:, :3], proba[:, :3], predicted[:, :3])
    for name in ("macro_f1", "weighted_f1", "micro_f1", "balanced_accuracy", "mcc", "roc_auc", "average_precision"):
        assert found[name] == pytest.approx(expected[name], rel=1e-12), name


@pytest.mark.parametrize("name", list(REPORTED_OF_LABEL_SETS))
def test_repeating_a_row_is_weighting_it(name):
    Y, proba, predicted = make_labels(40, 3, seed=6, unknown=0.1)
    times = np.random.default_rng(7).integers(1, 4, len(Y))
    repeated = evaluate_label_sets(*(np.repeat(part, times, axis=0) for part in (Y, proba, predicted)))[name]
    metric, lines = get_metric(name), times[None].astype(float)
    if isinstance(metric, RowMetric):
        values, mass = metric.from_rows(Y, predicted)
        weighted = lines @ (values * mass) / (lines @ mass)
    elif isinstance(metric, ScoreMetric):
        weighted = metric.from_label_scores(Y, proba, lines)
    else:
        weighted = metric.from_label_counts(*label_counts(Y, predicted, lines))
    assert weighted == pytest.approx([repeated], rel=1e-12)


def test_nothing_known_is_undefined():
    Y = np.full((5, 2), np.nan)
    assert set(evaluate_label_sets(Y, np.full((5, 2), 0.5), np.zeros((5, 2), int)).values()) == {None}


def test_one_positive_class_is_no_metric_of_several_labels():
    with pytest.raises(UsageError, match="use macro_f1"):
        get_metric("f1").from_label_counts(*label_counts(np.eye(2), np.eye(2, dtype=int)))
