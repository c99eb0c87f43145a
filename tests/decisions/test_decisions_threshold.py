from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from steelyard.decisions import Multipliers, Threshold
from steelyard.errors import DataError, UsageError
from steelyard.metrics import get_metric

SCORED = {
    "f1": lambda y, h: sk.f1_score(y, h, zero_division=0),
    "macro_f1": lambda y, h: sk.f1_score(y, h, average="macro", zero_division=0),
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "accuracy": sk.accuracy_score,
}


def every_cut(scores):
    """A cut below, between and above all distinct scores."""
    distinct = np.unique(scores)
    return np.r_[-1.0, (distinct[1:] + distinct[:-1]) / 2, 2.0]


def samples():
    row = st.tuples(st.integers(0, 8).map(lambda value: value / 8), st.integers(0, 1))
    rows = st.lists(row, min_size=2, max_size=20)
    return rows.filter(lambda found: len({y for _, y in found}) == 2)


@pytest.mark.parametrize("metric", SCORED)
@settings(deadline=None, max_examples=40)
@given(rows=samples())
def test_as_good_as_the_best_of_all_cuts(metric, rows):
    scores, y = (np.array(column) for column in zip(*rows, strict=True))
    found = SCORED[metric](y, Threshold(metric=metric, guard=None).fit(scores, y).predict(scores))
    best = max(SCORED[metric](y, (scores >= cut).astype(int)) for cut in every_cut(scores))
    assert found == pytest.approx(best, abs=1e-12)


def test_large_example_as_precision_recall_curve():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000).astype(np.float32)
    y = (rng.random(20_000) < 0.05 * scores).astype(int)
    precision, recall, _ = sk.precision_recall_curve(y, scores)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    assert sk.f1_score(y, Threshold().fit(scores, y).predict(scores)) == pytest.approx(best, rel=1e-12)


def test_cut_is_the_midpoint_and_scores_at_it_are_positive():
    rule = Threshold(guard=None).fit(np.array([0.25, 0.75]), np.array([0, 1]))
    assert rule.cuts == (0.5,)
    assert rule.predict(np.array([0.5, np.nextafter(0.5, 0)])).tolist() == [1, 0]


def test_neighbouring_floats_are_told_apart():
    low = 0.7
    high = float(np.nextafter(low, 1))
    scores, y = np.array([low, high]), np.array([0, 1])
    assert Threshold(guard=None).fit(scores, y).predict(scores).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("scores", "cut"), [([0.1, 0.3, 0.45, 0.6], 0.525), ([0.4, 0.48, 0.7, 0.9], 0.44)], ids=["upper", "lower"]
)
def test_equally_good_cuts_mean_the_one_nearest_to_one_half(scores, cut):
    # Three of four rows are right with a cut after the first score and with one after the third.
    rule = Threshold(metric="accuracy", guard=None).fit(np.array(scores), np.array([0, 1, 0, 1]))
    assert rule.cuts == (pytest.approx(cut),)


