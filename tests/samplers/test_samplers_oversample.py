"""Random oversampling against imbalanced-learn's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import RandomOverSampler

from steelyard.errors import UsageError
from steelyard.samplers import Oversample

Y = np.array(["a"] * 50 + ["b"] * 7 + ["c"] * 1)
X = np.arange(58.0).reshape(-1, 1)


def test_counts_are_those_of_imbalanced_learn_and_no_row_is_lost() -> None:
    ours, y = Oversample(random_state=0).fit_resample(X, Y)
    _, theirs = RandomOverSampler(random_state=0).fit_resample(X, Y)
    assert np.unique(y, return_counts=True)[1].tolist() == np.unique(theirs, return_counts=True)[1].tolist()
    assert set(ours.ravel()) == set(X.ravel())


def test_rows_of_a_class_come_equally_often() -> None:
    ours, y = Oversample(random_state=0).fit_resample(X, Y)
    times = np.unique(ours[y == "b"], return_counts=True)[1]
    assert times.max() - times.min() <= 1


def test_a_ratio_raises_only_what_is_below_it() -> None:
    _, y = Oversample(ratio=0.1).fit_resample(X, Y)
    assert np.unique(y, return_counts=True)[1].tolist() == [50, 7, 5]


def test_frames_and_lists_come_back_as_what_they_were() -> None:
    frame, y = Oversample().fit_resample(pd.DataFrame(X, columns=["v"]), pd.Series(Y))
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(y, pd.Series)
    assert len(frame) == len(y) == 150
    table, labels = Oversample().fit_resample(pl.DataFrame({"v": X[:, 0]}), pl.Series(Y))
    assert table.height == len(labels) == 150
    assert isinstance(Oversample().fit_resample(X.tolist(), Y.tolist())[1], np.ndarray)


@pytest.mark.parametrize("ratio", [0, -1, 1.5])
def test_a_ratio_outside_its_range_is_refused(ratio: float) -> None:
    with pytest.raises(UsageError, match="ratio must be above 0 and at most 1"):
        Oversample(ratio)


def test_bad_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="X has 58 rows and y has 57 labels"):
        Oversample().fit_resample(X, Y[1:])
    with pytest.raises(UsageError, match="missing labels"):
        Oversample().fit_resample(X, [None, *Y[1:]])
