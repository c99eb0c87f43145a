"""Made-up and repeated rows never reach the rows that are scored; labels that are noise make no winner."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from steelyard.api import run_study
from steelyard.samplers import Oversample, Smote


def noise(seed, sizes=(90, 18)):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(["common", "rare"], sizes))
    return rng.normal(size=(len(y), 4)), y


@pytest.mark.parametrize("sampling", [Oversample(random_state=0), Smote(random_state=0)], ids=["oversample", "smote"])
def test_resampling_stays_in_the_training_folds(sampling):
    """Resampled before the split, a forest finds nearly every rare row of pure noise; in a study it finds none."""
    if sampling.requires:
        pytest.importorskip(sampling.requires[0])
    leaked, honest = [], []
    for seed in range(3):
        X, y = noise(seed)
        forest = RandomForestClassifier(n_estimators=15, random_state=0)
        more, labels = sampling.fit_resample(X, y)
        predicted = cross_val_predict(forest, more, labels, cv=StratifiedKFold(4, shuffle=True, random_state=0))
        leaked.append(f1_score(labels, predicted, pos_label="rare"))
        study = run_study(X, y, models="forest(n_estimators=15)", strategies=sampling.name, folds=4)
        arm = next(arm for arm in study.record["arms"] if sampling.name in arm["strategy"])
        honest.append(arm["score"] - arm["no_skill"])
    assert min(leaked) > 0.7
    assert np.mean(honest) < 0.08


@pytest.fixture(scope="module")
def noisy_labels():
    studies = []
    for seed in range(14):
        rng = np.random.default_rng(seed)
        Y = (rng.random((140, 3)) < [0.4, 0.15, 0.06]).astype(float)
        options = {"models": "linear", "strategies": "inverse; pos_weight; prior; threshold", "folds": 4}
        studies.append(run_study(rng.normal(size=(140, 3)), Y, random_state=seed, **options))
    return studies


def test_several_labels_that_are_noise_make_no_winner(noisy_labels):
    """Macro F1 is truly raised by giving rare labels at random: that is no skill, and no winner."""
    kinds = [study.verdict.kind for study in noisy_labels]
    assert kinds.count("clear_winner") <= 2
    excess = [arm["score"] - arm["no_skill"] for study in noisy_labels for arm in study.record["arms"]]
    error = np.std(excess) / np.sqrt(len(noisy_labels))
    assert np.mean(excess) < 0.005 + 2 * error


def test_a_signal_in_several_labels_is_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 3))
    Y = (1.2 * X + rng.normal(size=(700, 3)) > [0.5, 1.5, 2.8]).astype(float)
    study = run_study(X, Y, models="linear", strategies="threshold; pos_weight(power=0.5)", folds=4)
    assert study.verdict.kind == "clear_winner"
    winner = {
        entry["name"]: entry
        for arm in study.record["arms"]
        if arm["id"] == study.winner.id
        for entry in arm["per_class"]
    }
    assert winner["2"]["verdict"] == "gained"
