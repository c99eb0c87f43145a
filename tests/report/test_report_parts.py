from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from sample_studies import thyroid_study, wide_study

from steelyard.report import words
from steelyard.report.arms import ranked_arms
from steelyard.report.charts.placement import label_places
from steelyard.report.charts.svg import themed_svg
from steelyard.report.confusion import confusion
from steelyard.report.tradeoff import tradeoff
from steelyard.report.view import build_view


def _arms(recall_changes: dict[str, dict[str, float | None]]) -> Any:
    raw = [
        {
            "id": name,
            "strategy": name,
            "model": "linear",
            "score": 0.5,
            "per_class": [{"name": label, "recall_delta": delta} for label, delta in changes.items()],
        }
        for name, changes in recall_changes.items()
    ]
    study = {"arms": raw, "winner": {"id": "w"}, "baseline": "b"}
    return ranked_arms(study, False, {}, "winner")


def test_tradeoff_is_the_mean_over_each_half_by_hand() -> None:
    arms = _arms(
        {
            "b": dict.fromkeys("abcde", 0.0),
            "w": {"a": 0.5, "b": 0.1, "c": -0.01, "d": -0.02, "e": -0.03},
        }
    )
    # Five classes, from rare to common: the rarer half are the two rarest.
    shown = tradeoff(arms, {"e": 900, "d": 400, "c": 90, "b": 30, "a": 3})
    assert shown is not None
    assert (shown.rare, shown.common) == (("a", "b"), ("c", "d", "e"))
    (point,) = shown.points
    assert point.rare == pytest.approx(0.3)
    assert point.common == pytest.approx(-0.02)


def test_tradeoff_needs_two_classes_and_known_changes() -> None:
    assert tradeoff(_arms({"w": {"a": 0.1}}), {"a": 3}) is None
    assert tradeoff(_arms({"w": {"a": 0.1, "b": None}}), {"a": 3, "b": 9}) is None


def test_unscored_classes_do_not_move_the_tradeoff() -> None:
    study = thyroid_study()
    before = build_view(study).tradeoff
    for arm in study["arms"]:
        arm["per_class"][3]["recall_delta"] = 1.0
    after = build_view(study).tradeoff
    assert before is not None
    assert after is not None
    assert [(point.rare, point.common) for point in before.points] == [
        (point.rare, point.common) for point in after.points
    ]


def test_most_frequent_confusions_are_those_of_numpy() -> None:
    study = wide_study()["confusion"]
    shown = confusion(study, "Winner", winner_is_baseline=False)
    assert shown is not None
    counts, before = np.array(study["winner"]), np.array(study["baseline"])
    off = counts - np.diag(np.diag(counts))
    assert [mistake.count for mistake in shown.mistakes] == np.sort(off, axis=None)[::-1][:15].tolist()
    labels = [words.clean(label) for label in study["labels"]]
    for mistake in shown.mistakes:
        true, predicted = labels.index(mistake.true), labels.index(mistake.predicted)
        assert counts[true, predicted] == mistake.count
        assert mistake.share == pytest.approx(mistake.count / counts[true].sum())
        assert mistake.before == before[true, predicted]


def test_confusion_of_another_shape_is_left_out() -> None:
    assert confusion({"labels": ["a", "b"], "winner": [[1, 2]]}, "Winner", winner_is_baseline=False) is None


@pytest.mark.parametrize("seed", range(5))
def test_labels_cover_neither_each_other_nor_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [(float(x), float(y)) for x, y in rng.uniform(20, 280, (12, 2))]
    points[1] = (points[0][0] + 2, points[0][1] + 2)
    size, within = (18.0, 16.0), (300.0, 300.0)
    places = label_places(points[:8], points, size, within)
    for (x, y), (other_x, other_y) in itertools.combinations(places, 2):
        assert abs(x - other_x) >= size[0] or abs(y - other_y) >= size[1]
    for (x, y), (px, py) in itertools.product(places, points):
        assert abs(x - px) >= size[0] / 2 or abs(y - py) >= size[1] / 2
    for (x, y), (px, py) in zip(places, points, strict=False):
        assert math.dist((x, y), (px, py)) < 60


def test_svg_is_themed_labelled_and_free_of_foreign_ids() -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9">'
        '<defs><clipPath id="c0"><path d="M0,0"/></clipPath></defs>'
        '<g clip-path="url(#c0)"><text fill="#1b2430">url(#c0) &lt;b&gt;</text>'
        '<path fill="#0b66a8" d="M1.23456,2"/></g></svg>'
    )
    root = ET.fromstring(themed_svg(drawing, "chart-x-wide", "A & B", "<says>"))
    assert root.tag == "svg"
    assert root.get("width") is None
    assert root.get("viewBox") == "0 0 9 9"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert all(str(found).startswith("chart-x-wide-") for found in ids)
    assert str(root.get("aria-labelledby")).split() == ids[:2]
    assert [root[0].text, root[1].text] == ["A & B", "<says>"]
    group = next(element for element in root if element.tag == "g")
    assert group.get("clip-path") == "url(#chart-x-wide-c0)"
    assert group[0].text == "url(#c0) <b>"
    assert (group[0].get("fill"), group[1].get("fill")) == ("var(--ink)", "var(--gain)")
    assert group[1].get("d") == "M1.23,2"


def test_cut_names_never_take_more_room_than_given() -> None:
    for name in ("x" * 200, "漢字" * 50, "😀" * 40, "e\u0301" * 60, "short"):
        for room in (8, 13, 40):
            assert words.columns(words.shorten(name, room)) <= room


def test_ties_and_missing_scores_have_a_place() -> None:
    raw = [{"id": str(place), "score": score} for place, score in enumerate([None, 0.5, 0.7, 0.5, float("nan")])]
    arms = ranked_arms({"arms": raw, "winner": None, "baseline": None}, False, {}, "winner")
    assert [arm.id for arm in arms] == ["2", "1", "3", "0", "4"]


def test_shares_of_multilabel_data_are_of_the_rows() -> None:
    study = thyroid_study()
    study["data"].update(task="multilabel", rows=100, classes=[{"name": "a", "count": 80}, {"name": "b", "count": 60}])
    spread = build_view(study).distribution
    assert spread is not None
    assert [item.share for item in spread.classes] == [0.8, 0.6]
