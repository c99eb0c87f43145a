"""Values in a notebook: escaped, small, without scripts, whatever the class names are."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

import steelyard as sy
from steelyard.notebook import Bar, html_table

NASTY = '<script>alert("1")</script>'


class Checked(HTMLParser):
    """Elements of a fragment, checked to be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.stack = [], []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.stack.append(tag)
        assert not any(key.startswith("on") for key, _ in attrs)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    y = np.array(["common"] * 60 + [NASTY] * 20)
    return sy.run_study(rng.normal(size=(80, 2)), y, models="linear", strategies="inverse; sqrt", folds=2)


def values(result):
    y = ["common"] * 60 + [NASTY] * 20
    counts = sy.count_labels(y)
    return [counts, sy.class_weights(counts), sy.Strategy.parse("inverse + threshold"), sy.inspect_data(y=y), result]


def test_values_show_themselves_without_script_or_colours(result) -> None:
    for value in values(result):
        text = value._repr_html_()
        assert {"script", "style", "link", "img"}.isdisjoint(Checked(text).tags), type(value)
        # A colour of ours could vanish on the notebook's ground.
        assert not re.search(r"#[0-9a-f]{3,6}|rgb", text), type(value)
        assert len(text) < 20_000


def test_a_table_holds_its_numbers_and_texts() -> None:
    text = html_table("t", ["class", "rows", ""], [["a & b", 1234, Bar(0.5)], ["c", 0.25, Bar(0)]], "below")
    assert ">a &amp; b<" in text
    assert ">1,234<" in text
    assert ">0.25<" in text
    assert "width:6.0em" in text


def test_a_thousand_classes_are_shortened_in_the_middle() -> None:
    text = sy.count_labels({f"class {number:04}": number + 1 for number in range(1000)})._repr_html_()
    assert "980 more" in text
    assert "class 0999" in text
    assert "class 0000" in text
    assert "class 0500" not in text


def test_the_report_opens_inline_and_is_the_one_that_is_written(result, tmp_path) -> None:
    inline = result.report()
    frame = inline._repr_html_()
    assert Checked(frame).tags == ["iframe"]
    assert "allow-scripts" not in frame
    page = unescape(re.search(r'srcdoc="([^"]*)"', frame).group(1))
    assert page == result.report(tmp_path / "report.html").read_text("utf-8")
    assert inline.save(tmp_path / "again.html").read_text("utf-8") == page
    assert len(repr(inline)) < 100


def test_progress_in_a_notebook_is_a_few_lines(capsys) -> None:
    rng = np.random.default_rng(0)
    y = ["a", "b"] * 20
    sy.run_study(rng.normal(size=(40, 2)), y, models="linear", strategies="inverse", folds=2, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("steelyard: 4 of 4 cells")
    assert len(lines) <= 4
