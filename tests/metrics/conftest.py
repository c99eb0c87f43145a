from __future__ import annotations

import numpy as np
import pytest

from steelyard.metrics import class_counts, get_metric


def make_case(seed, n, n_classes, used, ties=False):
    """Codes of some of the classes, probabilities, and predictions that may name any class."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.sort(rng.choice(n_classes, used, replace=False)), n)
    scores = rng.gamma(0.5, size=(n, n_classes)) + 1e-3
    scores[np.arange(n), codes] += rng.random(n)
    proba = scores / scores.sum(axis=1, keepdims=True)
    if ties:
        proba = np.round(proba, 1) + 1e-3
        proba /= proba.sum(axis=1, keepdims=True)
    predicted = np.where(rng.random(n) < 0.2, rng.integers(0, n_classes, n), proba.argmax(axis=1))
    return codes, proba, predicted, n_classes


CASES = {
    "two classes": (0, 60, 2, 2),
    "five classes": (1, 200, 5, 5),
    "absent classes": (2, 150, 6, 3),
    "ties": (3, 120, 4, 4, True),
    "one row a class": (4, 3, 3, 3),
    "two rows": (5, 2, 2, 2),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return make_case(*request.param)


@pytest.fixture
def counted():
    """Value of a count metric from labels, through counts."""

    def value(text, codes, predicted, n_classes, weights=None):
        counts = class_counts(codes, predicted, n_classes, weights)
        total = float(len(codes)) if weights is None else np.asarray(weights, float).sum(axis=-1)
        return get_metric(text).from_counts(*counts, total)

    return value


@pytest.fixture
def weights(case):
    """Six resamples of a case: whole numbers with zeros, as a bootstrap draws, and fractions."""
    n = len(case[0])
    rng = np.random.default_rng(n)
    return np.vstack([rng.multinomial(n, np.ones(n) / n, size=3), rng.exponential(size=(3, n))]).astype(float)
