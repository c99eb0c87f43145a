from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from steelyard.metrics import class_counts, per_class


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(deadline=None)
@given(st.integers(2, 5), st.data())
def test_counts_are_those_of_the_confusion_matrix(n_classes, data):
    code = st.integers(0, n_classes - 1)
    pairs = data.draw(st.lists(st.tuples(code, code, st.integers(0, 4)), min_size=1, max_size=30))
    codes, predicted, weight = (np.array(column) for column in zip(*pairs, strict=True))
    weight[0] += 1
    for given_weight in (None, weight.astype(float)):
        matrix = confusion_matrix(codes, predicted, labels=np.arange(n_classes), sample_weight=given_weight)
        found = class_counts(codes, predicted, n_classes, given_weight)
        for counts, wanted in zip(found, (np.diag(matrix), matrix.sum(0), matrix.sum(1)), strict=True):
            assert counts.dtype == np.float64
            assert counts.tolist() == wanted.tolist()
    lines = np.stack([weight, weight[::-1], np.zeros(len(weight))]).astype(float)
    several = class_counts(codes, predicted, n_classes, lines)
    for line, *rows in zip(lines, *several, strict=True):
        for row, wanted in zip(rows, class_counts(codes, predicted, n_classes, line), strict=True):
            assert row.tolist() == wanted.tolist()


def test_no_rows():
    none = np.zeros(0, dtype=int)
    assert [part.tolist() for part in class_counts(none, none, 2)] == [[0.0, 0.0]] * 3
    assert class_counts(none, none, 2, np.zeros((3, 0)))[0].shape == (3, 2)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_per_class_as_scikit_learn(case, beta):
    codes, _, predicted, n_classes = case
    found = per_class(*class_counts(codes, predicted, n_classes), beta)
    precision, recall, f_beta, _ = precision_recall_fscore_support(
        codes, predicted, beta=beta, labels=np.arange(n_classes), zero_division=0
    )
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)
    assert found["f_beta"] == pytest.approx(f_beta)


def test_per_class_keeps_leading_axes():
    counts = np.ones((2, 3, 4))
    assert {name: value.shape for name, value in per_class(counts, counts, counts, 0.5).items()} == dict.fromkeys(
        ("precision", "recall", "f1", "f_beta"), (2, 3, 4)
    )
