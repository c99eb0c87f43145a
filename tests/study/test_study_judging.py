"""Counts, resamples and shuffles of rows with several labels, against loops over rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from steelyard.metrics import get_metric
from steelyard.study.judging import Predictions, judging_of
from steelyard.study.resampling import bootstrapped, halved, metric_values, permuted


def make_case(unknown=0.15, n=60, n_labels=3, seed=0, repeats=2):
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, n_labels)) < [0.5, 0.3, 0.15]).astype(float)
    proba = np.clip(rng.random((repeats, n, n_labels)) * 0.7 + 0.3 * Y, 0, 1)
    Y[rng.random(Y.shape) < unknown] = np.nan
    return Y, Predictions((proba > 0.5).astype(np.int64), proba)


def repeated(Y, arm, times):
    """The rows as often as their weights say."""
    rows = np.repeat(np.arange(len(Y)), times)
    return Y[rows], Predictions(arm.predicted[:, rows], arm.proba[:, rows])


METRICS = ("macro_f1", "micro_f1", "samples_f1", "accuracy", "hamming_loss", "balanced_accuracy", "roc_auc", "brier")


@pytest.mark.parametrize("name", METRICS)
def test_row_weights_are_repeated_rows(name):
    Y, arm = make_case()
    metric = get_metric(name)
    weights = np.random.default_rng(1).integers(0, 4, (3, len(Y)))
    found = metric_values(metric, Y, arm, weights.astype(np.float32))
    for value, times in zip(found, weights, strict=True):
        rows, resampled = repeated(Y, arm, times)
        expected = metric_values(metric, rows, resampled, np.ones((1, len(rows)), np.float32))[0]
        assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_without_skill_is_what_shuffled_rows_score(name):
    """Counts of shuffled predictions are found without shuffling the rows; here they are shuffled."""
    Y, arm = make_case()
    metric, size = get_metric(name), 40
    found = permuted(metric, Y, arm, size=size, seed=5)
    rng = np.random.default_rng([5, 0x5C1F])
    for value in found:
        order = rng.permutation(len(Y))
        mixed = Predictions(arm.predicted[:, order], arm.proba[:, order])
        expected = metric_values(metric, Y, mixed, np.ones((1, len(Y)), np.float32))[0]
        assert value == pytest.approx(expected, rel=1e-9)


def test_resamples_keep_the_rows_of_each_rarest_label():
    Y, arm = make_case(unknown=0.0)
    strata = judging_of(Y).strata(Y)
    counts = Y.sum(axis=0)
    for row, stratum in zip(Y, strata, strict=True):
        own = np.flatnonzero(row)
        assert stratum == (own[counts[own].argmin()] if len(own) else 3)
    drawn = bootstrapped(get_metric("macro_f1"), Y, [arm], size=50, seed=0)
    rarest = int(counts.argmin())
    # A row that has the rarest label is in its stratum, so each draw has as many of them.
    assert (drawn.counts[0].actual[:, rarest] == counts[rarest]).all()
    assert drawn.counts[0].known is not None
    chosen, other = halved(get_metric("macro_f1"), Y, [arm], size=20, seed=0)
    assert chosen.shape == other.shape == (1, 20)
    assert np.isfinite(chosen).all()


def test_discordant_rows_are_those_with_the_label_that_one_arm_alone_finds():
    Y, first = make_case(repeats=1)
    _, second = make_case(seed=3, repeats=1)
    gained, lost = judging_of(Y).discordant(Y, first, second, 3)
    for label in range(3):
        rows = [i for i in range(len(Y)) if Y[i, label] == 1]
        ours = [(first.predicted[0, i, label], second.predicted[0, i, label]) for i in rows]
        assert gained[label] == ours.count((1, 0))
        assert lost[label] == ours.count((0, 1))


def test_scores_are_over_known_entries_only():
    Y, arm = make_case(repeats=1)
    known = ~np.isnan(Y)
    value = metric_values(get_metric("micro_f1"), Y, arm, np.ones((1, len(Y)), np.float32))[0]
    assert value == pytest.approx(theirs.f1_score(Y[known], arm.predicted[0][known]))
