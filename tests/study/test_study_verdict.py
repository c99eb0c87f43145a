"""The rule of the verdict, and of the words for each class, from figures written by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from steelyard.metrics import get_metric
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study.compare import Scores, Winner, choose_winner, class_tables, score_arms
from steelyard.study.plan import Arm
from steelyard.study.resampling import Predictions, bootstrapped
from steelyard.study.verdict import judge

MACRO_F1 = get_metric("macro_f1")
ARMS = tuple(Arm(Strategy.parse(text), parse_model("linear")) for text in ("do_nothing", "inverse"))


def figures(score, no_skill=0.3, high=0.35):
    score = np.array(score)
    n = len(score)
    return Scores(
        score=score,
        ci=np.stack([score - 0.05, score + 0.05]),
        delta=score - score[0],
        delta_ci=np.stack([score - score[0] - 0.05, score - score[0] + 0.05]),
        no_skill=np.full(n, no_skill),
        no_skill_high=np.full(n, high),
        baseline=0,
    )


GOOD = Winner(index=1, score=0.69, score_ci=(0.6, 0.78), gain=0.1, gain_ci=(0.02, 0.18))


@pytest.mark.parametrize(
    ("scores", "winner", "kind"),
    [
        (figures([0.6, 0.7]), GOOD, "clear_winner"),
        (figures([0.6, 0.7]), replace(GOOD, gain_ci=(0.0, 0.18)), "no_clear_winner"),
        (figures([0.6, 0.7]), replace(GOOD, gain_ci=(-0.02, 0.18)), "no_clear_winner"),
        (figures([0.7, 0.7]), replace(GOOD, index=0), "no_gain"),
        (figures([0.7, 0.6]), replace(GOOD, index=0), "no_gain"),
        # Above doing nothing, but no better than guessing: never a winner.
        (figures([0.6, 0.7], no_skill=0.7, high=0.72), GOOD, "no_gain"),
        (figures([0.6, 0.7], no_skill=0.65, high=0.69), GOOD, "no_gain"),
    ],
)
def test_the_kind_follows_from_the_figures(scores, winner, kind):
    verdict = judge(ARMS, scores, winner, MACRO_F1)
    assert verdict.kind == kind
    assert verdict.text.endswith(".")
    assert "\n" not in verdict.text


@pytest.mark.parametrize(
    ("score", "no_skill", "low", "kind"),
    [(0.3, 0.6, 0.02, "clear_winner"), (0.3, 0.25, 0.02, "no_gain"), (0.3, 0.6, -0.02, "no_clear_winner")],
)
def test_for_a_loss_less_is_better(score, no_skill, low, kind):
    scores = figures([0.4, score], no_skill=no_skill, high=no_skill - 0.02)
    winner = Winner(index=1, score=score, score_ci=(score - 0.05, score + 0.05), gain=0.1, gain_ci=(low, 0.18))
    assert judge(ARMS, scores, winner, get_metric("log_loss")).kind == kind


def predictions(labels, n_classes):
    return Predictions(labels[None], np.eye(n_classes)[labels][None])


def test_words_for_a_class_are_holm_over_exact_mcnemar():
    """Rare class: 12 rows more are right, none fewer. Common class: 3 fewer, 1 more. A third class: too few rows."""
    codes = np.repeat([0, 1, 2], [200, 40, 4])
    base, arm = codes.copy(), codes.copy()
    base[200:220] = 0
    arm[208:220] = 1
    arm[200:208] = 0
    arm[:3] = 1
    base[3] = 1
    both = [predictions(base, 3), predictions(arm, 3)]
    drawn = bootstrapped(MACRO_F1, codes, both, size=200, seed=0)
    table = class_tables(codes, both, 0, drawn)[1]
    p_values = {"0": binomtest(1, 4).pvalue, "1": binomtest(12, 12).pvalue}
    assert p_values["1"] * 3 < 0.05 < p_values["0"]
    assert table.verdict == ["no clear change", "gained", "too few rows"]
    # Even four of four rows going one way could not have passed.
    assert binomtest(4, 4).pvalue * 3 > 0.05
    # Turned round, the same class has lost.
    turned = bootstrapped(MACRO_F1, codes, both[::-1], size=200, seed=0)
    assert class_tables(codes, both[::-1], 0, turned)[1].verdict == ["no clear change", "lost", "too few rows"]


def test_naming_a_class_everywhere_is_no_gain():
    codes = np.repeat([0, 1], [300, 30])
    base = np.where(np.arange(330) >= 315, 1, 0)
    everywhere = np.ones(330, dtype=int)
    both = [predictions(base, 2), predictions(everywhere, 2)]
    drawn = bootstrapped(MACRO_F1, codes, both, size=200, seed=0)
    table = class_tables(codes, both, 0, drawn)[1]
    assert table.verdict == ["lost", "no clear change"]
    assert table.value["recall"][1] == 1.0


def noise(seed, n_arms, sizes=(120, 40)):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    share = np.array(sizes) / sum(sizes)
    arms = [rng.choice(len(sizes), len(codes), p=share) for _ in range(n_arms)]
    return codes, [predictions(p, len(sizes)) for p in arms]


def test_the_corrected_gain_of_the_best_of_many_useless_arms_is_nothing():
    """Picked by its score alone, the best of 12 guesses seems to gain; corrected, it does not, and is no winner."""
    naive, corrected, clear = [], [], 0
    arms = tuple(Arm(Strategy.parse(f"inverse + prior(tau={0.1 * k:.1f})"), ARMS[0].model) for k in range(1, 12))
    for seed in range(25):
        codes, made = noise(seed, 12)
        drawn = bootstrapped(MACRO_F1, codes, made, size=100, seed=seed)
        table = score_arms(MACRO_F1, codes, made, [0], drawn, seed)
        winner = choose_winner(MACRO_F1, codes, made, [0], table, seed)
        naive.append(table.delta[winner.index])
        corrected.append(winner.gain)
        clear += judge((ARMS[0], *arms), table, winner, MACRO_F1).kind == "clear_winner"
    assert np.mean(naive) > 0.05
    assert abs(np.mean(corrected)) < 0.015 + 2 * np.std(corrected) / 5
    assert clear <= 1


def test_the_best_way_of_doing_nothing_is_the_baseline_and_ties_go_to_the_simpler():
    codes = np.repeat([0, 1], [50, 20])
    worse, better = codes.copy(), codes.copy()
    worse[:10] = 1
    made = [predictions(p, 2) for p in (worse, better, better)]
    drawn = bootstrapped(MACRO_F1, codes, made, size=50, seed=0)
    table = score_arms(MACRO_F1, codes, made, [0, 1], drawn, 0)
    assert table.baseline == 1
    assert table.delta.tolist() == [table.score[0] - 1.0, 0.0, 0.0]
    assert choose_winner(MACRO_F1, codes, made, [0, 1], table, 0).index == 1
