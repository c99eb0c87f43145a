"""Contract of every model, found by discovery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Model, ModelState, model_from_saved, parse_model
from steelyard.registry import components

# A model that reads texts and images itself has rows, and tests, of its own.
MODELS = [cls() for cls in components("model").values() if cls.encoding != "raw"]


@pytest.fixture
def task() -> FitTask:
    rng = np.random.default_rng(0)
    codes = rng.choice(4, p=[0.6, 0.0, 0.3, 0.1], size=300)  # class 1 has no rows
    X = rng.normal(size=(300, 5)) + codes[:, None]
    X[:, 4] = rng.integers(0, 3, size=300)
    categorical = np.array([False, False, False, False, True])
    return FitTask(X, codes, np.ones(300), 4, CrossEntropyLoss(), categorical, 7)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_probabilities_cover_all_classes_and_an_absent_one_has_none(model: Model, task: FitTask) -> None:
    proba = model.fit(task).predict_proba(task.X)
    assert proba.shape == (300, 4)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert not proba[:, 1].any()
    assert np.mean(proba.argmax(axis=1) == task.codes) > 0.7


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_same_seed_same_model(model: Model, task: FitTask) -> None:
    first, second = model.fit(task).predict_proba(task.X), model.fit(task).predict_proba(task.X)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_weights_move_probability_to_the_weighted_class(model: Model, task: FitTask) -> None:
    # Rows that look the same and are of different classes: where leaves are pure, weights have nothing to weigh.
    alike = replace(task, X=np.round(task.X / 2))
    heavy = replace(alike, sample_weight=np.where(task.codes == 3, 20.0, 1.0))
    plain, tilted = model.fit(alike).predict_proba(alike.X), model.fit(heavy).predict_proba(alike.X)
    assert tilted[:, 3].mean() > plain[:, 3].mean()


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_state_gives_the_same_model_back(model: Model, task: FitTask) -> None:
    fitted = model.fit(task)
    state = fitted.to_state()
    assert isinstance(state, ModelState)
    assert np.array_equal(model.restore(state).predict_proba(task.X), fitted.predict_proba(task.X))


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_text_and_dict_come_back(model: Model) -> None:
    assert parse_model(str(model)) == model
    assert model_from_saved(model.to_dict()) == model
