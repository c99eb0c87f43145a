"""Nystroem features against the exact kernel, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.metrics.pairwise import rbf_kernel

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Linear, Nystroem
from steelyard.models.nystroem import _kernel


def task() -> FitTask:
    X, y = make_moons(400, noise=0.15, random_state=0)
    return FitTask(X, y, np.ones(400), 2, CrossEntropyLoss(), np.zeros(2, dtype=bool), 0)


def test_the_kernel_is_scikit_learns() -> None:
    X = task().X
    np.testing.assert_allclose(_kernel(X, X[:20], 0.7), rbf_kernel(X, X[:20], gamma=0.7), atol=1e-12)


def test_products_of_the_features_are_the_kernel_at_the_landmarks() -> None:
    fitted = Nystroem(n_components=50, gamma=1.0).fit(task())
    mapped = _kernel(fitted.landmarks, fitted.landmarks, 1.0) @ fitted.root
    np.testing.assert_allclose(mapped @ mapped.T, rbf_kernel(fitted.landmarks, gamma=1.0), atol=1e-4)


def test_it_bends_where_a_linear_model_cannot() -> None:
    rows = task()
    curved = Nystroem(gamma=1.0).fit(rows).predict_proba(rows.X).argmax(axis=1)
    straight = Linear().fit(rows).predict_proba(rows.X).argmax(axis=1)
    assert np.mean(curved == rows.codes) > 0.97 > 0.93 > np.mean(straight == rows.codes)


def test_a_width_of_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="gamma must be positive"):
        Nystroem(gamma=0.0)
