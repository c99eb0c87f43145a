"""The section on searches: every number of it comes from the study, and says what the folds disagree on."""

from __future__ import annotations

import copy
import re

import pytest
from html_checks import Page
from sample_studies import small_study

from steelyard.report import render_report
from steelyard.report.charts.tuning import tuning_chart
from steelyard.report.view import build_view


def search(fold, values, scores):
    trials = [
        {"values": values, "score": None if given_up else score, "steps": [score / 2, score]}
        for score, given_up in scores
    ]
    best = max(score for score, given_up in scores if not given_up)
    return {"repeat": 0, "fold": fold, "values": values, "score": best, "pruned": 1, "seconds": 1.0, "trials": trials}


@pytest.fixture
def study():
    study = small_study()
    arm = next(arm for arm in study["arms"] if arm["id"] == study["winner"]["id"])
    arm["strategy"], arm["model"] = "focal(gamma=?)", "mlp(hidden=32|64)"
    scores = [(0.41, False), (0.47, False), (0.3, True), (0.45, False)]
    arm["tuning"] = {
        "method": "bayes",
        "most_trials": 4,
        "strategy": "focal(gamma=1.25)",
        "model": "mlp(hidden=32)",
        "values": {"focal.gamma": 1.25, "mlp.hidden": 32},
        "searches": [
            search(0, {"focal.gamma": 0.5, "mlp.hidden": 32}, scores),
            search(1, {"focal.gamma": 3.0, "mlp.hidden": 32}, scores),
            search(None, {"focal.gamma": 1.25, "mlp.hidden": 32}, scores),
        ],
    }
    return study


def test_values_of_each_fold_are_in_a_table(study):
    page = Page(render_report(study))
    arm = next(arm for arm in study["arms"] if "tuning" in arm)
    rank = 1 + sorted(-other["score"] for other in study["arms"]).index(-arm["score"])
    table = page.table(f"Values found: rank {rank}, focal(gamma=?) with mlp(hidden=32|64)")
    assert table[1:] == [
        ["all but fold 1", "0.5", "32", "0.470", "4", "1"],
        ["all but fold 2", "3", "32", "0.470", "4", "1"],
        ["all rows", "1.25", "32", "0.470", "4", "1"],
    ]
    assert "the 2 folds disagree: focal.gamma from 0.5 to 3." in page.text()
    assert "mlp.hidden from" not in page.text()


def test_the_snippet_has_the_values_found_on_all_rows(study):
    page = render_report(study)
    assert "gamma=1.25" in page
    assert "with the values found on all rows" in page


def test_the_chart_draws_each_trial_once_in_each_size(study):
    drawn = str(tuning_chart(build_view(study).tuning))
    wide, narrow = drawn.split("\n")
    for svg in (wide, narrow):
        # Three finished trials as dots, one that was given up as a ring.
        assert len(re.findall(r'<circle [^>]*r="3.5"', svg)) == 3
        assert len(re.findall(r'<circle [^>]*r="3"', svg)) == 1
        # Two folds, the arm's own score, the best so far.
        assert svg.count("<polyline") == 4
        assert 'role="img"' in svg
        assert "trial by trial" in svg


def test_where_less_is_better_the_best_so_far_goes_down(study):
    lower = copy.deepcopy(study)
    lower["metric"] = "log_loss"
    whole = build_view(lower).tuning.arms[0].whole
    assert whole.best_so_far == ((1.0, 0.41), (2.0, 0.41), (4.0, 0.41), (4.0, 0.41))
    whole = build_view(study).tuning.arms[0].whole
    assert [value for _, value in whole.best_so_far] == [0.41, 0.47, 0.47, 0.47]


def test_without_searches_there_is_no_section():
    assert 'id="tuning"' not in render_report(small_study())


def test_the_call_that_makes_it_again_names_the_search(study):
    study.pop("command", None)
    command = build_view(study).command
    assert "tune='bayes'" in command
    assert "trials=4" in command
