from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from steelyard.decisions._ascent import Problem, best_on_line, search_line
from steelyard.metrics import CountMetric, get_metric

K = 4
SCORED = {
    "macro_f1": lambda y, h, present: sk.f1_score(y, h, labels=present, average="macro", zero_division=0),
    "weighted_f1": lambda y, h, present: sk.f1_score(y, h, labels=present, average="weighted", zero_division=0),
    "micro_f1": lambda y, h, present: sk.f1_score(y, h, labels=present, average="micro", zero_division=0),
    "balanced_accuracy": lambda y, h, present: sk.recall_score(y, h, labels=present, average="macro", zero_division=0),
    "min_recall": lambda y, h, present: sk.recall_score(y, h, labels=present, average=None, zero_division=0).min(),
    "accuracy": lambda y, h, present: sk.accuracy_score(y, h),
    "mcc": lambda y, h, present: sk.matthews_corrcoef(y, h),
}


def example(seed, ties, absent):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(K, 0.7), 30)
    if ties:
        proba = np.round(proba * 8 + 0.5) / 8
    codes = rng.choice([0, 1, 3] if absent else K, 30)
    return np.log(np.maximum(proba, 1e-12)), codes, rng.normal(size=K)


@pytest.mark.parametrize("metric", SCORED)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("absent", [False, True])
def test_every_cut_of_a_line_as_scikit_learn_scores_it(metric, ties, absent):
    log_proba, codes, start = example(len(metric), ties, absent)
    found = get_metric(metric)
    assert isinstance(found, CountMetric)
    problem = Problem(log_proba, codes, found)
    for k in range(K):
        scores = log_proba + start
        before = scores.copy()
        line = search_line(problem, scores, k)
        assert (scores == before).all()
        wanted = []
        for cut in line.cuts:
            scores[:, k] = log_proba[:, k] + cut
            wanted.append(SCORED[metric](codes, scores.argmax(axis=1), np.unique(codes)))
        assert line.values == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("ties", [False, True])
def test_no_multiplier_off_the_line_is_better(ties):
    log_proba, codes, start = example(7, ties, absent=False)
    problem = Problem(log_proba, codes, get_metric("macro_f1"))
    for k in range(K):
        best, _ = search_line(problem, log_proba + start, k).best()
        trial = start.copy()
        for trial[k] in np.linspace(-30, 30, 3001):
            assert problem.value(trial) <= best + 1e-12


def test_counts_in_blocks_are_the_same(monkeypatch):
    log_proba, codes, start = example(9, ties=True, absent=False)
    problem = Problem(log_proba, codes, get_metric("min_recall"))
    whole = search_line(problem, log_proba + start, 2).values
    monkeypatch.setattr("steelyard.decisions._ascent._BLOCK_CELLS", 7 * K)
    assert search_line(problem, log_proba + start, 2).values.tolist() == whole.tolist()


@pytest.mark.parametrize(
    "metric", ["macro_f1", "balanced_accuracy", "weighted_f1", "accuracy", "f_beta(beta=0.5)", "f_beta(beta=2)"]
)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("absent", [False, True])
def test_compiled_lines_are_those_of_numpy(metric, ties, absent, monkeypatch):
    log_proba, codes, start = example(len(metric), ties, absent)
    for k in range(K):
        plain = best_on_line(Problem(log_proba, codes, get_metric(metric)), log_proba + start, k)
        with monkeypatch.context() as patch:
            patch.setattr("steelyard.decisions._ascent.COMPILED_FROM", 0)
            problem = Problem(log_proba, codes, get_metric(metric))
            assert problem.fraction is not None
            value, cut = best_on_line(problem, log_proba + start, k)
        assert value == pytest.approx(plain[0], abs=1e-12)
        assert cut == pytest.approx(plain[1], abs=1e-7)
        moved = start.copy()
        moved[k] = cut
        predicted = (log_proba + moved).argmax(axis=1)
        if "beta" not in metric:
            assert SCORED[metric](codes, predicted, np.unique(codes)) == pytest.approx(value, abs=1e-9)
        assert problem.value(moved) == pytest.approx(value, abs=1e-9)


def test_a_metric_that_is_no_sum_of_fractions_is_left_to_numpy(monkeypatch):
    monkeypatch.setattr("steelyard.decisions._ascent.COMPILED_FROM", 0)
    log_proba, codes, _ = example(1, ties=False, absent=False)
    assert Problem(log_proba, codes, get_metric("mcc")).fraction is None