@pytest.mark.parametrize("value", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize(("metric", "expected"), [("f1", 1), ("accuracy", 0)])
def test_constant_scores_mean_all_or_none(value, metric, expected):
    scores, y = np.full(10, value), np.array([1] * 3 + [0] * 7)
    rule = Threshold(metric=metric, guard=None).fit(scores, y)
    assert rule.predict(scores).tolist() == [expected] * 10
    assert np.isfinite(rule.cuts).all()


def test_few_positives_are_guarded_and_said():
    # 5 positives of 20: a quarter of the best cut's log-odds (odds 4), the rest of their share's (odds 1/9).
    scores, y = np.r_[np.full(45, 0.7), np.full(5, 0.9)], np.r_[np.zeros(45, int), np.ones(5, int)]
    exact, guarded = (Threshold(guard=guard).fit(scores, y) for guard in (None, "auto"))
    assert exact.cuts == (pytest.approx(0.8),)
    assert exact.notes == ()
    odds = 4**0.25 * (1 / 9) ** 0.75
    assert guarded.cuts == (pytest.approx(odds / (1 + odds)),)
    assert len(guarded.notes) == 1
    assert "5 positives are too few" in guarded.notes[0]


def test_enough_positives_are_not_guarded():
    rng = np.random.default_rng(0)
    scores, y = rng.random(100), np.arange(100) < 20
    assert Threshold(guard="auto").fit(scores, y) == Threshold(guard=None).fit(scores, y)


@pytest.mark.parametrize(
    ("y", "words"), [([0, 0], "no positive"), ([1, 1], "no negative"), ([np.nan, np.nan], "no known")]
)
@pytest.mark.parametrize("guard", ["auto", None])
def test_one_class_leaves_the_cut_at_one_half(y, words, guard):
    rule = Threshold(guard=guard).fit(np.array([0.1, 0.2]), np.array(y))
    assert rule.cuts == (0.5,)
    assert words in rule.notes[0]


@pytest.mark.parametrize("positive", [0, 1])
def test_two_columns_give_class_codes(positive):
    rng = np.random.default_rng(1)
    y = (rng.random(200) < 0.3).astype(int)
    proba = rng.dirichlet([3, 1], 200)
    proba[y == 1] = proba[y == 1][:, ::-1] * 0.5 + proba[y == 1] * 0.5
    found = Threshold(metric="f1").fit(proba, y, positive=positive).predict(proba)
    best = max(
        sk.f1_score(y, np.where(proba[:, positive] >= cut, positive, 1 - positive), pos_label=positive)
        for cut in every_cut(proba[:, positive])
    )
    assert sk.f1_score(y, found, pos_label=positive) == pytest.approx(best)


def test_positive_class_of_the_metric_is_the_one_that_is_cut():
    rng = np.random.default_rng(2)
    proba, y = rng.dirichlet([1, 1], 60), rng.integers(0, 2, 60)
    by_metric = Threshold(metric="f1(positive=0)").fit(proba, y)
    assert by_metric == Threshold(metric="f1").fit(proba, y, positive=0)
    assert by_metric.positive == 0


def test_labels_have_cuts_of_their_own_and_unknown_entries_are_left_out():
    rng = np.random.default_rng(3)
    Y = (rng.random((300, 3)) < [0.5, 0.3, 0.1]).astype(float)
    proba = np.clip(rng.random((300, 3)) * 0.6 + Y * 0.3, 0, 1)
    Y[rng.random((300, 3)) < 0.2] = np.nan
    rule = Threshold(metric="f1", guard=None).fit(proba, Y)
    predicted = rule.predict(proba)
    assert predicted.dtype == np.int64
    for label in range(3):
        known = ~np.isnan(Y[:, label])
        scores, y = proba[known, label], Y[known, label].astype(int)
        best = max(sk.f1_score(y, (scores >= cut).astype(int), zero_division=0) for cut in every_cut(scores))
        assert sk.f1_score(y, predicted[known, label]) == pytest.approx(best)


def test_notes_name_the_label():
    Y = np.zeros((30, 2), dtype=int)
    Y[:25, 0] = 1
    notes = Threshold().fit(np.random.default_rng(4).random((30, 2)), Y).notes
    assert [note.split(":")[0] for note in notes] == ["label 1"]


def test_more_than_two_classes_name_multipliers():
    with pytest.raises(UsageError, match="multipliers"):
        Threshold().fit(np.full((4, 3), 1 / 3), np.array([0, 1, 2, 0]))


@pytest.mark.parametrize(
    ("proba", "y", "message"),
    [
        ([0.1, 0.2], [0, 1, 1], "shape"),
        ([0.1, 0.2], [0, 2], "code 2"),
        ([0.1, 0.2], ["a", "b"], "class codes"),
        ([0.1, 0.2], [0, 0.5], "class codes"),
        ([[0.1, 0.2]], [[0, 1, 1]], "shape of proba"),
        ([[[0.1]]], [0], "must have shape"),
    ],
)
def test_shapes_and_codes_that_do_not_fit(proba, y, message):
    with pytest.raises(UsageError, match=message):
        Threshold().fit(np.array(proba), np.array(y))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_scores_that_are_no_probabilities_name_the_row(value):
    with pytest.raises(DataError, match="row 1 "):
        Threshold().fit(np.array([0.5, value]), np.array([0, 1]))


def test_metric_must_be_one_of_predictions():
    with pytest.raises(UsageError, match="macro_f1"):
        Threshold(metric="roc_auc")
    with pytest.raises(UsageError, match="guard"):
        Threshold(guard="none")


@pytest.mark.parametrize(
    ("rule", "n_classes", "multilabel", "metric", "expected"),
    [
        (Threshold(), 2, False, "mcc", Threshold(metric="mcc")),
        (Threshold(metric="f1"), 2, False, "mcc", Threshold(metric="f1")),
        (Threshold(), 2, False, "log_loss", Threshold(metric="macro_f1")),
        (Threshold(guard=None), 5, False, "mcc", Multipliers(metric="mcc", guard=None)),
        (Threshold(metric="f1"), 5, False, "mcc", Multipliers(metric="macro_f1")),
        (Threshold(), 5, False, "roc_auc", Multipliers(metric="macro_f1")),
        (Threshold(), 5, True, "macro_f1", Threshold(metric="f1")),
        (Threshold(metric="mcc"), 5, True, "macro_f1", Threshold(metric="mcc")),
    ],
)
def test_in_a_study_it_is_the_tasks_own_rule(rule, n_classes, multilabel, metric, expected):
    study = get_metric(metric)
    assert rule.for_study(n_classes=n_classes, metric=study, multilabel=multilabel) == expected
