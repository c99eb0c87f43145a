from __future__ import annotations

import numpy as np

from steelyard.adjustments import Unchanged


def test_probabilities_are_the_same_to_the_last_bit():
    proba = np.random.default_rng(0).dirichlet(np.ones(5), 100)
    bound = Unchanged().bind(priors=np.array([0.6, 0.2, 0.1, 0.1, 0]), weights=np.arange(1.0, 6))
    assert (bound.transform(proba) == proba).all()
