from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from steelyard import run_study
from steelyard.report.view import build_view
from steelyard.study.overweighting import FACTORS, MOST_ROWS, _figures, _some_rows, overweighting_record, rare_classes


@pytest.fixture(scope="module")
def result():
    """Three overlapping classes, so that more weight has to be paid for."""
    rng = np.random.default_rng(0)
    y = np.repeat(["common", "rare", "scarce"], [900, 60, 12])
    X = rng.normal(size=(972, 12))
    X[:, 0] += 1.2 * (y == "rare") - 1.2 * (y == "scarce")
    return run_study(X, y, models="linear", strategies="inverse", folds=3)


def test_more_weight_buys_hits_with_false_alarms(result) -> None:
    found = result.record["overweighting"]
    points = found["points"]
    assert found["classes"] == ["scarce", "rare"]
    assert [point["factor"] for point in points] == list(FACTORS)
    assert points[1]["recall"] > points[0]["recall"]
    alarms = [point["false_alarms"] for point in points]
    assert alarms == sorted(alarms)
    assert alarms[-1] > 1.5 * alarms[1]
    assert all(point["train_macro_f1"] > point["macro_f1"] for point in points)


def test_once_the_inverse_weight_is_the_arm_of_the_study(result) -> None:
    arm = next(arm for arm in result.record["arms"] if arm["strategy"] == "inverse")
    assert result.record["overweighting"]["points"][1]["macro_f1"] == pytest.approx(arm["score"], abs=0.02)


def test_figures_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    codes = rng.choice(3, 200, p=[0.8, 0.15, 0.05])
    predicted = np.where(rng.random(200) < 0.6, codes, rng.choice(3, 200))
    rows = np.arange(200)
    found = _figures(codes, (rows, predicted), (rows[:100], codes[:100]), [2], 3)
    assert found["macro_f1"] == pytest.approx(f1_score(codes, predicted, average="macro"))
    assert found["train_macro_f1"] == 1.0
    assert found["false_alarms"] == ((predicted == 2) & (codes != 2)).sum()
    assert found["recall"] == pytest.approx((predicted[codes == 2] == 2).mean())
    assert found["precision"] == pytest.approx((codes[predicted == 2] == 2).mean())


def test_it_does_not_use_up_limited_time(result) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], [40, 20])
    limited = run_study(rng.normal(size=(60, 2)), y, models="linear", strategies="inverse", folds=2, time_limit=60)
    assert list(limited.record["overweighting"]) == ["skipped"]
    assert limited.record["overweighting"]["skipped"] in build_view(limited.record).left_out


def test_processes_do_not_change_it(result) -> None:
    data = result._outcome.data
    assert overweighting_record(data, n_jobs=2) == result.record["overweighting"]


def test_a_large_table_is_looked_at_in_part() -> None:
    class Data:
        codes = np.repeat([0, 1, 2], [99_000, 990, 8])
        n_classes, seed = 3, 0

    rows = _some_rows(Data())
    kept = np.bincount(Data.codes[rows])
    assert kept.sum() < MOST_ROWS + 30
    assert kept[2] == 8
    assert kept[1] == pytest.approx(40, abs=2)


def test_the_commonest_class_is_never_rare() -> None:
    assert rare_classes(np.array([3, 4])) == [0]
    assert rare_classes(np.array([5])) == []
