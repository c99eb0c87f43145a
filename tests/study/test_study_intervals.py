"""Intervals and tests, judged against scipy and against sums written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from steelyard.study.intervals import holm, mcnemar, paired_difference, wilson

PAIRS = [(0, 1), (1, 1), (0, 2), (2, 2), (1, 7), (19, 20), (0, 400), (37, 400), (400, 400)]


@pytest.mark.parametrize(("hits", "total"), PAIRS)
def test_wilson_is_that_of_scipy(hits, total):
    theirs = binomtest(hits, total).proportion_ci(method="wilson")
    assert wilson(np.array([float(hits)]), np.array([float(total)])).ravel() == pytest.approx(theirs, abs=1e-12)


def test_wilson_of_no_rows_says_nothing():
    assert wilson(np.array([0.0]), np.array([0.0])).ravel().tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 0), (0, 6), (3, 4), (12, 3), (40, 61), (7, 7)])
def test_mcnemar_is_the_exact_binomial_test_of_the_discordant_rows(gained, lost):
    theirs = binomtest(gained, gained + lost, 0.5).pvalue if gained + lost else 1.0
    by_hand = min(
        1.0, 2 * sum(math.comb(gained + lost, k) for k in range(min(gained, lost) + 1)) / 2 ** (gained + lost)
    )
    assert mcnemar(gained, lost) == pytest.approx(theirs, rel=1e-12)
    assert mcnemar(gained, lost) == pytest.approx(by_hand, rel=1e-12)


def holm_by_hand(p_values):
    """Statsmodels' ``multipletests(method="holm")``, written out."""
    n = len(p_values)
    order = sorted(range(n), key=lambda i: p_values[i])
    out, highest = [0.0] * n, 0.0
    for rank, i in enumerate(order):
        highest = max(highest, (n - rank) * p_values[i])
        out[i] = min(highest, 1.0)
    return out


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_step_down_procedure(seed):
    p_values = np.random.default_rng(seed).random(seed + 2) ** 3
    assert holm(p_values).tolist() == pytest.approx(holm_by_hand(p_values.tolist()))


def test_holm_of_known_values():
    # The worked example of R's p.adjust(c(.01, .02, .03, .04, .05), "holm").
    assert holm(np.array([0.01, 0.02, 0.03, 0.04, 0.05])).tolist() == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_agresti_min_by_hand():
    # (n12 + .5 - n21 - .5) / (N + 2) +- 1.96 sqrt(n12* + n21* - (n12* - n21*)^2 / N*) / N*
    up, down, n = 40.5, 20.5, 202.0
    half = 1.959963984540054 * math.sqrt(up + down - (up - down) ** 2 / n) / n
    found = paired_difference(np.array([40.0]), np.array([20.0]), np.array([200.0])).ravel()
    assert found == pytest.approx([(up - down) / n - half, (up - down) / n + half])


def test_the_paired_interval_covers_a_true_difference():
    """Of 600 samples of 40 pairs, about 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(40, [0.2, 0.08, 0.72], size=600)
    low, high = paired_difference(drawn[:, 0].astype(float), drawn[:, 1].astype(float), np.full(600, 40.0))
    covered = ((low <= 0.12) & (high >= 0.12)).mean()
    assert 0.92 <= covered <= 0.99
