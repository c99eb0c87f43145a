from __future__ import annotations

import numpy as np
import pytest
from html_checks import Page
from sample_studies import NASTY, curves_study, small_study, with_curves

from steelyard.report import render_report
from steelyard.report.charts.panels import ticks
from steelyard.report.curves import curves
from steelyard.report.distribution import distribution
from steelyard.report.overweighting import overweighting
from steelyard.report.weights import weights
from steelyard.snippets import write_snippets

FULL = ["verdict", "warnings", "data", "leaderboard", "classes", "tradeoff", "confusion"]


def test_a_full_study_has_every_section(pages) -> None:
    sections = [attributes["id"] for attributes in Page(pages["curves_study"]).all("section")]
    assert sections == [*FULL, "curves", "probabilities", "overweighting", "use", "method"]


def test_a_study_of_an_earlier_release_goes_without_them(pages) -> None:
    sections = [attributes["id"] for attributes in Page(pages["thyroid_study"]).all("section")]
    assert sections == [*FULL, "use", "method"]


def test_numbers_of_the_overweighting_are_those_of_the_study() -> None:
    study = with_curves(small_study())
    table = Page(render_report(study)).table("The rarest classes at so many times")[1:]
    for row, point in zip(table, study["overweighting"]["points"], strict=True):
        gap = point["train_macro_f1"] - point["macro_f1"]
        assert row[1:] == [
            f"{point['recall']:.3f}",
            f"{point['train_recall']:.3f}",
            f"{point['precision']:.3f}",
            str(point["false_alarms"]),
            f"{point['macro_f1']:.3f}",
            f"{point['train_macro_f1']:.3f}",
            f"{gap:+.3f}",
        ]
    assert [row[0] for row in table] == ["none", "×1", "×2", "×5", "×10"]


def test_the_cost_of_too_much_weight_is_said_in_words() -> None:
    found = overweighting(with_curves(small_study())["overweighting"])
    assert found is not None
    assert "90 more false alarms (40 to 130)" in found.lead
    assert overweighting(None) is None
    assert overweighting({"points": [{"factor": 1}]}) is None


def test_precision_is_read_off_the_curve_where_that_recall_is_reached() -> None:
    raw = {
        "classes": [{"name": "a", "support": 4, "winner": {"precision_recall": [[0.25, 1], [0.5, 0.5], [0.75, 0.6]]}}]
    }
    arms = {"winner": arm_of(small_study())}
    curve = curves(raw, arms, 10).classes[0].arms["winner"]
    assert (curve.precision_at(0.25), curve.precision_at(0.5), curve.precision_at(0.8)) == (1.0, 0.6, None)


def arm_of(study):
    from steelyard.report.view import build_view

    return build_view(study).arms[0]


def test_net_benefit_is_in_the_table_per_thousand_rows() -> None:
    study = curves_study()
    raw = study["curves"]["net_benefit"]
    rows = Page(render_report(study)).table("Net benefit per 1,000 rows")
    assert rows[0][1:] == ["winner", "doing nothing", "act on all"]
    assert rows[1][1].replace("+", "") == f"{1000 * raw['winner'][0]:.3f}"
    assert len(rows) - 1 == len(range(0, len(raw["threshold"]), 4))


def test_weights_in_the_report_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    data = {"classes": [{"name": "a", "count": 80}, {"name": "b", "count": 5}]}
    found = weights(distribution(data).classes)
    place = [scheme.name for scheme in found.schemes].index("inverse")
    wanted = compute_class_weight("balanced", classes=np.array([0, 1]), y=[0] * 80 + [1] * 5)
    assert [values[place] for _, values in found.rows] == pytest.approx(wanted.tolist())


def test_one_class_has_no_weights() -> None:
    assert weights(distribution({"classes": [{"name": "a", "count": 80}]}).classes) is None


def test_snippets_are_those_of_the_winner() -> None:
    study = small_study()
    text = Page(render_report(study)).text()
    winner = next(arm for arm in study["arms"] if arm["id"] == study["winner"]["id"])
    for code in write_snippets(winner["strategy"], winner["model"], n_classes=4).values():
        assert " ".join(code.split()) in text


def test_a_strategy_this_release_does_not_know_has_no_snippet() -> None:
    study = small_study()
    for arm in study["arms"]:
        arm["strategy"] = "of_tomorrow(x=1)"
    assert "use" not in [attributes["id"] for attributes in Page(render_report(study)).all("section")]


def test_equal_probabilities_are_said_to_be_one_curve() -> None:
    study = with_curves(small_study())
    said = "their curves are one"
    assert said not in Page(render_report(study)).text()
    study["curves"]["reliability"]["baseline"] = study["curves"]["reliability"]["winner"]
    assert said in Page(render_report(study)).text()


def test_classes_change_in_recall_precision_and_f_beta(pages) -> None:
    page = Page(pages["thyroid_study"])
    drawn = [data for tag, data in page.texts if tag == "text"]
    for measure in ("recall", "precision", "F-beta"):
        assert f"change in {measure}" in drawn


def test_undefined_numbers_in_the_new_parts_do_not_break_the_page() -> None:
    places = iter(range(10**6))

    def gappy(value):
        if isinstance(value, dict):
            return {key: gappy(item) for key, item in value.items()}
        if isinstance(value, list):
            return [gappy(item) for item in value]
        return value if isinstance(value, str) or next(places) % 7 else None

    study = with_curves(small_study())
    for part in ("curves", "overweighting"):
        study[part] = gappy(study[part])
    assert " None " not in Page(render_report(study)).text()


def test_a_script_as_a_name_is_text_in_the_curves(pages) -> None:
    page = Page(pages["curves_study"])
    assert not page.all("script")
    assert any(NASTY[0] in data for tag, data in page.texts if tag == "text")


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 4544), (0.001, 0.0023), (-0.005, 0.019), (0.55, 0.66)])
def test_ticks_are_few_round_and_inside(low, high) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 5
    assert all(low <= value <= high for value, _ in found)
    assert [float(label.replace(",", "")) for _, label in found] == [value for value, _ in found]
