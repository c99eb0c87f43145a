"""Discriminant analysis against scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Lda


def task(classes: int) -> FitTask:
    X, y = make_classification(300, 8, n_informative=5, n_redundant=0, n_classes=classes, random_state=1)
    return FitTask(X, y, np.ones(300), classes, CrossEntropyLoss(), np.zeros(8, dtype=bool), 0)


def test_without_shrinkage_it_is_scikit_learns() -> None:
    for classes in (2, 4):
        rows = task(classes)
        theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(rows.X, rows.codes).predict_proba(rows.X)
        np.testing.assert_allclose(Lda(shrinkage=0).fit(rows).predict_proba(rows.X), theirs, atol=1e-4)


def test_the_shrinkage_is_ledoit_and_wolfs_of_the_centred_rows() -> None:
    rows = task(3)
    means = np.stack([rows.X[rows.codes == k].mean(axis=0) for k in range(3)])
    centred = rows.X - means[rows.codes]
    _, share = ledoit_wolf(centred, assume_centered=True)
    chosen = Lda().fit(rows).predict_proba(rows.X)
    np.testing.assert_allclose(chosen, Lda(shrinkage=share).fit(rows).predict_proba(rows.X), atol=1e-10)


def test_a_row_that_weighs_two_is_two_rows() -> None:
    rows = task(3)
    times = 1 + (np.arange(300) % 2)
    again = np.repeat(np.arange(300), times)
    heavy = Lda(shrinkage=0.1).fit(replace(rows, sample_weight=times.astype(float)))
    copied = replace(rows, X=rows.X[again], codes=rows.codes[again], sample_weight=np.ones(len(again)))
    np.testing.assert_allclose(
        heavy.predict_proba(rows.X), Lda(shrinkage=0.1).fit(copied).predict_proba(rows.X), atol=1e-10
    )


def test_a_shrinkage_above_one_is_refused() -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        Lda(shrinkage=1.5)
