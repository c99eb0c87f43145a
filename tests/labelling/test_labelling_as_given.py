"""Labels as they are given."""

from __future__ import annotations

import numpy as np

from steelyard.labelling import AsGiven


def test_nothing_is_given_however_sure_a_model_is() -> None:
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert AsGiven().labels(sure, several=False).tolist() == [-1, -1]
    assert np.isnan(AsGiven().labels(sure, several=True)).all()
    assert not AsGiven.gives
