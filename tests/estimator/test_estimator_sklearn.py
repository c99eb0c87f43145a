"""scikit-learn's own checks of every classifier, on settings that are quick."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import steelyard as sy

#: What is not so, and why.
EXPECTED: dict[str, str] = {}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [sy.SteelyardClassifier(model="linear", strategy="do_nothing", n_jobs=1)],
    expected_failed_checks=lambda estimator: EXPECTED,
    xfail_strict=True,
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)
