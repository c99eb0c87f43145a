"""Pseudo-labels in the shares that are expected, by hand and on rows whose labels are known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

from steelyard.engine import EngineData, Training, Unlabelled, fit_pipeline, given_labels
from steelyard.errors import UsageError
from steelyard.features import TableSchema
from steelyard.labelling import ClassBalancedPseudoLabel
from steelyard.models import parse_model
from steelyard.strategy import Strategy


def test_the_surest_of_the_rows_expected_of_each_class_get_it():
    proba = np.array([[0.95, 0.05], [0.9, 0.1], [0.85, 0.15], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    # 4.8 and 1.2 are expected; of the first 80 % are 3.84, of the second 0.96.
    assert ClassBalancedPseudoLabel(share=0.8).labels(proba, several=False).tolist() == [0, 0, 0, 0, -1, 1]
    assert ClassBalancedPseudoLabel(share=0.4).labels(proba, several=False).tolist() == [0, 0, -1, -1, -1, -1]


def test_the_rarer_class_has_a_row_that_two_want():
    proba = np.array([[0.6, 0.4], [0.6, 0.4], [0.51, 0.49], [0.6, 0.4], [0.59, 0.41]])
    found = ClassBalancedPseudoLabel(share=1.0).labels(proba, several=False)
    assert found.tolist() == [0, 0, 1, 0, 1]


def test_only_entries_that_are_not_known_are_counted_and_given():
    proba = np.array([[0.9, np.nan], [0.6, np.nan], [0.3, 0.5], [0.2, 0.5]])
    found = ClassBalancedPseudoLabel(share=1.0).labels(proba, several=True)
    # Two are expected to have the first label; one of the last two to have the second.
    np.testing.assert_array_equal(found, [[1, np.nan], [1, np.nan], [0, 1], [0, 0]])


def test_a_rare_class_is_not_left_behind():
    rng = np.random.default_rng(0)
    codes = (rng.random(900) < 0.1).astype(np.int64)
    X = rng.normal(size=(900, 6)) + 1.2 * codes[:, None] * np.array([1, 1, 0, 0, 0, 0])
    frame = pl.DataFrame({f"x{k}": column for k, column in enumerate(X.T)})
    schema = TableSchema.infer(frame)
    whole, known, test = schema.extract(frame), np.arange(60), np.arange(500, 900)
    others = Unlabelled(whole.take(np.arange(60, 500)), np.full((1, 440), -1))
    data = EngineData(whole.take(known), schema, codes[known], ("a", "b"), np.zeros((1, 60), int), 0, unlabelled=others)
    shares, scores = {}, {}
    for name in ("pseudo_label", "class_balanced_pseudo_label"):
        training = Training.of(Strategy.parse(name), parse_model("linear"))
        given = given_labels(training, data)[:, 0]
        shares[name] = given[1] / given.sum()
        fitted = fit_pipeline(
            training, data.matrix, schema, data.codes, data.classes, 0, unlabelled=data.unlabelled.matrix
        )
        scores[name] = f1_score(codes[test], fitted.predict_proba(whole.take(test)).argmax(axis=1), average="macro")
    assert shares["pseudo_label"] < shares["class_balanced_pseudo_label"]
    assert scores["pseudo_label"] <= scores["class_balanced_pseudo_label"]


def test_shares_outside_the_range_are_refused():
    for share in (0, 1.2):
        with pytest.raises(UsageError, match="share must be above 0"):
            ClassBalancedPseudoLabel(share=share)
