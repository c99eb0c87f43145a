"""Time limits: what is done is kept whole, what is not is named."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import steelyard as sy
from steelyard.errors import UsageError
from steelyard.study import cells


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.array(["common"] * 150 + ["rare"] * 30)
    return rng.normal(size=(180, 3)) + (y == "rare")[:, None], y


def study(rows: tuple[np.ndarray, np.ndarray], **options: object) -> sy.StudyResult:
    return sy.run_study(*rows, models="linear, forest", strategies="inverse; sqrt; threshold", folds=3, **options)


def test_out_of_time_only_doing_nothing_is_left_and_the_rest_is_named(rows: tuple[np.ndarray, np.ndarray]) -> None:
    result = study(rows, time_limit=1e-6)
    # The threshold shares the fits of doing nothing.
    assert [arm["id"] for arm in result.record["arms"]] == ["do_nothing | linear", "threshold | linear"]
    assert "inverse | forest: not finished within 1e-06 s" in result.record["left_out"]
    assert len(result.record["left_out"]) == 6
    assert result.fit().predict(rows[0][:3]).shape == (3,)


def test_arms_that_were_finished_have_the_scores_of_an_unlimited_study(
    rows: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {arm["id"]: arm["score"] for arm in study(rows).record["arms"]}
    done = []
    plain = cells._Table.keep
    monkeypatch.setattr(cells._Table, "keep", lambda self, outcome: done.append(outcome) or plain(self, outcome))
    # A clock that goes on by a second with each fit of the 18.
    monkeypatch.setattr(cells, "time", SimpleNamespace(monotonic=lambda: float(len(done))))
    limited = {arm["id"]: arm["score"] for arm in study(rows, time_limit=8).record["arms"]}
    assert 2 < len(limited) < len(whole)
    assert limited == {key: whole[key] for key in limited}


def test_a_limit_of_nothing_is_refused(rows: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(UsageError, match="time_limit must be above 0"):
        study(rows, time_limit=0)


def test_a_strategy_whose_library_is_not_there_is_left_out_and_said(
    rows: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelyard.study.plan.find_spec", lambda name: None)
    result = sy.run_study(*rows, models="linear", strategies="inverse; smote", folds=2)
    assert result.record["left_out"] == ["smote | linear: needs pip install 'steelyard[resample]'"]
    with pytest.raises(UsageError, match="no model can train what was asked for"):
        sy.run_study(*rows, models="linear", strategies="smote", folds=2)
