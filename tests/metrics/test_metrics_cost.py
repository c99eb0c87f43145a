from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix

import steelyard as sy
from steelyard.errors import DataError, UsageError
from steelyard.metrics import MeanCost, get_metric

COSTS = {"sick": {"well": 20.0}, "well": {"sick": 1.0}}


def test_the_mean_over_rows_is_that_of_the_confusion_matrix() -> None:
    rng = np.random.default_rng(0)
    matrix, codes, predicted = rng.normal(size=(3, 3)), rng.integers(3, size=200), rng.integers(3, size=200)
    expected = (confusion_matrix(codes, predicted) * matrix).sum() / 200
    assert MeanCost(matrix).from_pairs(codes, predicted).mean() == pytest.approx(expected, rel=1e-12)


def test_costs_by_name_are_put_in_the_order_of_the_classes() -> None:
    bound = MeanCost(COSTS).for_classes(["well", "sick"])
    assert bound.matrix == ((0.0, 1.0), (20.0, 0.0))
    assert get_metric(str(bound)) == bound


def test_costs_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="no class 'ill'; there are 'sick', 'well'"):
        MeanCost({"ill": {"well": 1}}).for_classes(["sick", "well"])
    with pytest.raises(UsageError, match="nothing is said of what it costs to predict 'sick' for 'well'"):
        MeanCost({"sick": {"well": 1}}).for_classes(["sick", "well"])
    with pytest.raises(UsageError, match="for 2 classes, and there are 3"):
        MeanCost([[0, 1], [1, 0]]).for_classes("abc")
    with pytest.raises(UsageError, match="a row and a column"):
        MeanCost([[0, np.inf], [1, 0]])


def test_a_study_ranks_by_cost_and_its_tuned_rule_takes_the_cheapest_label() -> None:
    rng = np.random.default_rng(1)
    y = np.array(["well"] * 360 + ["sick"] * 40)
    X = rng.normal(size=(400, 3)) + 1.2 * (y == "sick")[:, None]
    result = sy.run_study(X, y, models="linear", strategies="do_nothing; threshold", metric=MeanCost(COSTS))
    arms = {arm["strategy"]: arm for arm in result.record["arms"]}
    found = pl.DataFrame(result.predictions)
    for strategy, arm in arms.items():
        rows = found.filter(pl.col("arm") == arm["id"])
        costs = [
            COSTS.get(true, {}).get(said, 0.0) for true, said in zip(rows["label"], rows["prediction"], strict=True)
        ]
        assert arm["score"] == pytest.approx(np.mean(costs), abs=1e-12), strategy
    # The least of sum_t p_t cost(t, j), by hand, on the probabilities of doing nothing.
    plain = found.filter(pl.col("strategy" if "strategy" in found.columns else "arm").str.starts_with("do_nothing"))
    cheap = np.where(20 * plain["p:sick"] > plain["p:well"], "sick", "well")
    tuned = found.filter(pl.col("arm") == arms["threshold"]["id"])
    assert (tuned["prediction"].to_numpy() == cheap).all()
    assert arms["threshold"]["score"] < arms["do_nothing"]["score"]
    assert not result.record["greater_is_better"]


def test_files_that_hold_no_costs(tmp_path) -> None:
    from steelyard.data.cost_matrix import read_cost_matrix

    path = tmp_path / "costs.csv"
    path.write_text("true,a,b\na,0,much\nb,1,0\n")
    with pytest.raises(DataError, match="line 2, column 'b': 'much' is not a finite number"):
        read_cost_matrix(path)
    path.write_text("true,a,b\na,0,1\na,1,0\n")
    with pytest.raises(DataError, match="line 3: class 'a' has two lines"):
        read_cost_matrix(path)
