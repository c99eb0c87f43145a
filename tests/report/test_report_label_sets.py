"""The page of a study in which rows may have several labels."""

from __future__ import annotations

import pytest
from html_checks import Page
from sample_studies import NASTY, no_gain_study, small_study

from steelyard.report import render_report


def with_labels(study, names=("joy", "love")):
    study["data"]["task"] = "multilabel"
    study.pop("confusion", None)
    study["labels"] = {
        "cardinality": 1.25,
        "rows_by_number": [10, 50, 0, 20],
        "unknown": 0.04,
        "pairs": [{"labels": list(names), "rows": 12, "winner": 9.5, "baseline": 1.0}],
    }
    return study


def table(page, caption):
    return page.tables[next(k for k, text in enumerate(page.captions) if text.startswith(caption))]


def test_labels_stand_in_place_of_confusions():
    text = render_report(with_labels(small_study()))
    page = Page(text)
    assert "What is taken for what" not in text
    assert 'href="#labels"' in text
    assert "1.250 labels on average" in text
    assert "several labels per row" in text
    numbers = table(page, "How many labels")
    assert [row[:2] for row in numbers[1:]] == [["0", "10"], ["1", "50"], ["3", "20"]]
    pairs = table(page, "The pairs")
    assert pairs[1] == ["joy", "love", "12", "9.5", "1"]
    assert pairs[0][-1] == "Doing nothing"


def test_where_doing_nothing_came_first_it_is_shown_once():
    page = Page(render_report(with_labels(no_gain_study())))
    assert len(table(page, "The pairs")[0]) == 4


def test_without_labels_there_is_no_such_section():
    assert 'id="labels"' not in render_report(small_study())


@pytest.mark.parametrize("name", NASTY)
def test_names_are_escaped(name):
    study = with_labels(small_study(), (name, "other"))
    page = Page(render_report(study))
    assert not any(tag == "script" for tag, _, _ in page.elements)
