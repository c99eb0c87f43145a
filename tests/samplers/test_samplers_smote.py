"""SMOTE: new rows lie between neighbours, and rare classes do not make it fail."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE

from steelyard.errors import UsageError
from steelyard.samplers import Smote

RNG = np.random.default_rng(0)
CODES = np.array([0] * 40 + [1] * 12 + [2] * 3 + [3] * 1)
X = RNG.normal(size=(56, 2)) + 10 * CODES[:, None]


def test_it_is_imbalanced_learns_where_that_works() -> None:
    two = CODES < 2
    ours, codes = Smote(random_state=0).fit_resample(X[two], CODES[two])
    seed = int(np.random.default_rng(0).integers(2**31))
    theirs, y = SMOTE(k_neighbors=5, random_state=seed).fit_resample(X[two], CODES[two])
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(codes, y)


def test_rare_classes_shrink_the_neighbourhood_and_a_single_row_is_repeated() -> None:
    with pytest.raises(ValueError, match="n_neighbors"):
        SMOTE(random_state=0).fit_resample(X, CODES)
    made, codes = Smote(random_state=0).fit_resample(X, CODES)
    assert np.bincount(codes).tolist() == [40, 40, 40, 40]
    np.testing.assert_array_equal(made[:56], X)
    assert len(np.unique(made[codes == 3], axis=0)) == 1
    few = X[CODES == 2]
    new = made[56:][codes[56:] == 2]
    assert len(np.unique(new, axis=0)) == 37
    assert (new >= few.min(axis=0) - 1e-9).all()
    assert (new <= few.max(axis=0) + 1e-9).all()


@pytest.mark.parametrize("bad", [{"k_neighbors": 0}, {"k_neighbors": 2.5}, {"ratio": 0}])
def test_what_is_out_of_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="smote: "):
        Smote(**bad)  # type: ignore[arg-type]
