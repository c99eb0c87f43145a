"""scikit-learn's own checks of every classifier, on settings that are quick."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import steelyard as sy

PLAIN = sy.SteelyardClassifier(model="linear", strategy="do_nothing", n_jobs=1)
MIXED = sy.SteelyardClassifier(model="linear", n_jobs=1)

#: What is not so, and why. Where one model does nothing about imbalance it is rounding alone.
PRECISE = {
    "check_sample_weight_equivalence_on_dense_data": "a linear model is searched for until its probabilities stand to "
    "1e-5, and the check asks for 1e-7",
}
EXPECTED = {
    "check_classifiers_train": "predict follows the tuned decision, which is not always the most probable class",
    "check_sample_weight_equivalence_on_dense_data": "rows repeated by hand are dealt to folds one by one, weighted "
    "rows whole, so that calibration and mixture differ",
}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [PLAIN, MIXED],
    expected_failed_checks=lambda found: EXPECTED if found.strategy == "auto" else PRECISE,
    xfail_strict=True,
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)
